"""What every measure takes: two uint8 images of one shape, and their brightness."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from ovsharp.errors import UsageError

Image = npt.NDArray[np.uint8]


def check_pair(image: Image, truth: Image) -> None:
    """Check that two images can be compared pixel by pixel.

    Raises:
        UsageError: not uint8 H x W x 3, or different shapes.
    """
    if image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
        raise UsageError(f"expected images of height x width x 3, got {image.shape}")
    if image.shape != truth.shape:
        raise UsageError(
            f"images of different shapes cannot be compared: {image.shape} and {truth.shape}"
        )
    if image.dtype != np.uint8 or truth.dtype != np.uint8:
        raise UsageError(f"expected uint8 images, got {image.dtype} and {truth.dtype}")


def brightness(image: Image) -> npt.NDArray[np.float64]:
    """Luma of a BGR image: 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601), 0..255, not rounded.

    Returns:
        float64, H x W.

    Example:
        >>> round(float(brightness(np.full((1, 1, 3), 200, np.uint8))[0, 0]), 9)
        200.0
    """
    weights = np.array([[0.114, 0.587, 0.299]])
    return np.asarray(cv2.transform(image.astype(np.float64), weights), np.float64)
