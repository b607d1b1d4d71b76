"""The size that a picture shall have: by a factor, its shorter side, or both sides."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ovsharp.errors import MediaError, UsageError
from ovsharp.limits import MEGAPIXELS


@dataclass(frozen=True)
class Size:
    """What was asked for; exactly one of its fields.

    Example:
        >>> Size(scale=1.5).of(101, 60)
        (152, 90)
        >>> Size.parse("1080p").of(720, 960)
        (1080, 1440)
    """

    scale: float | None = None
    """Of both sides."""
    shorter: int | None = None
    """The shorter side; the other follows."""
    sides: tuple[int, int] | None = None
    """Width and height, whatever the picture's proportions."""

    @classmethod
    def parse(cls, text: str) -> Size:
        """Read `1080p` or `1280x720`.

        Raises:
            UsageError: neither.
        """
        if match := re.fullmatch(r"([1-9]\d{0,4})x([1-9]\d{0,4})", text):
            return cls(sides=(int(match[1]), int(match[2])))
        if match := re.fullmatch(r"([1-9]\d{0,4})p", text):
            return cls(shorter=int(match[1]))
        raise UsageError(f"cannot read --size {text}; expected e.g. 1080p or 1280x720")

    def of(self, width: int, height: int) -> tuple[int, int]:
        """Give width and height for a picture of this width and height.

        Raises:
            MediaError: more pixels than `MEGAPIXELS`.
        """
        if self.sides is not None:
            wide, high = self.sides
        else:
            factor = self.shorter / min(width, height) if self.shorter else self.scale or 1
            wide, high = max(1, round(width * factor)), max(1, round(height * factor))
        if wide * high > 1e6 * MEGAPIXELS.value:
            raise MediaError(
                f"{wide}x{high} pixels would be too large: expected at most "
                f"{MEGAPIXELS.value:g} megapixels ({MEGAPIXELS.variable})"
            )
        return wide, high

    def distorts(self, width: int, height: int) -> bool:
        """Tell whether a picture of this width and height is squeezed, by over a percent."""
        wide, high = self.of(width, height)
        return self.sides is not None and abs(wide * height / (high * width) - 1) > 0.01
