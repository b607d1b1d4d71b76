"""Shrinking and enlarging.

Resamplers are OpenCV's. Mind that its `bicubic` and `bilinear` do not antialias when they
shrink, `area` does, and `nearest` shifts the picture by a fraction of a pixel: which one is
used changes PSNR by more than a decibel, so every operation that resamples names it.
"""

from __future__ import annotations

import cv2
import numpy as np

from ovsharp.errors import UsageError
from ovsharp.media import Frame

RESAMPLERS = {
    "nearest": cv2.INTER_NEAREST,
    "bilinear": cv2.INTER_LINEAR,
    "bicubic": cv2.INTER_CUBIC,
    "area": cv2.INTER_AREA,
}


def down(image: Frame, rng: np.random.Generator, *, scale: int = 2, method: str = "area") -> Frame:
    """Shrink both sides by `scale`; the image is cropped to a multiple of it first."""
    height, width = image.shape[0] // scale, image.shape[1] // scale
    if height == 0 or width == 0:
        raise UsageError(
            f"an image of {image.shape[1]}x{image.shape[0]} is too small to shrink by {scale}"
        )
    cropped = image[: height * scale, : width * scale]
    small = cv2.resize(cropped, (width, height), interpolation=RESAMPLERS[method])
    return small.astype(np.uint8, copy=False)


def down_up(
    image: Frame, rng: np.random.Generator, *, scale: float = 2, method: str = "bicubic"
) -> Frame:
    """Shrink both sides by `scale` and enlarge back to the same size, with one resampler."""
    height, width = image.shape[:2]
    flag = RESAMPLERS[method]
    size = (max(1, round(width / scale)), max(1, round(height / scale)))
    small = cv2.resize(image, size, interpolation=flag)
    return cv2.resize(small, (width, height), interpolation=flag).astype(np.uint8, copy=False)
