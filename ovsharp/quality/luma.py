"""PSNR and SSIM of the luma alone, as papers on super-resolution give them."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from ovsharp.errors import UsageError
from ovsharp.quality.pixels import Image, brightness, check_pair
from ovsharp.quality.similarity import DATA_RANGE, WINDOW, compare_windows

_STUDIO = 219 / 255
"""What a level of full-range luma is worth in Y of 16..235."""


def psnr_y(image: Image, truth: Image) -> float:
    """Peak signal-to-noise ratio in dB of the Y of BT.601 YCbCr in studio range, peak 255.

    Y = 16 + (65.481 R + 128.553 G + 24.966 B) / 255, not rounded: MATLAB's `rgb2ycbcr`, with which
    papers on super-resolution have measured since Timofte et al. 2013. The narrow range makes it
    1.32 dB higher than the PSNR of full-range luma. No border is cut off.

    Args:
        image: uint8, H x W x 3, BGR.
        truth: the same shape.

    Returns:
        dB; infinity for images of equal luma.

    Raises:
        UsageError: other types, or shapes that differ.

    Example:
        >>> black = np.zeros((4, 4, 3), np.uint8)
        >>> round(psnr_y(black, black + 1), 2)
        49.45
    """
    check_pair(image, truth)
    error = float(np.mean((_studio(image) - _studio(truth)) ** 2))
    return math.inf if error == 0 else 10 * math.log10(DATA_RANGE**2 / error)


def ssim_y(image: Image, truth: Image) -> float:
    """SSIM of the Y that `psnr_y` measures; see `ssim` for the window and the constants.

    Args:
        image: uint8, H x W x 3, BGR, both sides 11 or more.
        truth: the same shape.

    Returns:
        -1..1; 1 for images of equal luma.

    Raises:
        UsageError: other types, shapes that differ, or sides below 11.

    Example:
        >>> black = np.zeros((16, 16, 3), np.uint8)
        >>> ssim_y(black, black)
        1.0
    """
    check_pair(image, truth)
    if min(image.shape[:2]) < WINDOW:
        raise UsageError(f"SSIM needs images of {WINDOW}x{WINDOW} or more, got {image.shape}")
    return compare_windows(_studio(image), _studio(truth))[0]


def _studio(image: Image) -> npt.NDArray[np.float64]:
    return 16 + brightness(image) * _STUDIO
