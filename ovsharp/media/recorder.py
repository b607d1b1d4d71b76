"""`Recorder`: a video file beside a live picture, which never waits for the encoder."""

from __future__ import annotations

import os
import sys
import threading
import time
from fractions import Fraction
from pathlib import Path
from queue import SimpleQueue

from ovsharp.closing import Ending
from ovsharp.media.picture import Frame
from ovsharp.media.shot import Shot
from ovsharp.media.writer import write_video

WAITING = 16
"""Pictures that wait for the encoder at most: half a second, what the end of a segment costs."""
_GIVE_UP_SECONDS = 5.0
"""How long a second Ctrl-C waits for the picture that is being encoded."""
_TICK = Fraction(1, 1000)


class Recorder(Ending):
    """Writes pictures as they are shown, in a thread of its own.

    What the encoder cannot keep up with is left out and counted: the file has fewer frames then,
    each at its own time. It appears when the block ends without an error, complete.

    Args:
        path: ending in one of `CONTAINERS`.
        rate: pictures per second that are to be expected.
        codec: as that of `write_video`.
        overwrite: whether an existing file may be replaced.
        waiting: pictures that may wait for the encoder.

    Raises:
        UsageError: an ending or encoder that is not known or does not work, or the file exists.
        OSError: it cannot be written.

    Attributes:
        written: pictures that were encoded so far.
        dropped: pictures that were left out.

    Example:
        >>> with Recorder("out.mp4", rate=30) as recorder:  # doctest: +SKIP
        ...     for capture in camera:
        ...         recorder.write(sharpener(capture.frame))
    """

    def __init__(
        self,
        path: str | Path,
        *,
        rate: float = 30.0,
        codec: str | None = None,
        overwrite: bool = False,
        waiting: int = WAITING,
    ) -> None:
        self._video = write_video(path, rate=rate, codec=codec, live=True, overwrite=overwrite)
        self._most = waiting
        self.written = self.dropped = 0
        # Not `Queue`: Ctrl-C inside of it, in the live loop, may leave its lock taken.
        self._waiting: SimpleQueue[Shot | None] = SimpleQueue()
        self._given_up = False
        self._error: BaseException | None = None
        self._began, self._last = 0.0, -1
        self._thread = threading.Thread(target=self._work, name="ovsharp-recorder", daemon=True)

    @property
    def encoder(self) -> str:
        """Name of the encoder that runs."""
        return self._video.encoder.name

    def write(self, picture: Frame) -> None:
        """Take a picture that is shown now. It is copied; this never waits.

        Args:
            picture: uint8, H x W x 3, BGR; all of one size.

        Raises:
            MediaError, OSError: the encoder or the disk has failed since the last call.
        """
        if self._error is not None:
            raise self._error
        now = time.perf_counter()
        self._began = self._began or now
        if self._waiting.qsize() >= self._most:
            self.dropped += 1
            return
        self._last = max(self._last + 1, round((now - self._began) / _TICK))
        self._waiting.put(Shot(picture.copy(), self._last, _TICK))

    def __enter__(self) -> Recorder:
        self._thread.start()
        return self

    def _leave(self, *, well: bool) -> None:
        try:
            self._given_up = not well
            self._drain()
            if well:
                self._video.finish()
        finally:
            self._video.discard()

    def _drain(self) -> None:
        self._waiting.put(None)
        try:
            self._thread.join()
        except BaseException:
            self._given_up = True
            self._thread.join(_GIVE_UP_SECONDS)
            raise
        if self._error is not None and not self._given_up:
            raise self._error

    def _work(self) -> None:
        _step_back()
        try:
            while (shot := self._waiting.get()) is not None and not self._given_up:
                self._video.write(shot)
                self.written += 1
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that shows
            self._error = error


def _step_back() -> None:
    """Let this thread, and those of the encoder that it starts, work in the live loop's gaps only.

    Measured at 720p on two cores, 99th percentile from capture to display: 55 to 72 ms with a nice
    value of 10, 30 to 48 ms so.
    """
    if sys.platform == "linux":  # where this is about the calling thread alone
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
