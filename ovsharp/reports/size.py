"""Sizes of frames by name, as people and tables say them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from ovsharp.errors import UsageError
from ovsharp.spec import ModelSpec

SIZES: Mapping[str, tuple[int, int]] = {
    "360p": (360, 640),
    "480p": (480, 854),
    "720p": (720, 1280),
    "1080p": (1080, 1920),
    "1440p": (1440, 2560),
    "2160p": (2160, 3840),
}
"""Height and width of the output."""


@dataclass(frozen=True)
class Size:
    """A size of the output."""

    name: str
    height: int
    width: int

    @classmethod
    def parse(cls, text: str) -> Size:
        """Read `1080p` or `HxW`.

        Raises:
            UsageError: neither.

        Example:
            >>> Size.parse("720p")
            Size(name='720p', height=720, width=1280)
        """
        if text in SIZES:
            return cls(text, *SIZES[text])
        match = re.fullmatch(r"(\d+)x(\d+)", text)
        if not match or not all(16 <= int(side) <= 8192 for side in match.groups()):
            raise UsageError(
                f"unknown size '{text}': expected {', '.join(SIZES)} or HxW of the output "
                f"with sides of 16..8192, such as 1080x1920"
            )
        return cls(text, int(match[1]), int(match[2]))

    def frame(self, spec: ModelSpec) -> tuple[int, int]:
        """Height and width of the frame from which a model makes this size.

        Where the scale does not divide the size, it is rounded up.
        """
        return math.ceil(self.height / spec.scale), math.ceil(self.width / spec.scale)

    def padded(self, spec: ModelSpec) -> tuple[int, int]:
        """`frame`, enlarged to what the model takes."""
        return spec.padded(*self.frame(spec))

    def fits(self, spec: ModelSpec) -> bool:
        """Tell whether the model can take it: those of one size take no other."""
        return spec.size is None or self.frame(spec) == spec.size
