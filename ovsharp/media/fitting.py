"""Frames in the size that a video gets, and the shape of its pixels."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, TypeVar, cast

import cv2
import numpy.typing as npt

from ovsharp.media.layouts import steps
from ovsharp.media.picture import Frame

_Pixels = TypeVar("_Pixels", bound=npt.NDArray[Any])


def resized(frame: _Pixels, size: tuple[int, int] | None) -> _Pixels:
    """Give a frame, H x W or H x W x 3, in another size (width, height); None leaves it."""
    if size is None or (frame.shape[1], frame.shape[0]) == size:
        return frame
    how = cv2.INTER_AREA if size[0] < frame.shape[1] else cv2.INTER_CUBIC
    return cast(_Pixels, cv2.resize(frame, size, interpolation=how))


def completed(frame: _Pixels, pixels: str) -> _Pixels:
    """Repeat the last row or column where a pixel format takes no odd sides.

    Example:
        >>> import numpy as np
        >>> completed(np.zeros((3, 5, 3), np.uint8), "yuv420p").shape
        (4, 6, 3)
    """
    across, down = steps(pixels)
    below, right = -frame.shape[0] % down, -frame.shape[1] % across
    if not (below or right):
        return frame
    return cast(_Pixels, cv2.copyMakeBorder(frame, 0, below, 0, right, cv2.BORDER_REPLICATE))


def pixel_shape(pixel: Fraction, before: Frame, after: Frame) -> Fraction:
    """Give the shape of a pixel with which a picture keeps its own in another size.

    Args:
        pixel: of the picture before, its width by its height.
        before: the picture.
        after: the same in another size.
    """
    (high, wide), (height, width) = before.shape[:2], after.shape[:2]
    wanted = float(pixel) * wide / high * height / width
    # A side is rounded to whole, even pixels: what is square but for that is square.
    if abs(wanted - 1) < 2 / min(width, height):
        return Fraction(1)
    return Fraction(wanted).limit_denominator(255)
