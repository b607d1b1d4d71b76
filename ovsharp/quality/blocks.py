"""Blockiness: the 8x8 grid that JPEG and most video codecs leave."""

from __future__ import annotations

import numpy as np

from ovsharp.quality.pixels import Image, brightness, check_pair

BLOCK = 8
"""Side of a block in pixels, counted from the top left corner."""


def blockiness(image: Image) -> float | None:
    """Mean step across the borders of 8x8 blocks over the mean step elsewhere.

    A step is the absolute difference of the luma of two pixels side by side, or one above the
    other; the means of the two directions are added. It needs no truth. The ratio of steps at
    block borders to steps inside blocks is the idea of Z. Wang, H. R. Sheikh and A. C. Bovik,
    "No-reference perceptual quality assessment of JPEG compressed images", ICIP 2002 (their B
    and A), without their fitted exponents. A picture that was cropped or resized after it was
    compressed has its grid elsewhere and is not found.

    Args:
        image: uint8, H x W x 3, BGR.

    Returns:
        About 1 for a picture without blocks, more with them; None where a side is 8 pixels
        or less, or there is no step inside the blocks.

    Raises:
        UsageError: another type or shape.

    Example:
        >>> ramp = np.repeat(np.arange(32, dtype=np.uint8)[:, None, None], 3, axis=2)
        >>> round(blockiness(np.tile(ramp, (1, 32, 1))), 6)
        1.0
    """
    check_pair(image, image)
    light = brightness(image)
    if min(light.shape) <= BLOCK:
        return None
    border, inside = 0.0, 0.0
    for steps in (np.abs(np.diff(light, axis=0)), np.abs(np.diff(light, axis=1)).T):
        across = np.arange(1, len(steps) + 1) % BLOCK == 0
        border += float(steps[across].mean())
        inside += float(steps[~across].mean())
    return border / inside if inside else None
