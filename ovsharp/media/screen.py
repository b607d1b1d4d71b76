"""`Screen`: what a part of the screen shows, for as long as somebody asks."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from ovsharp.closing import Closing
from ovsharp.errors import MediaError, UsageError
from ovsharp.extras import need
from ovsharp.media.camera import Capture
from ovsharp.media.picture import Frame


@dataclass(frozen=True)
class Region:
    """A rectangle of the screen, in pixels; left and top may be negative, on a second monitor.

    Example:
        >>> region = Region.parse("100,-80,640x360")
        >>> region
        Region(left=100, top=-80, width=640, height=360)
        >>> str(region)
        '100,-80,640x360'
    """

    left: int
    top: int
    width: int
    height: int

    def __str__(self) -> str:
        return f"{self.left},{self.top},{self.width}x{self.height}"

    @classmethod
    def parse(cls, text: str) -> Region:
        """Read `LEFT,TOP,WIDTHxHEIGHT`.

        Raises:
            UsageError: something else.
        """
        match = re.fullmatch(r"(-?\d{1,5}),(-?\d{1,5}),([1-9]\d{0,4})x([1-9]\d{0,4})", text)
        if match is None:
            raise UsageError(
                f"cannot read the region {text}; expected LEFT,TOP,WIDTHxHEIGHT in pixels, as in "
                f"100,80,640x360"
            )
        return cls(*map(int, match.groups()))

    def holds(self, other: Region) -> bool:
        """Tell whether another one lies wholly in this one."""
        return (
            self.left <= other.left
            and self.top <= other.top
            and other.left + other.width <= self.left + self.width
            and other.top + other.height <= self.top + self.height
        )

    def beside(self, monitors: list[Region], width: int, height: int) -> tuple[int, int] | None:
        """Find a place for a window that covers nothing of this region.

        Args:
            monitors: where windows can be.
            width: of the window.
            height: of the window.

        Returns:
            Left and top; None where there is no such place.

        Example:
            >>> Region(0, 0, 640, 360).beside([Region(0, 0, 1920, 1080)], 640, 360)
            (640, 0)
            >>> Region(0, 0, 1920, 1080).beside([Region(0, 0, 1920, 1080)], 1920, 1080)
        """
        right, bottom = self.left + self.width, self.top + self.height
        around = [
            (right, self.top),
            (self.left - width, self.top),
            (self.left, bottom),
            (self.left, self.top - height),
        ]
        elsewhere = [(one.left, one.top) for one in monitors if not one.holds(self)]
        for left, top in (*around, *elsewhere):
            if any(one.holds(Region(left, top, width, height)) for one in monitors):
                return left, top
        return None


class Screen(Closing):
    """Gives what a part of the screen shows, always as it is now.

    Args:
        region: the part; None for all of the first monitor.
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

    def __init__(self, region: Region | None = None, *, fps: float = 30.0) -> None:
        need("mss", extra="screen")
        import mss

        _check_desktop()
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
        self.region = self.monitors[0] if region is None else region
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
            MediaError: the screen is gone, or locked.
        """
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


def _check_desktop() -> None:
    if not sys.platform.startswith("linux"):
        return
    if os.environ.get("WAYLAND_DISPLAY"):
        raise MediaError(
            "this desktop runs Wayland, which shows programs nothing of each other; log out, and "
            "log in to its X11 session ('on Xorg'), or sharpen a camera with 'ovsharp camera'"
        )
    if not os.environ.get("DISPLAY"):
        raise MediaError("there is no screen here: DISPLAY is not set; start it on a desktop")
