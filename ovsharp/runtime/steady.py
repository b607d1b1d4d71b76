"""Temporal steadiness: still regions are averaged over time, moving ones are left alone."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from ovsharp.runtime.frames import Frame

_KEEP = 0.7
"""Share of the frame before in a region that is surely still.

Measured on clips coded by H.264 at CRF 36: a larger share flickers less and follows slow changes
of light later.
"""
_STILL = 2.0
"""Grey levels by which the blurred input may change and still count as standing."""
_ALIKE = 24.0
"""Levels by which a pixel may differ from the one before and still be averaged with it."""


def _falling(limit: float, top: float) -> npt.NDArray[np.uint8]:
    """Give weights 0..255 * top that fall from 0 to `limit`, for all 256 differences."""
    return np.rint(np.clip(1 - np.arange(256) / limit, 0, 1) * 255 * top).astype(np.uint8)


_MOTION = _falling(_STILL, 1)
_CHANGE = _falling(_ALIKE, _KEEP)


class Steady:
    """Lowers flicker where the picture stands still.

    Each pixel becomes a mean of itself and of the last result, weighed by how surely it stands
    still: the input, averaged over 9x9 pixels, must hardly change there, and the result itself not
    much. What moves is returned as it is.

    Example:
        >>> steady = Steady()
        >>> dark, light = (np.full((8, 8, 3), level, np.uint8) for level in (100, 101))
        >>> flickering = [steady.add(dark, picture)[0, 0, 0] for picture in (dark, dark + 4)]
        >>> [int(level) for level in flickering]  # 104 is drawn towards 100
        [100, 102]
        >>> int(steady.add(light * 2, light * 2)[0, 0, 0])  # a cut is taken as it is
        202
    """

    def __init__(self) -> None:
        self._last: tuple[npt.NDArray[np.uint8], Frame] | None = None

    def add(self, before: Frame, after: Frame) -> Frame:
        """Take the next frame and its result; give the steadier result.

        Args:
            before: the input, uint8 H x W x 3 BGR.
            after: what became of it, the same or a larger size; not changed.
        """
        grey = np.asarray(cv2.blur(cv2.cvtColor(before, cv2.COLOR_BGR2GRAY), (9, 9)), np.uint8)
        result = after
        if self._last is not None and self._last[1].shape == after.shape:
            result = self._mixed(grey, after, *self._last)
        self._last = grey, result
        return result

    @staticmethod
    def _mixed(
        grey: npt.NDArray[np.uint8], after: Frame, last_grey: npt.NDArray[np.uint8], last: Frame
    ) -> Frame:
        still = cv2.LUT(cv2.absdiff(grey, last_grey), _MOTION)
        if still.shape != after.shape[:2]:
            still = cv2.resize(still, (after.shape[1], after.shape[0]))
        blue, green, red = cv2.split(cv2.absdiff(after, last))
        alike = cv2.LUT(cv2.max(cv2.max(blue, green), red), _CHANGE)
        weight = cv2.blur(cv2.multiply(still, alike, scale=1 / 255), (3, 3))
        share = np.multiply(weight, np.float32(1 / 255), dtype=np.float32)
        return np.asarray(cv2.blendLinear(last, after, share, 1 - share), np.uint8)
