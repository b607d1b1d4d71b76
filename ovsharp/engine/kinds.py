"""Images as programs have them - RGB, grey, floats, Pillow's - and the frames that models take."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import cv2
import numpy as np
import numpy.typing as npt

from ovsharp.errors import InferenceError, UsageError
from ovsharp.frames import Frame, check_frame

if TYPE_CHECKING:
    from PIL.Image import Image

ColourOrder = Literal["bgr", "rgb"]
"""Of the channels of an array."""

Scalar = TypeVar("Scalar", bound=np.generic)
"""Type of an array's values."""

Back = Callable[[Frame], Any]
"""Makes of a result what the image was."""

_FLOAT_RANGE = 1e-6
"""How far rounding may take a float beyond 0 and 1."""


def as_frame(image: object, colour: ColourOrder = "bgr") -> tuple[Frame, Back]:
    """Give the frame of an image, and what makes an image of the same kind of a result.

    Args:
        image: one of

            - uint8, H x W x 3: a frame, or with `colour="rgb"` one in the other order;
            - uint8, H x W or H x W x 1: grey; the result is the luma of what was made;
            - floating point from 0 to 1 in one of these shapes. A model works on 8 bits, so what
              is made is its *correction*, added to the image: what it leaves alone stays exact;
            - a Pillow image of mode RGB or L, whose colour order is known.
        colour: order of the channels of an array.

    Raises:
        InferenceError: anything else; the message says how to make one of these of it.
        UsageError: an unknown colour order.

    Example:
        >>> frame, back = as_frame(np.full((4, 6), 0.5, np.float32))
        >>> frame.shape, back(frame).shape, back(frame).dtype
        ((4, 6, 3), (4, 6), dtype('float32'))
    """
    if colour not in ("bgr", "rgb"):
        raise UsageError(f"colour must be 'bgr' or 'rgb', got {colour!r}")
    pillow = sys.modules.get("PIL.Image")
    if pillow is not None and isinstance(image, pillow.Image):
        return _of_pillow(image)
    if not isinstance(image, np.ndarray):
        check_frame(image)
    array: npt.NDArray[Any] = np.asarray(image)
    floats = np.issubdtype(array.dtype, np.floating) and array.size > 0
    levels = _levels(array) if floats else array
    frame, order = _of_levels(levels, colour)
    check_frame(frame)
    if not floats:
        return frame, order
    return frame, lambda result: _corrected(array, order(result))


def is_frame(back: Back) -> bool:
    """Tell whether an image was a frame already."""
    return back is _itself


def _of_pillow(image: Image) -> tuple[Frame, Back]:
    from PIL.Image import fromarray

    if image.mode not in ("RGB", "L"):
        lost = " (without its transparency)" if image.mode in ("RGBA", "LA", "PA") else ""
        raise InferenceError(
            f"expected a Pillow image of mode RGB or L, got {image.mode}; "
            f"use image.convert('RGB'){lost}"
        )
    frame, order = as_frame(np.asarray(image), "rgb")

    def back(result: Frame) -> Image:
        made = fromarray(order(result))
        made.info = dict(image.info)  # its colour profile, for instance
        return made

    return frame, back


def _levels(image: npt.NDArray[Any]) -> Frame:
    """Give the 8 bits of floats from 0 to 1."""
    low, high = float(image.min()), float(image.max())
    if not (low >= -_FLOAT_RANGE and high <= 1 + _FLOAT_RANGE):  # not a number, too
        raise InferenceError(
            f"expected floating-point values from 0 to 1, got {low:g} to {high:g}; if they are "
            f"0..255, use image.clip(0, 255).round().astype(np.uint8), else image.clip(0, 1)"
        )
    levels: Frame = np.rint(_precise(image).clip(0, 1) * 255).astype(np.uint8)
    return levels


def _of_levels(image: Frame, colour: ColourOrder) -> tuple[Frame, Back]:
    if image.dtype != np.uint8 or image.size == 0:
        return image, _itself  # no frame, as will be said
    if image.ndim == 2:
        return cv2.cvtColor(image, cv2.COLOR_GRAY2BGR).astype(np.uint8, copy=False), _grey
    if image.ndim == 3 and image.shape[2] == 1:
        return _of_levels(image[:, :, 0], colour)[0], lambda result: _grey(result)[..., None]
    if image.ndim == 3 and image.shape[2] == 3 and colour == "rgb":
        return np.ascontiguousarray(image[..., ::-1]), _turned
    return image, _itself


def _itself(result: Frame) -> Frame:
    return result


def _grey(result: Frame) -> Frame:
    return cv2.cvtColor(result, cv2.COLOR_BGR2GRAY).astype(np.uint8, copy=False)


def _turned(result: Frame) -> Frame:
    return np.ascontiguousarray(result[..., ::-1])


def _corrected(image: npt.NDArray[Any], made: Frame) -> npt.NDArray[Any]:
    """Add to floats what a model changed: enlarged bicubically, where it enlarges."""
    base = _precise(image).clip(0, 1)
    if made.shape[:2] != image.shape[:2]:
        size = (made.shape[1], made.shape[0])
        enlarged = cv2.resize(np.ascontiguousarray(base), size, interpolation=cv2.INTER_CUBIC)
        base = np.asarray(enlarged).reshape(made.shape).clip(0, 1)
    correction = made.astype(base.dtype) / 255 - np.rint(base * 255) / 255
    return np.asarray((base + correction).clip(0, 1), image.dtype)


def _precise(image: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Give floats of at least 32 bits."""
    return np.asarray(image, np.float32) if image.itemsize < 4 else image
