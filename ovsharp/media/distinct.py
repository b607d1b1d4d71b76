"""Which frames show something new: near duplicates found by a perceptual hash."""

from __future__ import annotations

import cv2
import numpy as np

from ovsharp.media.picture import Frame

SIDE = 16
"""Bits per side of the hash."""


def difference_hash(frame: Frame) -> np.ndarray:
    """Hash a picture by where its brightness rises from left to right.

    The picture is shrunk to 17 x 16 grey pixels (antialiased); each bit tells whether a pixel is
    brighter than the one on its left. Small changes of brightness, size and compression change few
    bits. "dHash", N. Krawetz, "Kind of Like That", The Hacker Factor Blog, 2013.

    Args:
        frame: uint8, H x W x 3, BGR.

    Returns:
        bool, 256.
    """
    grey = cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)
    small = cv2.resize(grey, (SIDE + 1, SIDE), interpolation=cv2.INTER_AREA).astype(np.int16)
    rises: np.ndarray = np.diff(small, axis=1) > 0
    return rises.ravel()


class Distinct:
    """Tells frames apart from all those that were kept before.

    Args:
        tolerance: most bits of 256 by which two frames differ and still count as the same.

    Example:
        >>> import numpy as np
        >>> rng = np.random.default_rng(0)
        >>> one, other = rng.integers(0, 256, (2, 64, 64, 3), dtype=np.uint8)
        >>> distinct = Distinct(tolerance=16)
        >>> distinct.keep(one), distinct.keep(one.copy()), distinct.keep(other)
        (True, False, True)
    """

    def __init__(self, tolerance: int = 16) -> None:
        self._tolerance = tolerance
        self._kept: list[np.ndarray] = []

    def keep(self, frame: Frame) -> bool:
        """Tell whether a frame (uint8, H x W x 3, BGR) is new, and remember it if it is."""
        return self.keep_hash(difference_hash(frame))

    def keep_hash(self, bits: np.ndarray) -> bool:
        """Do the same by a frame's `difference_hash`."""
        if any(np.count_nonzero(bits != old) <= self._tolerance for old in self._kept):
            return False
        self._kept.append(bits)
        return True
