"""`Live`: camera -> Sharpener -> sinks, always with the newest frame."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np

from ovsharp.media import Capture, Frame
from ovsharp.runtime import Sharpener

_RECENT = 60
"""Frames that the figures on the screen are about."""
_NOTICE_SECONDS = 3.0
"""How long a notice stays in the picture."""


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


class View(Protocol):
    """What gives the newest frame: a camera, or the screen."""

    @property
    def dropped(self) -> int:
        """Frames that were replaced by a newer one before anybody took them."""

    def __iter__(self) -> Iterator[Capture]:
        """Give the newest frame, again and again."""


class Live:
    """Takes the newest frame of a camera, sharpens it, and hands it to a sink.

    Change `strength`, `paused` and `split` while it runs; `next_variant` changes the model.

    Args:
        camera: or the screen; stays open.
        sharpener: stays open.
        show: takes each picture (uint8, H x W x 3, BGR); it returns when the picture is visible.
        overlay: whether to write speed, latency and model into the pictures.
        split: whether the left half shows the frame as it came.
        strength: 0..1.5, how far to go from the frame to the sharpener's result.

    Example:
        >>> with Camera(0) as camera, Sharpener() as sharpener:  # doctest: +SKIP
        ...     figures = Live(camera, sharpener, virtual_camera.send).run()
    """

    def __init__(
        self,
        camera: View,
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
        self._pinned: str | None = None
        self._notice, self._notice_until = "", 0.0
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
            lines = (*self._lines(), *self._notices()) if self.overlay else self._notices()
            if lines:
                picture = draw_overlay(picture, lines)
            self._show(picture)
            self._count(capture)
            self.sharpener.catch_up()
        return self.figures

    def stop(self) -> None:
        """End `run` after the frame that it works on. From any thread, or from `show`."""
        self._stopped = True

    def next_variant(self) -> None:
        """Hold on to the next model; after the last, let router or speed choose again."""
        names = self.sharpener.variants
        if len(names) == 1:
            self.say("one model only: leave --model out, or --target-fps brings its family")
            return
        following = 0 if self._pinned is None else names.index(self._pinned) + 1
        self._pinned = names[following] if following < len(names) else None
        self.sharpener.pin(self._pinned)
        self.say("automatic" if self._pinned is None else f"pinned: {self._pinned}")

    def say(self, notice: str) -> None:
        """Write a notice into the next pictures, for a while."""
        self._notice, self._notice_until = notice, time.perf_counter() + _NOTICE_SECONDS

    def _notices(self) -> tuple[str, ...]:
        return (self._notice,) if time.perf_counter() < self._notice_until else ()

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
        if self.split or self.strength != 1:
            before = _enlarged(frame, sharp.shape[0] // frame.shape[0])
        if self.strength != 1:
            mixed = cv2.addWeighted(sharp, self.strength, before, 1 - self.strength, 0)
            sharp = mixed.astype(np.uint8, copy=False)
        if self.split:
            middle = sharp.shape[1] // 2
            sharp[:, :middle] = before[:, :middle]
            sharp[:, middle : middle + 2] = 255
            if self.overlay:
                _label(sharp, "before", middle, left=True)
                _label(sharp, "after", middle + 2, left=False)
        return sharp

    def _lines(self) -> tuple[str, ...]:
        recent = list(self._shown)
        span = recent[-1] - recent[0] if len(recent) > 1 else 0.0
        fps = (len(recent) - 1) / span if span else 0.0
        latency = _percentile(self._latency[-_RECENT:], 50)
        state = "paused" if self.paused else f"strength {self.strength:.0%}"
        how = ""
        if len(self.sharpener.variants) > 1:
            how = " (auto)" if self._pinned is None else " (pinned)"
        return (
            f"{fps:.0f} FPS, {latency:.0f} ms, {self._camera.dropped} dropped",
            f"{self.sharpener.variant}{how}, {state}",
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
    if not lines:
        return picture
    size = _text_size(frame)
    boxes = [_extent(line, size) for line in lines]
    step, margin = round(1.7 * max(height for _, height in boxes)), round(16 * size)
    width = max(width for width, _ in boxes) + 2 * margin
    _darken(picture, margin, margin, width, step * len(lines) + margin)
    for index, line in enumerate(lines):
        _write(picture, line, (2 * margin, margin + step * (index + 1)), size)
    return picture


def _label(picture: Frame, text: str, edge: int, *, left: bool) -> None:
    """Name one half of a split view at the bottom, beside the line between them."""
    size = _text_size(picture)
    margin = round(16 * size)
    width, height = _extent(text, size)
    x = edge - width - 3 * margin if left else edge + margin
    y = picture.shape[0] - height - 3 * margin
    _darken(picture, x, y, width + 2 * margin, height + 2 * margin)
    _write(picture, text, (x + margin, y + margin + height), size)


def _text_size(frame: Frame) -> float:
    height, width = frame.shape[:2]
    return float(max(0.4, min(height, width) / 1080))


def _extent(text: str, size: float) -> tuple[int, int]:
    (width, height), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, size, 1)
    return int(width), int(height)


def _darken(picture: Frame, x: int, y: int, width: int, height: int) -> None:
    """Text alone is lost on a bright wall."""
    box = picture[max(0, y) : y + height, max(0, x) : x + width]
    box //= 3


def _write(picture: Frame, text: str, at: tuple[int, int], size: float) -> None:
    white = (255, 255, 255)
    cv2.putText(picture, text, at, cv2.FONT_HERSHEY_SIMPLEX, size, white, 1, cv2.LINE_AA)


def _enlarged(frame: Frame, scale: int) -> Frame:
    if scale == 1:
        return frame
    size = (frame.shape[1] * scale, frame.shape[0] * scale)
    return cv2.resize(frame, size, interpolation=cv2.INTER_CUBIC).astype(np.uint8, copy=False)


def _percentile(values: list[float], share: float) -> float:
    return float(np.percentile(values, share)) if values else 0.0
