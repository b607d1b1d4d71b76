"""SSIM and PSNR of an image against its ground truth."""

from __future__ import annotations

import math

import cv2
import numpy as np
import numpy.typing as npt

from ovsharp.errors import UsageError
from ovsharp.quality.pixels import Image, check_pair

DATA_RANGE = 255.0
MAX_DROP = 0.002
"""SSIM that a faster form of a network may lose and still count as good as its original."""
PSNR_CAP = 100.0
"""dB that stand for the infinite PSNR of equal images in means and differences."""
_SIGMA = 1.5
WINDOW = 11
"""Side of the Gaussian window in pixels."""
_C1 = (0.01 * DATA_RANGE) ** 2
_C2 = (0.03 * DATA_RANGE) ** 2


def ssim(image: Image, truth: Image) -> float:
    """Structural similarity, averaged over pixels and colour channels.

    Z. Wang, A. C. Bovik, H. R. Sheikh and E. P. Simoncelli, "Image quality assessment: from
    error visibility to structural similarity", IEEE TIP 13(4), 2004: an 11x11 Gaussian window
    of sigma 1.5, population covariance, K1 = 0.01, K2 = 0.03, data range 255, no downsampling,
    windows that leave the image are left out. Equal to `skimage.metrics.structural_similarity`
    with `gaussian_weights=True, sigma=1.5, use_sample_covariance=False, channel_axis=-1`, and
    several times faster.

    Args:
        image: uint8, H x W x 3, both sides 11 or more.
        truth: the same shape.

    Returns:
        -1..1; 1 for equal images.

    Raises:
        UsageError: other types, shapes that differ, or sides below 11.

    Example:
        >>> import numpy as np
        >>> flat = np.full((16, 16, 3), 128, np.uint8)
        >>> ssim(flat, flat)
        1.0
    """
    check_pair(image, truth)
    if min(image.shape[:2]) < WINDOW:
        raise UsageError(f"SSIM needs images of {WINDOW}x{WINDOW} or more, got {image.shape}")
    # One channel at a time: a third of the memory, and the caches hold more of it.
    channels = range(image.shape[2])
    return sum(compare_windows(image[..., c], truth[..., c])[0] for c in channels) / len(channels)


def psnr(image: Image, truth: Image) -> float:
    """Peak signal-to-noise ratio in dB over all pixels and channels, peak 255.

    Args:
        image: uint8, H x W x 3.
        truth: the same shape.

    Returns:
        dB; infinity for equal images.

    Raises:
        UsageError: other types, or shapes that differ.

    Example:
        >>> import numpy as np
        >>> black = np.zeros((4, 4, 3), np.uint8)
        >>> round(psnr(black, black + 1), 2)
        48.13
    """
    check_pair(image, truth)
    error = float(np.mean((image.astype(np.float64) - truth.astype(np.float64)) ** 2))
    return math.inf if error == 0 else 10 * math.log10(DATA_RANGE**2 / error)


def capped_psnr(image: Image, truth: Image) -> float:
    """PSNR in dB as `psnr` gives it, at most `PSNR_CAP`.

    Example:
        >>> import numpy as np
        >>> capped_psnr(np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4, 3), np.uint8))
        100.0
    """
    return min(PSNR_CAP, psnr(image, truth))


def compare_windows(
    channel: npt.NDArray[np.generic], truth: npt.NDArray[np.generic]
) -> tuple[float, float]:
    """Compare one channel in all 11x11 windows inside it, as `ssim` says.

    Args:
        channel: H x W, both sides 11 or more, 0..255, of any type.
        truth: the same shape.

    Returns:
        Mean SSIM, and mean of its contrast and structure terms without the luminance term.
    """
    x, y = channel.astype(np.float64), truth.astype(np.float64)
    mean_x, mean_y = _window(x), _window(y)
    variance_x = _window(x * x) - mean_x * mean_x
    variance_y = _window(y * y) - mean_y * mean_y
    covariance = _window(x * y) - mean_x * mean_y
    structure = (2 * covariance + _C2) / (variance_x + variance_y + _C2)
    luminance = (2 * mean_x * mean_y + _C1) / (mean_x * mean_x + mean_y * mean_y + _C1)
    return float((luminance * structure).mean()), float(structure.mean())


def _window(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    margin = WINDOW // 2
    blurred = cv2.GaussianBlur(values, (WINDOW, WINDOW), _SIGMA)
    return np.asarray(blurred[margin:-margin, margin:-margin], np.float64)
