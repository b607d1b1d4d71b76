"""`Shot`: a frame of a video and when it is shown."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

from ovsharp.media.deep import Deep
from ovsharp.media.picture import Frame
from ovsharp.media.transparency import Alpha


@dataclass(frozen=True, eq=False)
class Shot:
    """A frame and its time, in the ticks of the stream that it came from.

    Example:
        >>> import numpy as np
        >>> Shot(np.zeros((2, 2, 3), np.uint8), 512, Fraction(1, 1024)).seconds
        0.5
    """

    frame: Frame
    """uint8, H x W x 3, BGR, upright."""
    pts: int
    """When it is shown, in units of `time_base`."""
    time_base: Fraction
    """Seconds per tick."""
    duration: int = 0
    """How long it is shown, in ticks; 0 if the source does not say."""
    deep: Deep | None = None
    """The frame in more than 8 bits as it was decoded, to which a correction is added."""
    alpha: Alpha | None = None
    """Its transparency, where it has any and that was asked for."""

    @property
    def seconds(self) -> float:
        """When it is shown, in seconds."""
        return float(self.pts * self.time_base)

    def replaced(self, frame: Frame) -> Shot:
        """Give another frame the time of this one."""
        return replace(self, frame=frame)
