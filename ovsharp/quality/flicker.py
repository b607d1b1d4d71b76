"""Flicker: what changes from frame to frame where the input stands still."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

_STILL = 2.0
"""Grey levels that the blurred input may change by and count as still."""


class Flicker:
    """Mean absolute change of grey levels between consecutive frames, in still regions.

    A pixel is still where the input, averaged over 9x9 pixels, changes by 2 levels of 255 or
    less. `input` and `output` are means over all still pixels; `ratio` is output / input: 1 adds
    none. Sharpening enlarges noise too, so ratios somewhat over 1 are no defect by themselves.

    Example:
        >>> flicker = Flicker()
        >>> for level in (10, 11):
        ...     frame = np.full((8, 8, 3), level, np.uint8)
        ...     flicker.add(frame, frame)
        >>> flicker.input, flicker.ratio
        (1.0, 1.0)
    """

    def __init__(self) -> None:
        self._last: tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]] | None = None
        self._sums = [0.0, 0.0]
        self._pixels = 0

    def add(self, before: npt.NDArray[np.uint8], after: npt.NDArray[np.uint8]) -> None:
        """Take the next pair of frames, uint8 H x W x 3 BGR; `after` may be larger."""
        grey = _grey(before)
        size = (before.shape[1], before.shape[0])
        shrunk = after
        if after.shape != before.shape:
            shrunk = np.asarray(cv2.resize(after, size, interpolation=cv2.INTER_AREA), np.uint8)
        pair = (grey, _grey(shrunk))
        if self._last is not None and self._last[0].shape == grey.shape:
            blurred = [cv2.blur(picture, (9, 9)) for picture in (grey, self._last[0])]
            still = np.asarray(cv2.absdiff(*blurred)) <= _STILL
            self._pixels += int(still.sum())
            for index in (0, 1):
                change = np.asarray(cv2.absdiff(pair[index], self._last[index]))
                self._sums[index] += float(change[still].sum(dtype=np.int64))
        self._last = pair

    @property
    def input(self) -> float:
        """Change of the input, in levels of 255."""
        return self._sums[0] / self._pixels if self._pixels else 0.0

    @property
    def output(self) -> float:
        """Change of the output, in levels of 255."""
        return self._sums[1] / self._pixels if self._pixels else 0.0

    @property
    def ratio(self) -> float | None:
        """Output over input; None where the input does not change at all."""
        return self.output / self.input if self.input else None


def _grey(frame: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    return np.asarray(cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY), np.uint8)
