"""`Screen`: what a part of the screen shows, for as long as somebody asks."""

from __future__ import annotations

import time
from collections.abc import Iterator

import cv2
import numpy as np

from ovsharp.closing import Closing
from ovsharp.errors import MediaError, UsageError
from ovsharp.extras import need
from ovsharp.media.camera import Capture
from ovsharp.media.desktop import check_desktop
from ovsharp.media.picture import Frame
from ovsharp.media.region import Region
from ovsharp.media.window import Window


class Screen(Closing):
    """Gives what a part of the screen shows, always as it is now.

    Args:
        region: the part; None for all of the first monitor.
        window: a window that is followed instead, as far as it is on the screen; stays open.
        fps: pictures per second at most.

    Raises:
        MissingExtraError: without the extra that captures screens.
        MediaError: there is no screen that can be captured: no display, or Wayland.
        UsageError: a region outside of the screen.

    Example:
        >>> with Screen(Region(0, 0, 640, 360)) as screen:  # doctest: +SKIP
        ...     screen.picture().shape
        (360, 640, 3)
    """

    dropped = 0
    """None ever waits."""

    def __init__(
        self, region: Region | None = None, *, window: Window | None = None, fps: float = 30.0
    ) -> None:
        need("mss", extra="screen")
        import mss

        check_desktop()
        self._failure = mss.ScreenShotError
        try:
            self._capture = mss.MSS()
            found = [
                Region(one["left"], one["top"], one["width"], one["height"])
                for one in self._capture.monitors
            ]
        except (mss.ScreenShotError, OSError) as error:
            raise MediaError(f"the screen cannot be captured: {error}") from error
        whole, self.monitors = found[0], found[1:] or found
        self._whole, self._window = whole, window
        self.region = self.monitors[0] if region is None else region
        if window is not None:
            self._follow(window)
        if not whole.holds(self.region):
            self._capture.close()
            raise UsageError(
                f"the region {self.region} is not all on the screen, which is {whole}; choose it "
                f"with the mouse: leave it out"
            )
        self.fps = fps

    def picture(self) -> Frame:
        """Capture once: uint8, H x W x 3, BGR.

        Raises:
            MediaError: the screen is gone, or locked; the window is.
        """
        if self._window is not None:
            self._follow(self._window)
        region = self.region
        where = {
            "left": region.left,
            "top": region.top,
            "width": region.width,
            "height": region.height,
        }
        try:
            shot = self._capture.grab(where)
        except self._failure as error:
            raise MediaError(f"the screen cannot be captured any more: {error}") from error
        bgra = np.frombuffer(shot.bgra, np.uint8).reshape(shot.height, shot.width, 4)
        return np.asarray(cv2.cvtColor(bgra, cv2.COLOR_BGRA2BGR), np.uint8)

    def _follow(self, window: Window) -> None:
        region = window.region.within(self._whole)
        if region is None:
            raise MediaError("the window has left the screen: bring it back, and start again")
        self.region = region

    def __iter__(self) -> Iterator[Capture]:
        """Capture again and again, `fps` times a second or as often as somebody asks."""
        due, number = time.perf_counter(), 0
        while True:
            time.sleep(max(0.0, due - time.perf_counter()))
            taken = time.perf_counter()
            due = max(due, taken - 1 / self.fps) + 1 / self.fps
            yield Capture(self.picture(), taken, number)
            number += 1

    def close(self) -> None:
        """Let go of the screen. May be called again."""
        self._capture.close()
