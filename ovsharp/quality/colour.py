"""Colour shift: whether the whole picture became lighter, darker or tinted."""

from __future__ import annotations

import numpy as np

from ovsharp.quality.pixels import Image, check_pair


def colour_shift(image: Image, truth: Image) -> float:
    """Mean over the three channels of the absolute mean error of each.

    A channel's mean error is the mean over all pixels of image - truth, with its sign: fine errors
    cancel out, what is left is a shift of the whole channel (its bias, in statistics).

    Args:
        image: uint8, H x W x 3.
        truth: the same shape.

    Returns:
        Levels of 255; 0 is no shift.

    Raises:
        UsageError: other types, or shapes that differ.

    Example:
        >>> truth = np.full((4, 4, 3), 100, np.uint8)
        >>> colour_shift(truth + np.array([3, 0, 0], np.uint8), truth)
        1.0
    """
    check_pair(image, truth)
    shift = image.mean(axis=(0, 1), dtype=np.float64) - truth.mean(axis=(0, 1), dtype=np.float64)
    return float(np.abs(shift).mean())
