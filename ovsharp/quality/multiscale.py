"""MS-SSIM: SSIM at five resolutions."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from ovsharp.errors import UsageError
from ovsharp.quality.pixels import Image, check_pair
from ovsharp.quality.similarity import WINDOW, compare_windows

WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Of the resolutions, the full one first (the paper's table)."""
MS_SSIM_SIDE = WINDOW << (len(WEIGHTS) - 1)
"""Smallest side: the window must fit in the smallest resolution."""


def ms_ssim(image: Image, truth: Image) -> float:
    """Multi-scale structural similarity, averaged over colour channels.

    Z. Wang, E. P. Simoncelli and A. C. Bovik, "Multi-scale structural similarity for image quality
    assessment", Asilomar 2003: per channel, the mean contrast-structure term of each of the four
    finer resolutions and the mean SSIM of the coarsest, each to the power of its weight in
    `WEIGHTS`, multiplied. Windows and constants are those of `ssim`. Each resolution is the mean
    of 2x2 pixels of the one before; an odd last row or column is dropped. A negative term counts
    as 0 (it has no real power), as in the usual implementations.

    Args:
        image: uint8, H x W x 3, both sides 176 or more.
        truth: the same shape.

    Returns:
        0..1; 1 for equal images.

    Raises:
        UsageError: other types, shapes that differ, or sides below 176.

    Example:
        >>> flat = np.full((176, 176, 3), 128, np.uint8)
        >>> ms_ssim(flat, flat)
        1.0
    """
    check_pair(image, truth)
    if min(image.shape[:2]) < MS_SSIM_SIDE:
        raise UsageError(
            f"MS-SSIM needs images of {MS_SSIM_SIDE}x{MS_SSIM_SIDE} or more, got {image.shape}"
        )
    return float(np.mean([_channel(image[..., c], truth[..., c]) for c in range(3)]))


def _channel(image: Image, truth: Image) -> float:
    x, y = image.astype(np.float64), truth.astype(np.float64)
    product = 1.0
    for level, weight in enumerate(WEIGHTS):
        if level:
            x, y = _halve(x), _halve(y)
        whole, structure = compare_windows(x, y)
        coarsest = level == len(WEIGHTS) - 1
        product *= max(0.0, whole if coarsest else structure) ** weight
    return product


def _halve(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    height, width = values.shape[0] // 2, values.shape[1] // 2
    even = values[: height * 2, : width * 2]
    return np.asarray(cv2.resize(even, (width, height), interpolation=cv2.INTER_AREA), np.float64)
