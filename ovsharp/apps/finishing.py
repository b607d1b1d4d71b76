"""What is done to each frame of a video behind the model."""

from __future__ import annotations

from collections.abc import Callable

from ovsharp.media import Frame, side_by_side
from ovsharp.quality import Flicker
from ovsharp.runtime import Steady


class Finishing:
    """Steadiness, flicker, and before | after. Frames in order, from the start of a segment on.

    Args:
        steady: whether to lower flicker.
        beside: whether to give before | after.
        segment: frames after which steadiness begins anew: where a job may be continued.
        flicker: measures it; None to leave that out.
        unsharp: the amount of the unsharp mask that frames have gone through.
    """

    def __init__(
        self,
        steady: bool,
        beside: bool,
        segment: int,
        flicker: Flicker | None = None,
        *,
        unsharp: float = 0.0,
    ) -> None:
        self._steady = Steady(segment) if steady else None
        self._beside, self._flicker, self._unsharp = beside, flicker, unsharp

    @property
    def each(self) -> Callable[[Frame, Frame], Frame] | None:
        """What a `Pipeline` takes; None where nothing is to be done."""
        wanted = self._steady or self._beside or self._flicker
        return self._finished if wanted else None

    def _finished(self, before: Frame, after: Frame) -> Frame:
        if self._steady is not None:
            after = self._steady.add(before, after, self._unsharp)
        if self._flicker is not None:
            self._flicker.add(before, after)
        return side_by_side(before, after) if self._beside else after
