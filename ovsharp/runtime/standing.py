"""`Standing`: of a frame that stands still, in whole or in part, only the rest is computed again.

What a model makes of a row depends on the rows around it up to its margin. So rows that are far
enough from every change keep what was made of them: bit for bit what the whole frame would give.
"""

from __future__ import annotations

import threading

import numpy as np
import numpy.typing as npt

from ovsharp.engine import Frame, Maker, Plan, Variant, stripes

_LOOK = 16
"""One row of these is compared first: in a camera's pictures nearly all change."""
_MOVING = 0.75
"""Share of rows above which nothing would be gained."""


class Standing:
    """Runs models on the frames of a call, one after the other. Thread-safe.

    Nothing is copied: neither a frame nor its result may be changed afterwards.

    Attributes:
        repeated: frames that were equal to the one before, and were not computed.
    """

    def __init__(self) -> None:
        self.repeated = 0
        self._lock = threading.Lock()
        self._last: tuple[Variant, Frame, Frame] | None = None

    def run(self, maker: Maker, frame: Frame) -> Frame:
        """Give what a model makes of a frame; for a repeated one, the same array again."""
        with self._lock:
            if not isinstance(maker, Variant):
                self._last = None
                return maker.run(frame)
            result = self._made(maker, frame)
            self._last = maker, frame, result
            return result

    def _made(self, maker: Variant, frame: Frame) -> Frame:
        if self._last is None or self._last[0] is not maker or self._last[1].shape != frame.shape:
            return maker.run(frame)
        _, before, result = self._last
        changed = changed_rows(before, frame)
        if changed is None:
            return maker.run(frame)
        if not changed.any():
            self.repeated += 1
            return result
        height, width = frame.shape[:2]
        cut: Plan | None = stripes(maker.plan(height, width), width, changed, maker.spec)
        return maker.run(frame) if cut is None else maker.run(frame, result.copy(), cut)


def changed_rows(before: Frame, after: Frame) -> npt.NDArray[np.bool_] | None:
    """Tell which rows of two frames of one shape differ; None where most of them surely do.

    Example:
        >>> before, after = np.zeros((2, 4, 8, 3), np.uint8)
        >>> after[2, 5] = 7
        >>> changed_rows(before, after).tolist()
        [False, False, True, False]
    """
    old, new = before.reshape(len(before), -1), after.reshape(len(after), -1)
    first: npt.NDArray[np.bool_] = (old[::_LOOK] != new[::_LOOK]).any(axis=1)
    if first.mean() > _MOVING:
        return None
    if old.shape[1] % 8 == 0 and old.flags.c_contiguous and new.flags.c_contiguous:
        old, new = old.view(np.uint64), new.view(np.uint64)  # eight values at a time
    differ: npt.NDArray[np.bool_] = (old != new).any(axis=1)
    return differ
