"""Pairs and triplets of images on disk: what a network is given, and what it should make of it."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ovsharp.degrade.recipe import Recipe
from ovsharp.media import Frame, read_frame, write_picture

INPUT, TARGET, TEACHER = "input", "target", "teacher"
"""Folders of the damaged, the sharp, and the damaged images at the size of the sharp ones."""


@dataclass(frozen=True)
class Pair:
    """One entry of the manifest."""

    name: str
    """Path below each of the folders; always a PNG."""
    source: str
    """The image that it was made from."""
    seed: int
    """What `Recipe` was called with."""
    width: int
    """Of the target, in pixels: a multiple of the recipe's scale."""
    height: int


def write_pair(
    source: Path, name: str, folder: Path, recipe: Recipe, *, seed: int, teacher: bool = False
) -> Pair:
    """Damage one image and write it beside its sharp original.

    Writes `folder`/input/`name` and `folder`/target/`name`, and with `teacher` also
    `folder`/teacher/`name`: the damaged image enlarged by bicubic to the target's size, which
    networks that keep the size are given. Each file is complete or absent; the target comes
    last, so where it exists the others do.

    Args:
        source: an image; 8 bits per channel are used, alpha is dropped.
        name: path of the results below each folder, ending in .png.
        folder: made where needed.
        recipe: the damage.
        seed: of the whole set, 0 or more; each image draws by it and by its own name, so that
            neither order nor company changes what it gets.
        teacher: whether to write the third image.

    Raises:
        MediaError: the source cannot be read.
        UsageError: the source is too small for the recipe.
        OSError: a file cannot be written.
    """
    drawn = (seed << 32) + zlib.crc32(name.encode())
    sharp = read_frame(source)
    damaged = recipe(sharp, seed=drawn)
    height, width = damaged.shape[0] * recipe.scale, damaged.shape[1] * recipe.scale
    pictures = {INPUT: damaged, TARGET: np.ascontiguousarray(sharp[:height, :width])}
    if teacher:
        pictures = {INPUT: damaged, TEACHER: _enlarged(damaged, recipe.scale)} | pictures
    for place, picture in pictures.items():
        target = folder / place / name
        target.parent.mkdir(parents=True, exist_ok=True)
        write_picture(target, picture)
    return Pair(name, str(source), drawn, width, height)


def _enlarged(frame: Frame, scale: int) -> Frame:
    size = (frame.shape[1] * scale, frame.shape[0] * scale)
    enlarged = cv2.resize(frame, size, interpolation=cv2.INTER_CUBIC)
    return enlarged.astype(np.uint8, copy=False)
