"""`Region`: a rectangle of the screen."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ovsharp.errors import UsageError


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

    def within(self, other: Region) -> Region | None:
        """Cut off what does not lie in another one; None where nothing is left.

        Example:
            >>> str(Region(-10, 5, 640, 360).within(Region(0, 0, 1920, 1080)))
            '0,5,630x360'
        """
        left, top = max(self.left, other.left), max(self.top, other.top)
        right = min(self.left + self.width, other.left + other.width)
        bottom = min(self.top + self.height, other.top + other.height)
        if left >= right or top >= bottom:
            return None
        return Region(left, top, right - left, bottom - top)

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
