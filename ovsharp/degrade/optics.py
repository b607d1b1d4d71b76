"""What a lens and a moving hand do: blurs."""

from __future__ import annotations

import math

import cv2
import numpy as np

from ovsharp.media import Frame


def blur(image: Frame, rng: np.random.Generator, *, sigma: float = 1.5, kernel: int = 7) -> Frame:
    """Gaussian blur: standard deviation `sigma` in pixels, odd kernel size `kernel`."""
    return cv2.GaussianBlur(image, (kernel, kernel), sigma).astype(np.uint8, copy=False)


def defocus(image: Frame, rng: np.random.Generator, *, radius: float = 2.0) -> Frame:
    """Blur of a lens out of focus: the mean over a disc of `radius` pixels with a soft rim."""
    reach = math.ceil(radius)
    across = np.arange(-reach, reach + 1)
    distance = np.hypot(across[:, None], across[None, :])
    return _filter(image, np.clip(radius + 0.5 - distance, 0, 1))


def motion_blur(
    image: Frame, rng: np.random.Generator, *, length: float = 7.0, angle: float = 0.0
) -> Frame:
    """Blur of a straight movement: the mean along `length` pixels at `angle` degrees.

    0 degrees is to the right, 90 up. The line is centred, so that nothing shifts.
    """
    reach = math.ceil(length / 2)
    across = np.arange(-reach, reach + 1, dtype=np.float64)
    right, up = across[None, :], -across[:, None]
    turned = math.radians(angle)
    along = np.abs(right * math.cos(turned) + up * math.sin(turned))
    beside = np.abs(-right * math.sin(turned) + up * math.cos(turned))
    return _filter(image, np.clip(length / 2 + 0.5 - along, 0, 1) * np.clip(1 - beside, 0, 1))


def _filter(image: Frame, kernel: np.ndarray) -> Frame:
    blurred = cv2.filter2D(image, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REFLECT_101)
    return blurred.astype(np.uint8, copy=False)
