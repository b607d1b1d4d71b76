"""What a camera's sensor and its electronics do: noise and wrong colours."""

from __future__ import annotations

import numpy as np

from ovsharp.media import Frame


def noise(image: Frame, rng: np.random.Generator, *, sigma: float = 5.0) -> Frame:
    """Add Gaussian noise of standard deviation `sigma` (of 255), the same everywhere."""
    grain = rng.standard_normal(image.shape, dtype=np.float32) * np.float32(sigma)
    return _levels(image + grain)


def sensor_noise(
    image: Frame, rng: np.random.Generator, *, shot: float = 0.5, read: float = 2.0
) -> Frame:
    """Add noise that grows with the light: variance `shot` * level + `read`^2, in levels.

    The Poisson-Gaussian model of Foi et al., "Practical Poissonian-Gaussian noise modeling and
    fitting for single-image raw-data", IEEE Transactions on Image Processing 17(10), 2008, with
    the Poisson part as a Gaussian of the same variance.
    """
    light = image.astype(np.float32)
    deviation = np.sqrt(np.float32(shot) * light + np.float32(read) ** 2)
    return _levels(light + deviation * rng.standard_normal(image.shape, dtype=np.float32))


def jitter(
    image: Frame,
    rng: np.random.Generator,
    *,
    brightness: float = 1.0,
    contrast: float = 1.0,
    saturation: float = 1.0,
) -> Frame:
    """Multiply brightness, contrast (about the mean grey) and saturation (about each grey)."""
    levels = image.astype(np.float32) * np.float32(brightness)
    mean = _grey(levels).mean()
    levels = mean + (levels - mean) * np.float32(contrast)
    grey = _grey(levels)[..., None]
    return _levels(grey + (levels - grey) * np.float32(saturation))


def _grey(levels: np.ndarray) -> np.ndarray:
    """Luma of ITU-R BT.601; the channels are blue, green, red."""
    return levels @ np.array([0.114, 0.587, 0.299], dtype=np.float32)


def _levels(values: np.ndarray) -> Frame:
    levels: Frame = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return levels
