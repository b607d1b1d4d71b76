"""`Camera`: the newest frame of a camera, or of a video file that stands in for one."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np

from ovsharp.closing import Closing
from ovsharp.errors import MediaError, UsageError
from ovsharp.media.picture import Frame

STALL_SECONDS = 5.0
"""How long a camera may give nothing before it counts as stalled."""
RETURN_SECONDS = 20.0
"""How long a camera that vanished may take to come back: a cable that is plugged in again."""
_TRY_EVERY = 0.5
"""Seconds between two tries."""
CLOSE_SECONDS = 2.0
"""How long `Camera.close` waits for a driver."""


@dataclass(frozen=True)
class Capture:
    """A frame and when it was taken."""

    frame: Frame
    """uint8, H x W x 3, BGR."""
    taken: float
    """`time.perf_counter()` at the moment it arrived, in seconds."""
    number: int
    """How many frames came before it, the dropped ones included."""


class Camera(Closing):
    """Gives the newest frame, always: what comes while you work is dropped and counted.

    Args:
        source: number of a camera (0 is the first), its device or address (/dev/video0,
            rtsp://...), or path of a video file that stands in for one: that is played at its own
            rate, and frames that nobody took are gone.
        loop: start a file over at its end instead of stopping.
        size: (width, height) to ask the camera for; it may give another.
        fps: frames per second to ask the camera for, or to play the file at; None takes its own.
        stall: seconds without a frame after which the camera counts as stalled.
        patience: seconds for which a camera that vanishes after its first frame is looked for.

    Raises:
        UsageError: `loop` with a camera.
        MediaError: no such camera or file, or it gives no frame.

    Example:
        >>> with Camera("call.mp4") as camera:  # doctest: +SKIP
        ...     for capture in camera:
        ...         print(capture.frame.shape, camera.dropped)
    """

    def __init__(
        self,
        source: int | str | Path,
        *,
        loop: bool = False,
        size: tuple[int, int] | None = None,
        fps: float | None = None,
        stall: float = STALL_SECONDS,
        patience: float = RETURN_SECONDS,
    ) -> None:
        # A device such as /dev/video0 has a path as well, and a stream an address.
        self._is_file = not isinstance(source, int) and not _is_device(str(source))
        if loop and not self._is_file:
            raise UsageError("only a video file can be looped, not a camera")
        self.name = f"camera {source}" if isinstance(source, int) else str(source)
        self._source, self._loop, self._stall, self._patience = source, loop, stall, patience
        self._size, self._fps = size, fps
        self._capture = self._open()
        self._rate = fps or float(self._capture.get(cv2.CAP_PROP_FPS)) or 30.0
        self.dropped = 0
        """Frames that were replaced by a newer one before anybody took them."""
        self.returns = 0
        """How often it vanished and came back."""
        self._away = False
        self._newest: Capture | None = None
        self._fresh = threading.Condition()
        self._closed, self._ended, self._gone, self._given = False, False, False, False
        self._thread = threading.Thread(target=self._read, name="ovsharp-camera", daemon=True)
        self._thread.start()

    @property
    def fps(self) -> float:
        """Frames per second that it says it gives."""
        return self._rate

    def read(self) -> Capture | None:
        """Wait for a frame that was not given before.

        Returns:
            The newest one; None at the end of a file.

        Raises:
            MediaError: the camera was unplugged or has stalled, or is closed.
        """
        with self._fresh:
            came = self._fresh.wait_for(self._settled, self._stall)
            if not came and self._away:
                self._fresh.wait_for(self._settled)
            if self._newest is not None:
                capture, self._newest = self._newest, None
                self._given = True
                return capture
            if self._closed:
                raise MediaError(f"{self.name} is closed; open it again with Camera")
            if self._ended and not self._given:
                raise MediaError(_why_no_frame(self.name))
            if self._ended:
                return None
            if self._gone:
                raise MediaError(
                    f"{self.name} gives no more frames: check its cable and that no other "
                    f"program uses it, then start again"
                )
        raise MediaError(
            f"{self.name} gave no frame for {self._stall:g} s: it has stalled; plug it in again "
            f"or close other programs that use it"
        )

    def __iter__(self) -> Iterator[Capture]:
        while (capture := self.read()) is not None:
            yield capture

    def close(self) -> None:
        """Let go of the camera. May be called again.

        A driver that hangs in a read cannot be interrupted: after `CLOSE_SECONDS` its thread is
        left behind, `stuck` says so, and the camera stays busy until the driver or the program
        ends.
        """
        with self._fresh:
            self._closed = True
            self._fresh.notify_all()
        self._thread.join(CLOSE_SECONDS)

    @property
    def stuck(self) -> bool:
        """Whether it is closed and its driver has still not returned."""
        return self._closed and self._thread.is_alive()

    def _settled(self) -> bool:
        return self._newest is not None or self._ended or self._gone or self._closed

    def _open(self) -> cv2.VideoCapture:
        if self._is_file:
            with Path(self.name).open("rb"):  # OpenCV does not tell missing from broken
                pass
            capture = cv2.VideoCapture(str(self._source))
            if not capture.isOpened():
                capture.release()
                raise MediaError(_why_no_frame(self.name))
            advice = ""
        else:
            capture = _device(self._source)
            advice = (
                "check that it is plugged in and that no other program uses it; a video file can "
                "stand in for it: --camera clip.mp4"
            )
            if self._size is not None:
                capture.set(cv2.CAP_PROP_FRAME_WIDTH, self._size[0])
                capture.set(cv2.CAP_PROP_FRAME_HEIGHT, self._size[1])
            if self._fps is not None:
                capture.set(cv2.CAP_PROP_FPS, self._fps)
        if not capture.isOpened():
            capture.release()
            raise MediaError(f"{self.name} cannot be opened: {advice}")
        return capture

    def _read(self) -> None:
        """Keep the newest frame, until closed or at the end; owns the capture."""
        began, number = time.perf_counter(), 0
        try:
            while not self._closed:
                if self._is_file and not self._wait(began + number / self._rate):
                    return
                frame = self._taken()
                if frame is None and self._loop and number:
                    self._capture.set(cv2.CAP_PROP_POS_FRAMES, 0)
                    frame = self._taken()
                if frame is None and number and not self._is_file:
                    frame = self._returned()
                if frame is None:
                    self._finish()
                    return
                if not number:  # what comes back has to fit what was there
                    self._size = frame.shape[1], frame.shape[0]
                self._offer(Capture(frame, time.perf_counter(), number))
                number += 1
        finally:
            self._capture.release()

    def _taken(self) -> Frame | None:
        try:
            there, frame = self._capture.read()
        except cv2.error:  # a driver's failure is no frame, as any other
            return None
        return np.asarray(frame, np.uint8) if there else None

    def _returned(self) -> Frame | None:
        """Look for a camera that vanished, and give its first frame; None if it stays away."""
        self._away = True
        until = time.perf_counter() + self._patience
        while (now := time.perf_counter()) < until:
            if not self._wait(now + _TRY_EVERY):
                return None
            self._capture.release()
            try:
                self._capture = self._open()
            except MediaError:
                continue
            frame = self._taken()
            if frame is not None and (frame.shape[1], frame.shape[0]) == self._size:
                self._away = False
                self.returns += 1
                return frame
        return None

    def _wait(self, until: float) -> bool:
        """Sleep until a time; tell whether the camera is still open."""
        with self._fresh:
            return not self._fresh.wait_for(
                lambda: self._closed, max(0.0, until - time.perf_counter())
            )

    def _offer(self, capture: Capture) -> None:
        with self._fresh:
            self.dropped += self._newest is not None
            self._newest = capture
            self._fresh.notify_all()

    def _finish(self) -> None:
        with self._fresh:
            self._ended, self._gone = self._is_file, not self._is_file
            self._fresh.notify_all()


def _why_no_frame(name: str) -> str:
    """Say what is wrong with a file that gives no frame."""
    problem = f"{name} is no video, or has no frame that can be decoded; check that it plays"
    if not Path(name).stat().st_size:
        return f"{name} is empty: expected a video"
    if find_spec("av") is None:  # OpenCV does not tell
        return problem
    from ovsharp.media.reader import read_video

    try:
        with read_video(name) as video:
            next(iter(video), None)
    except MediaError as error:
        return str(error)
    return problem


def _is_device(source: str) -> bool:
    return "://" in source or (Path(source).exists() and not Path(source).is_file())


def _device(source: int | str | Path) -> cv2.VideoCapture:
    # OpenCV writes a page of warnings where there is no camera; our one sentence says it all.
    logging = cv2.utils.logging
    level = logging.getLogLevel()
    logging.setLogLevel(logging.LOG_LEVEL_SILENT)
    try:
        return cv2.VideoCapture(source if isinstance(source, int) else str(source))
    finally:
        logging.setLogLevel(level)
