"""The single damages. Each takes a uint8 H x W x 3 BGR image and gives another one.

An operation is a plain function whose keyword arguments arrive already drawn by `Recipe` (one
value per image) and within what `OPERATIONS` declares; `rng` is there for those that need
randomness per pixel.

Resamplers are OpenCV's. Mind that its `bicubic` and `bilinear` do not antialias when they
shrink, `area` does, and `nearest` shifts the picture by a fraction of a pixel: which one is
used changes PSNR by more than a decibel, so every operation that resamples names it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

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


def blur(image: Image, rng: np.random.Generator, *, sigma: float = 1.5, kernel: int = 7) -> Image:
    """Gaussian blur: standard deviation `sigma` in pixels, odd kernel size `kernel`."""
    return cv2.GaussianBlur(image, (kernel, kernel), sigma).astype(np.uint8, copy=False)


def down(image: Image, rng: np.random.Generator, *, scale: int = 2, method: str = "area") -> Image:
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
    image: Image, rng: np.random.Generator, *, scale: float = 2, method: str = "bicubic"
) -> Image:
    """Shrink both sides by `scale` and enlarge back to the same size, with one resampler."""
    height, width = image.shape[:2]
    flag = RESAMPLERS[method]
    size = (max(1, round(width / scale)), max(1, round(height / scale)))
    small = cv2.resize(image, size, interpolation=flag)
    return cv2.resize(small, (width, height), interpolation=flag).astype(np.uint8, copy=False)


def jpeg(image: Image, rng: np.random.Generator, *, quality: int = 30) -> Image:
    """Compress as baseline JPEG (4:2:0 chroma) with `quality` 1..100 and decode again."""
    ok, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not ok:
        raise UsageError(f"OpenCV could not encode a {image.shape} image as JPEG")
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), dtype=np.uint8)


def noise(image: Image, rng: np.random.Generator, *, sigma: float = 5.0) -> Image:
    """Add Gaussian noise of standard deviation `sigma` (of 255), rounded and clamped."""
    grain = rng.standard_normal(image.shape, dtype=np.float32) * np.float32(sigma)
    return np.clip(np.rint(image + grain), 0, 255).astype(np.uint8)


@dataclass(frozen=True)
class Number:
    """A parameter that is a number from `low` to `high`."""

    low: float
    high: float
    whole: bool = True
    odd: bool = False
    """Even numbers make no sense; so neither does a range."""

    @property
    def description(self) -> str:
        """What is expected, in words."""
        kind = "an odd number" if self.odd else "a whole number" if self.whole else "a number"
        return f"{kind} of {self.low:g}..{self.high:g}"

    def accepts(self, value: float | str) -> bool:
        """Tell whether a value is one of these numbers."""
        if isinstance(value, str) or (self.whole and not isinstance(value, int)):
            return False
        return self.low <= value <= self.high and (not self.odd or value % 2 == 1)


@dataclass(frozen=True)
class Name:
    """A parameter that is one of some names."""

    names: tuple[str, ...]

    @property
    def description(self) -> str:
        """What is expected, in words."""
        return f"one of {', '.join(self.names)}"

    def accepts(self, value: float | str) -> bool:
        """Tell whether a value is one of these names."""
        return value in self.names


@dataclass(frozen=True)
class Operation:
    """A damage and what its parameters may be."""

    apply: Callable[..., Image]
    parameters: Mapping[str, Number | Name]
    resizes: bool = False
    """Whether the result has another size, which must then be the same for every image."""


_METHOD = Name(tuple(RESAMPLERS))

OPERATIONS: Mapping[str, Operation] = {
    "blur": Operation(
        blur, {"sigma": Number(0.01, 100, whole=False), "kernel": Number(1, 99, odd=True)}
    ),
    "down": Operation(down, {"scale": Number(1, 16), "method": _METHOD}, resizes=True),
    "down_up": Operation(down_up, {"scale": Number(1, 64, whole=False), "method": _METHOD}),
    "jpeg": Operation(jpeg, {"quality": Number(1, 100)}),
    "noise": Operation(noise, {"sigma": Number(0, 255, whole=False)}),
}
"""The damages by the names that recipes call them."""
