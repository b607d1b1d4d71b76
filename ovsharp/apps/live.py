"""`Live`: camera -> Sharpener -> sinks, always with the newest frame."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from ovsharp.media import Camera, Capture, Frame
from ovsharp.runtime import Sharpener

_RECENT = 60
"""Frames that the figures on the screen are about."""


@dataclass(frozen=True)
class Figures:
    """How a live session goes."""

    frames: int
    """Shown."""
    dropped: int
    """That came while another one was being worked on."""
    seconds: float
    """Since the first frame."""
    latency_p50: float
    """Milliseconds from the arrival of a frame to the return of its `show`, median."""
    latency_p99: float
    """The same, 99th percentile."""
    infer_p50: float
    """Milliseconds in the sharpener, median."""
    variant: str
    """Name of the model that ran last."""

    @property
    def fps(self) -> float:
        """Frames per second that were shown."""
        return (self.frames - 1) / self.seconds if self.seconds > 0 else 0.0


class Live:
    """Takes the newest frame of a camera, sharpens it, and hands it to a sink.

    Change `strength`, `paused` and `split` while it runs.

    Args:
        camera: stays open.
        sharpener: stays open.
        show: takes each picture (uint8, H x W x 3, BGR); it returns when the picture is visible.
        overlay: whether to write speed, latency and model into the pictures.
        split: whether the left half shows the frame as it came.
        strength: 0..1, how much of the sharpener's result is mixed in.

    Example:
        >>> with Camera(0) as camera, Sharpener() as sharpener:  # doctest: +SKIP
        ...     figures = Live(camera, sharpener, virtual_camera.send).run()
    """

    def __init__(
        self,
        camera: Camera,
        sharpener: Sharpener,
        show: Callable[[Frame], object],
        *,
        overlay: bool = False,
        split: bool = False,
        strength: float = 1.0,
    ) -> None:
        self._camera, self.sharpener, self._show = camera, sharpener, show
        self.overlay, self.split, self.strength = overlay, split, strength
        self.paused = False
        self._stopped = False
        self._latency: list[float] = []
        self._infer: list[float] = []
        self._shown: deque[float] = deque(maxlen=_RECENT)
        self._first = self._last = 0.0

    @property
    def figures(self) -> Figures:
        """How it goes."""
        return Figures(
            frames=len(self._latency),
            dropped=self._camera.dropped,
            seconds=self._last - self._first,
            latency_p50=_percentile(self._latency, 50),
            latency_p99=_percentile(self._latency, 99),
            infer_p50=_percentile(self._infer, 50),
            variant=self.sharpener.variant,
        )

    def run(self, *, seconds: float | None = None) -> Figures:
        """Work until `stop`, the end of a file, or for some seconds.

        Raises:
            MediaError: the camera was unplugged or has stalled.
            InferenceError: the model cannot take its frames.
        """
        for capture in self._captures(seconds):
            picture = self._picture(capture.frame)
            if self.overlay:
                picture = draw_overlay(picture, self._lines())
            self._show(picture)
            self._count(capture)
        return self.figures

    def stop(self) -> None:
        """End `run` after the frame that it works on. From any thread, or from `show`."""
        self._stopped = True

    def _captures(self, seconds: float | None) -> Iterator[Capture]:
        began = time.perf_counter()
        for capture in self._camera:
            if self._stopped or (seconds is not None and time.perf_counter() - began >= seconds):
                return
            yield capture

    def _picture(self, frame: Frame) -> Frame:
        if self.paused or self.strength == 0:
            scale = self.sharpener.spec.scale
            return _enlarged(frame, scale)
        began = time.perf_counter()
        sharp = self.sharpener(frame)
        self._infer.append(1000 * (time.perf_counter() - began))
        before = frame
        if self.split or self.strength < 1:
            before = _enlarged(frame, sharp.shape[0] // frame.shape[0])
        if self.strength < 1:
            mixed = cv2.addWeighted(sharp, self.strength, before, 1 - self.strength, 0)
            sharp = mixed.astype(np.uint8, copy=False)
        if self.split:
            middle = sharp.shape[1] // 2
            sharp[:, :middle] = before[:, :middle]
            sharp[:, middle : middle + 2] = 255
        return sharp

    def _lines(self) -> tuple[str, ...]:
        recent = list(self._shown)
        span = recent[-1] - recent[0] if len(recent) > 1 else 0.0
        fps = (len(recent) - 1) / span if span else 0.0
        latency = _percentile(self._latency[-_RECENT:], 50)
        state = "paused" if self.paused else f"strength {self.strength:.1f}"
        return (
            f"{fps:.0f} FPS  {latency:.0f} ms  {self._camera.dropped} dropped",
            f"{self.sharpener.variant}  {state}",
        )

    def _count(self, capture: Capture) -> None:
        now = time.perf_counter()
        self._latency.append(1000 * (now - capture.taken))
        self._shown.append(now)
        self._first = self._first or now
        self._last = now


def draw_overlay(frame: Frame, lines: tuple[str, ...]) -> Frame:
    """Write lines of text into the upper left corner of a copy of a frame.

    Args:
        frame: uint8, H x W x 3, BGR.
        lines: ASCII.

    Returns:
        uint8, the same shape.
    """
    picture = frame.copy()
    size = max(0.4, frame.shape[0] / 1080)
    step = round(34 * size)
    # Text alone is lost on a bright wall.
    longest = max(map(len, lines), default=0)
    corner = picture[: round(step * (len(lines) + 0.5)), : round(20 * size * longest)]
    corner //= 2
    for index, line in enumerate(lines):
        at = (round(12 * size), step * (index + 1))
        cv2.putText(picture, line, at, cv2.FONT_HERSHEY_SIMPLEX, size, (255, 255, 255))
    return picture


def _enlarged(frame: Frame, scale: int) -> Frame:
    if scale == 1:
        return frame
    size = (frame.shape[1] * scale, frame.shape[0] * scale)
    return cv2.resize(frame, size, interpolation=cv2.INTER_CUBIC).astype(np.uint8, copy=False)


def _percentile(values: list[float], share: float) -> float:
    return float(np.percentile(values, share)) if values else 0.0
