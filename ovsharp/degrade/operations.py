"""The single damages. Each takes a uint8 H x W x 3 BGR image and gives another one.

Keyword arguments arrive already drawn by `Recipe` (one value per image), so an operation
is a plain function; `rng` is there for those that need randomness per pixel.

Resamplers are OpenCV's. Mind that its `bicubic` and `bilinear` do not antialias when they
shrink, `area` does, and `nearest` shifts the picture by a fraction of a pixel: which one is
used changes PSNR by more than a decibel, so every operation that resamples names it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from ovsharp.errors import UsageError

Image = npt.NDArray[np.uint8]

RESAMPLERS = {
    "nearest": cv2.INTER_NEAREST,
    "bilinear": cv2.INTER_LINEAR,
    "bicubic": cv2.INTER_CUBIC,
    "area": cv2.INTER_AREA,
}


def _resampler(method: str) -> int:
    if method not in RESAMPLERS:
        raise UsageError(f"unknown resampler '{method}': expected one of {', '.join(RESAMPLERS)}")
    return RESAMPLERS[method]


def blur(image: Image, rng: np.random.Generator, *, sigma: float = 1.5, kernel: int = 7) -> Image:
    """Gaussian blur: standard deviation `sigma` in pixels, odd kernel size `kernel`."""
    if kernel < 1 or kernel % 2 == 0 or sigma <= 0:
        raise UsageError(
            f"blur needs an odd kernel and a sigma above 0, got kernel={kernel}, sigma={sigma}"
        )
    return cv2.GaussianBlur(image, (int(kernel), int(kernel)), sigma).astype(np.uint8, copy=False)


def down(
    image: Image, rng: np.random.Generator, *, scale: int = 2, method: str = "area"
) -> Image:
    """Shrink both sides by `scale`; the image is cropped to a multiple of it first."""
    if scale < 1:
        raise UsageError(f"down needs a scale of 1 or more, got {scale}")
    height, width = image.shape[0] // int(scale), image.shape[1] // int(scale)
    if height == 0 or width == 0:
        raise UsageError(f"an image of {image.shape[1]}x{image.shape[0]} is too small to shrink by {scale}")
    cropped = image[: height * int(scale), : width * int(scale)]
    small = cv2.resize(cropped, (width, height), interpolation=_resampler(method))
    return small.astype(np.uint8, copy=False)


def down_up(
    image: Image, rng: np.random.Generator, *, scale: int = 2, method: str = "bicubic"
) -> Image:
    """Shrink both sides by `scale` and enlarge back to the same size, with one resampler."""
    if scale < 1:
        raise UsageError(f"down_up needs a scale of 1 or more, got {scale}")
    height, width = image.shape[:2]
    flag = _resampler(method)
    size = (max(1, round(width / scale)), max(1, round(height / scale)))
    small = cv2.resize(image, size, interpolation=flag)
    return cv2.resize(small, (width, height), interpolation=flag).astype(np.uint8, copy=False)


def jpeg(image: Image, rng: np.random.Generator, *, quality: int = 30) -> Image:
    """Compress as baseline JPEG (4:2:0 chroma) with `quality` 1..100 and decode again."""
    if not 1 <= quality <= 100:
        raise UsageError(f"jpeg needs a quality of 1..100, got {quality}")
    ok, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(quality)])
    if not ok:
        raise UsageError(f"OpenCV could not encode a {image.shape} image as JPEG")
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), dtype=np.uint8)


def noise(image: Image, rng: np.random.Generator, *, sigma: float = 5.0) -> Image:
    """Add Gaussian noise of standard deviation `sigma` (of 255), rounded and clamped."""
    if sigma < 0:
        raise UsageError(f"noise needs a sigma of 0 or more, got {sigma}")
    grain = rng.standard_normal(image.shape, dtype=np.float32) * np.float32(sigma)
    return np.clip(np.rint(image + grain), 0, 255).astype(np.uint8)


OPERATIONS: dict[str, Callable[..., Any]] = {
    operation.__name__: operation for operation in (blur, down, down_up, jpeg, noise)
}
