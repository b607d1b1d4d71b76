"""The pictures that a network is tried on: a drawn one, fixed ones to compare on, and photos."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from ovsharp.convert.probe import Geometry, network_inputs, random_frames
from ovsharp.degrade import parse
from ovsharp.errors import UsageError
from ovsharp.media import find_images, read_frame
from ovsharp.passes import Body, Coding, Frames, Values
from ovsharp.spread import spread

PHOTOS = 64
"""How many of a folder are looked at, evenly spread."""
_SIDE = 256


def drawn(height: int, width: int) -> Frames:
    """Draw a picture with gradients, edges, lines and letters; uint8, 1 x H x W x 3, BGR."""
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    picture = np.stack(
        [
            60 + 150 * columns / width,
            200 - 120 * rows / height,
            110 + 60 * np.sin(rows / 9) * np.cos(columns / 13),
        ],
        axis=2,
    ).astype(np.uint8)
    unit = min(height, width)
    cv2.circle(picture, (width // 3, height // 3), unit // 5, (40, 60, 190), -1)
    cv2.rectangle(
        picture, (width // 2, height // 2), (width * 7 // 8, height * 7 // 8), (210, 200, 90), -1
    )
    cv2.line(picture, (0, height - 1), (width - 1, 0), (20, 20, 20), max(1, unit // 32))
    place = (width // 16, height * 15 // 16)
    cv2.putText(picture, "Ovsharp", place, cv2.FONT_HERSHEY_SIMPLEX, unit / 110, (245, 245, 245))
    return np.asarray(cv2.GaussianBlur(picture, (3, 3), 0.6), np.uint8)[None]


def check_frames(body: Body, geometry: Geometry) -> list[Frames]:
    """Give the fixed frames that conversions are compared on.

    Noise and a drawn picture, wide and high, noise of the smallest size, and what makes the
    largest corrections: black, white and a checkerboard of both.
    """
    if body.size is not None:
        return [random_frames(*body.size, seed=3), drawn(*body.size), *_extremes(*body.size)]
    minimum = geometry.minimum
    high, wide = geometry.side(56), geometry.side(40)
    return [
        random_frames(geometry.side(32), geometry.side(48), seed=3),
        random_frames(high, wide, seed=4),
        drawn(high, wide),
        random_frames(minimum, minimum + geometry.multiple, seed=5),
        *_extremes(high, wide),
    ]


def _extremes(height: int, width: int) -> list[Frames]:
    squares = np.indices((height, width)).sum(axis=0) % 2 * np.uint8(255)
    planes = (np.zeros_like(squares), np.full_like(squares, 255), squares)
    return [np.repeat(plane[None, :, :, None], 3, axis=3).astype(np.uint8) for plane in planes]


def tiny_frames(body: Body, geometry: Geometry) -> list[Frames]:
    """Give one frame that is small enough for an interpreter written in numpy."""
    height, width = body.size or (geometry.side(8), geometry.side(12))
    return [random_frames(height, width, seed=6)]


def pictures(
    folder: Path, body: Body, coding: Coding, geometry: Geometry, degradation: str
) -> list[list[Values]]:
    """Give what shows which channels never give anything, as a network reads it.

    The frames to compare on, and the middle of photos.

    Args:
        folder: of photos, or one photo.
        body: the network.
        coding: how it reads pictures.
        geometry: which sizes it takes.
        degradation: recipe that the network undoes: each photo is looked at damaged, too.

    Raises:
        UsageError: no photo is large enough.
        MediaError: no image, or a damaged one.
        OSError: there is no such folder.
    """
    files = find_images([folder])
    frames = check_frames(body, geometry)
    given = len(frames)
    recipe = parse(degradation)
    for number, path in enumerate(spread(files, PHOTOS)):
        photo = read_frame(path)
        damaged = [recipe(photo, seed=number)] if recipe.text else []
        frames += [
            crop for one in (photo, *damaged) if (crop := _middle(one, body, geometry)) is not None
        ]
    if len(frames) == given:
        height, width = body.size or (geometry.minimum, geometry.minimum)
        raise UsageError(f"no photo of {folder} has {width}x{height} pixels, as the network needs")
    return [network_inputs(body, coding, frame) for frame in frames]


def _middle(photo: Frames, body: Body, geometry: Geometry) -> Frames | None:
    """Cut out a size that the network takes; None where there is none."""
    multiple = geometry.multiple
    sides = body.size or tuple(min(_SIDE, side) // multiple * multiple for side in photo.shape[:2])
    rows, columns = (
        slice((whole - side) // 2, (whole - side) // 2 + side)
        for whole, side in zip(photo.shape[:2], sides, strict=True)
    )
    large = sides[0] <= photo.shape[0] and sides[1] <= photo.shape[1]
    if not large or min(sides) < (1 if body.size else geometry.minimum):
        return None
    return np.ascontiguousarray(photo[None, rows, columns])
