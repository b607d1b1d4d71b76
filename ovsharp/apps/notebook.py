"""`before_after`: two pictures beside each other, for a notebook."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import numpy.typing as npt

from ovsharp.engine import ColourOrder, Frame, as_frame
from ovsharp.errors import MediaError
from ovsharp.media import side_by_side

if TYPE_CHECKING:
    from PIL.Image import Image


@dataclass(frozen=True, eq=False, repr=False)
class BeforeAfter:
    """An image and what became of it; a notebook shows it as a picture."""

    before: Frame
    """uint8, H x W x 3, BGR."""
    after: Frame
    """uint8, sH x sW x 3, BGR."""

    def __repr__(self) -> str:
        sizes = [f"{one.shape[1]}x{one.shape[0]}" for one in (self.before, self.after)]
        return f"<before | after: {' | '.join(sizes)}>"

    def _repr_png_(self) -> bytes:
        picture = side_by_side(self.before, self.after)
        return np.asarray(cv2.imencode(".png", picture)[1], np.uint8).tobytes()


def before_after(
    before: npt.NDArray[Any] | Image,
    after: npt.NDArray[Any] | Image,
    *,
    colour: ColourOrder = "bgr",
) -> BeforeAfter:
    """Put an image and what became of it beside each other.

    Args:
        before: an image as a `Sharpener` takes it.
        after: its result.
        colour: order of the channels of arrays.

    Returns:
        What a notebook shows as a picture, where it is the last line of a cell.

    Raises:
        InferenceError: one of them is no image.
        MediaError: the second is not the first in its size or a multiple of it.

    Example:
        >>> before_after(np.zeros((24, 32), np.uint8), np.zeros((48, 64), np.uint8))
        <before | after: 32x24 | 64x48>
    """
    one, other = (as_frame(image, colour)[0] for image in (before, after))
    scale = max(1, other.shape[0] // one.shape[0])
    if other.shape != (scale * one.shape[0], scale * one.shape[1], 3):
        raise MediaError(
            f"expected a result of {one.shape[1]}x{one.shape[0]} or a multiple, got "
            f"{other.shape[1]}x{other.shape[0]}; give the image that it was made of"
        )
    return BeforeAfter(one, other)
