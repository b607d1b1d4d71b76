"""Edges: how steep they are, and how far a sharpened image shoots over them."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from ovsharp.quality.pixels import Image, brightness, check_pair

EDGE_STEP = 20.0
"""Levels of 255: a straight step of this height is an edge."""
REACH = 3
"""Pixels around an edge in which halos are looked for."""


def edge_ratio(image: Image, reference: Image) -> float | None:
    """Mean gradient magnitude of an image over that of a reference.

    The gradient is Sobel's 3x3 (I. Sobel and G. Feldman, 1968) of the luma 0.299 R + 0.587 G +
    0.114 B, its magnitude the root of the sum of squares; pixels at the border repeat outwards.
    Against the input, the ratio says how much was sharpened; against the truth, 1 is right, less
    is blurred, and more is over-sharpened or noisy.

    Args:
        image: uint8, H x W x 3, BGR.
        reference: the same shape.

    Returns:
        0 or more; None where the reference has no gradient at all.

    Raises:
        UsageError: other types, or shapes that differ.

    Example:
        >>> step = np.zeros((8, 8, 3), np.uint8)
        >>> step[:, 4:] = 100
        >>> round(edge_ratio(step // 2, step), 6)
        0.5
    """
    check_pair(image, reference)
    base = float(_gradient(brightness(reference)).mean())
    return float(_gradient(brightness(image)).mean()) / base if base else None


def overshoot(image: Image, truth: Image) -> float | None:
    """Halos: how far an image leaves the range of the truth around the truth's edges.

    In luma, a pixel within 3 pixels of an edge of the truth may lie between the least and the
    largest value that the truth has in the 7x7 pixels around it; the measure is the mean distance
    to that range, over all such pixels. An edge is where Sobel's magnitude is at least that of a
    straight step of 20 levels. This is ovsharp's own definition, in the spirit of the ringing
    measure of P. Marziliano et al., "Perceptual blur and ringing metrics", Signal Processing:
    Image Communication 19(2), 2004, which looks beside the truth's edges too. Noise beside an
    edge counts as well.

    Args:
        image: uint8, H x W x 3, BGR.
        truth: the same shape.

    Returns:
        Levels of 255; 0 is no halo; None where the truth has no edge.

    Raises:
        UsageError: other types, or shapes that differ.

    Example:
        >>> step = np.full((16, 16, 3), 50, np.uint8)
        >>> step[:, 8:] = 150
        >>> overshoot(step, step)
        0.0
    """
    check_pair(image, truth)
    light, true_light = brightness(image), brightness(truth)
    # Rounded: the sums of a step of exactly 20 levels differ from 80 by their last bits.
    edges = np.round(_gradient(true_light), 6) >= 4 * EDGE_STEP
    around = np.ones((2 * REACH + 1, 2 * REACH + 1), np.uint8)
    zone = np.asarray(cv2.dilate(edges.astype(np.uint8), around)) > 0
    if not zone.any():
        return None
    over = light - np.asarray(cv2.dilate(true_light, around))
    under = np.asarray(cv2.erode(true_light, around)) - light
    return float(np.maximum(np.maximum(over, under), 0.0)[zone].mean())


def _gradient(light: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    across = cv2.Sobel(light, cv2.CV_64F, 1, 0, ksize=3, borderType=cv2.BORDER_REPLICATE)
    down = cv2.Sobel(light, cv2.CV_64F, 0, 1, ksize=3, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(cv2.magnitude(across, down), np.float64)
