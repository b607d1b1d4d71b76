"""Shrinking and enlarging.

Resamplers are OpenCV's but for one. Mind that its `bicubic` and `bilinear` do not antialias when
they shrink, `area` does, and `nearest` shifts the picture by a fraction of a pixel: which one is
used changes PSNR by more than a decibel, so every operation that resamples names it. `antialiased`
is the bicubic that papers shrink their test images by (a = -0.5, widened by the factor), as
MATLAB's imresize and Pillow have it.
"""

from __future__ import annotations

import cv2
import numpy as np
from PIL import Image

from ovsharp.errors import UsageError
from ovsharp.media import Frame

_OPENCV = {
    "nearest": cv2.INTER_NEAREST,
    "bilinear": cv2.INTER_LINEAR,
    "bicubic": cv2.INTER_CUBIC,
    "area": cv2.INTER_AREA,
}
RESAMPLERS = (*_OPENCV, "antialiased")


def down(image: Frame, rng: np.random.Generator, *, scale: int = 2, method: str = "area") -> Frame:
    """Shrink both sides by `scale`; the image is cropped to a multiple of it first."""
    height, width = image.shape[0] // scale, image.shape[1] // scale
    if height == 0 or width == 0:
        raise UsageError(
            f"an image of {image.shape[1]}x{image.shape[0]} is too small to shrink by {scale}"
        )
    cropped = image[: height * scale, : width * scale]
    return _resized(cropped, (width, height), method)


def down_up(
    image: Frame, rng: np.random.Generator, *, scale: float = 2, method: str = "bicubic"
) -> Frame:
    """Shrink both sides by `scale` and enlarge back to the same size, with one resampler."""
    height, width = image.shape[:2]
    size = (max(1, round(width / scale)), max(1, round(height / scale)))
    return _resized(_resized(image, size, method), (width, height), method)


def _resized(image: Frame, size: tuple[int, int], method: str) -> Frame:
    if method in _OPENCV:
        resized = cv2.resize(image, size, interpolation=_OPENCV[method])
        return resized.astype(np.uint8, copy=False)
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC))
