"""What a network is looked at with, to find channels that never give anything."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ovsharp.convert.parity import check_frames
from ovsharp.convert.probe import Geometry, network_inputs
from ovsharp.degrade import parse
from ovsharp.errors import UsageError
from ovsharp.media import find_images, read_frame
from ovsharp.passes import Body, Coding, Frames, Values

PHOTOS = 64
"""How many of a folder are looked at, evenly spread."""
_SIDE = 256


def pictures(
    folder: Path, body: Body, coding: Coding, geometry: Geometry, degradation: str
) -> list[list[Values]]:
    """Give noise, drawn frames and the middle of photos, as a network reads them.

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
    places = np.linspace(0, len(files) - 1, min(PHOTOS, len(files))).round().astype(int)
    frames = check_frames(body, geometry)
    drawn = len(frames)
    recipe = parse(degradation)
    for number, place in enumerate(places):
        photo = read_frame(files[place])
        damaged = [recipe(photo, seed=number)] if recipe.text else []
        frames += [
            crop for one in (photo, *damaged) if (crop := _middle(one, body, geometry)) is not None
        ]
    if len(frames) == drawn:
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
