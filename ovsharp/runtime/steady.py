"""Temporal steadiness: still regions are averaged over time, moving ones are left alone."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from ovsharp.engine import Frame, copy_frame

_KEEP, _KEEP_CRISP = 0.65, 0.19
"""Share of the frame before in a region that is surely still, and what an unsharp mask of amount 1
adds to it; half of it where that is likely."""
_STILL = 2.0
"""Grey levels by which the blurred input may change and still count as standing."""
_ALIKE, _ALIKE_CRISP = 3.0, 6.0
"""Grey levels by which a pixel may differ from the one before and still be averaged with it, and
what an unsharp mask of amount 1 adds: it enlarges differences.

Measured behind `call-codec` on three clips, H.264 at CRF 36: flicker 1.25 -> 1.00 of the input's,
.01 dB less, SSIM the same. With 6 levels and a share of .8 it was .93 and .04 dB less: what moves a
little was averaged too. Behind a mask of .8, on five clips at half size, 250 kbit/s and VP8, levels
and share without what it adds: flicker 1.21 and 1.12; with it .98 and .90, .008 dB less, SSIM the
same.
"""
_MOST_KEPT = 0.85
"""Of that share, however strong the mask is."""
_SURELY, _LIKELY = 140, 64
"""Weights of 255 from which both shares are taken."""
_BAND = 256
"""Rows that are mixed at a time."""
_CELL = 4
"""Pixels whose mean stands for the input: noise is gone there, and a large frame costs little."""


@lru_cache(maxsize=8)
def _falling(limit: float) -> npt.NDArray[np.uint8]:
    """Give weights 255..0 that fall to 0 at `limit`, for all 256 differences."""
    return np.rint(np.clip(1 - np.arange(256) / limit, 0, 1) * 255).astype(np.uint8)


_MOTION = _falling(_STILL)


class Steady:
    """Lowers flicker where the picture stands still.

    Each pixel becomes a mean of itself and of the last result, where it surely stands still: the
    input, averaged over 12x12 pixels, must hardly change there, and the result itself not much.
    What moves is returned as it is, and so is a frame that nobody has changed.

    Args:
        segment: frames after which it starts afresh, so that each such part of a video can be
            made by itself; never, if left out.

    Example:
        >>> steady = Steady()
        >>> dark, light = (np.full((8, 8, 3), level, np.uint8) for level in (100, 101))
        >>> flickering = [steady.add(dark, picture)[0, 0, 0] for picture in (dark + 4, dark + 5)]
        >>> [int(level) for level in flickering]  # 105 is drawn towards 104
        [104, 104]
        >>> int(steady.add(light * 2, light * 2 + 1)[0, 0, 0])  # a cut is taken as it is
        203
    """

    def __init__(self, segment: int | None = None) -> None:
        self._segment, self._frames = segment, 0
        self._last: tuple[npt.NDArray[np.uint8], Frame] | None = None

    def add(self, before: Frame, after: Frame, unsharp: float = 0.0) -> Frame:
        """Take the next frame and its result; give the steadier result.

        Args:
            before: the input, uint8 H x W x 3 BGR.
            after: what became of it, the same or a larger size; not changed.
            unsharp: 0..2, the amount of the unsharp mask that it went through.
        """
        if self._segment and self._frames % self._segment == 0:
            self._last = None
        self._frames += 1
        grey = _means(before)
        result = after
        changed = after is not before and not np.array_equal(before, after)
        if changed and self._last is not None and self._last[1].shape == after.shape:
            result = self._mixed(grey, after, *self._last, unsharp)
        self._last = grey, result
        return result

    @staticmethod
    def _mixed(
        grey: npt.NDArray[np.uint8],
        after: Frame,
        last_grey: npt.NDArray[np.uint8],
        last: Frame,
        unsharp: float,
    ) -> Frame:
        near = _falling(_ALIKE + _ALIKE_CRISP * unsharp)
        keep = min(_MOST_KEPT, _KEEP + _KEEP_CRISP * unsharp)
        still = cv2.LUT(cv2.absdiff(grey, last_grey), _MOTION)
        still = cv2.resize(still, (after.shape[1], after.shape[0]))
        alike = np.empty_like(still)
        for rows in _bands(after):
            change = cv2.cvtColor(cv2.absdiff(after[rows], last[rows]), cv2.COLOR_BGR2GRAY)
            cv2.LUT(change, near, alike[rows])
        weight = cv2.blur(cv2.multiply(still, alike, scale=1 / 255), (3, 3))
        result = copy_frame(after)
        # Two shares, and what they are taken for: a fifth of the time of a share of its own for
        # every pixel.
        for rows in _bands(after):
            for least, share in ((_LIKELY, keep / 2), (_SURELY, keep)):
                mixed = cv2.addWeighted(last[rows], share, after[rows], 1 - share, 0)
                cv2.copyTo(mixed, (weight[rows] > least).view(np.uint8), result[rows])
        return result


def _bands(frame: Frame) -> Iterator[slice]:
    """Cut a frame into rows that a core keeps near: whole frames between two steps are memory."""
    for top in range(0, len(frame), _BAND):
        yield slice(top, top + _BAND)


def _means(frame: Frame) -> npt.NDArray[np.uint8]:
    grey = cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)
    size = tuple(max(1, side // _CELL) for side in grey.shape[::-1])
    small = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.blur(small, (3, 3)), np.uint8)
