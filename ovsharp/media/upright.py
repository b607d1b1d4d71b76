"""How a picture has to be turned and mirrored to stand upright, as its display matrix says."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numpy as np
import numpy.typing as npt
from PIL import Image

from ovsharp.media.side_data import side_data

if TYPE_CHECKING:
    from av import VideoFrame

_Pixels = TypeVar("_Pixels", bound=npt.NDArray[Any])

_TURNS = {(False, True, True): 180, (True, False, True): 90, (True, True, False): 270}
"""What is a turn alone, and by how many degrees against the clock."""


@dataclass(frozen=True)
class Upright:
    """A transposition, then flips.

    Example:
        >>> picture = np.arange(2, dtype=np.uint8).reshape(1, 2)
        >>> Upright(flip_x=True).applied(picture).tolist()
        [[1, 0]]
    """

    transposed: bool = False
    """Rows become columns first."""
    flip_x: bool = False
    """Left and right change places."""
    flip_y: bool = False
    """Top and bottom change places."""

    def __bool__(self) -> bool:
        return self.transposed or self.flip_x or self.flip_y

    @property
    def label(self) -> str:
        """What happens, in words."""
        key = (self.transposed, self.flip_x, self.flip_y)
        if key in _TURNS:
            return f"turned upright by {_TURNS[key]} degrees"
        return "mirrored back" + " and turned upright" * self.transposed

    def applied(self, picture: _Pixels) -> _Pixels:
        """Turn a picture, H x W or H x W x C, of any type of values."""
        turned: npt.NDArray[Any] = picture.swapaxes(0, 1) if self.transposed else picture
        if self.flip_x:
            turned = turned[:, ::-1]
        if self.flip_y:
            turned = turned[::-1]
        return cast(_Pixels, np.ascontiguousarray(turned))


def upright(frame: VideoFrame) -> Upright:
    """Read the display matrix of a decoded frame.

    The matrix takes a stored place (x, y) to (a x + c y, b x + d y) on the screen; what is no
    multiple of a right angle is taken as the nearest one.
    """
    for data in side_data(frame):
        if data.type.name == "DISPLAYMATRIX":
            a, b, _, c, d = (int(value) for value in np.frombuffer(bytes(data), np.int32)[:5])
            if abs(b) + abs(c) > abs(a) + abs(d):
                return Upright(transposed=True, flip_x=c < 0, flip_y=b < 0)
            return Upright(flip_x=a < 0, flip_y=d < 0)
    return Upright()


def upright_by_exif(path: Path) -> Upright:
    """Read how an image file has to be turned, as its EXIF says."""
    with Image.open(path) as image:
        orientation = image.getexif().get(_ORIENTATION, 1)
    return _ORIENTED.get(orientation, Upright())


_ORIENTATION = 0x112
_ORIENTED = {
    2: Upright(flip_x=True),
    3: Upright(flip_x=True, flip_y=True),
    4: Upright(flip_y=True),
    5: Upright(transposed=True),
    6: Upright(transposed=True, flip_x=True),
    7: Upright(transposed=True, flip_x=True, flip_y=True),
    8: Upright(transposed=True, flip_y=True),
}
