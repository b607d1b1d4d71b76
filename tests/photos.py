"""Photographs for the tests, as frames: crops of those that scikit-image brings along."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from skimage import data

Frame = npt.NDArray[np.uint8]
HEIGHT, WIDTH = 96, 112
"""Of each of `photos`."""


@cache
def _whole(name: str) -> Frame:
    return getattr(data, name)()[..., ::-1]  # type: ignore[no-any-return]


def crop(
    top: int = 0,
    left: int = 0,
    height: int | None = None,
    width: int | None = None,
    *,
    name: str = "astronaut",
) -> Frame:
    """A part of a photo, uint8 BGR; all of what is below and to the right unless told."""
    rows = _whole(name)[top:] if height is None else _whole(name)[top : top + height]
    return (rows[:, left:] if width is None else rows[:, left : left + width]).copy()


def photos(count: int) -> list[Frame]:
    """uint8 96 x 112 x 3 BGR crops, all different."""
    names = ("astronaut", "coffee", "chelsea", "rocket")
    return [
        crop(90 + 13 * (i // 4), 120 + 11 * (i // 4), HEIGHT, WIDTH, name=names[i % 4])
        for i in range(count)
    ]


def write_photos(folder: Path, count: int) -> Path:
    """Write photos as photo-0.png, photo-1.png, ..."""
    folder.mkdir(parents=True, exist_ok=True)
    for index, one in enumerate(photos(count)):
        cv2.imwrite(str(folder / f"photo-{index}.png"), one)
    return folder
