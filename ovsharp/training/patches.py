"""Aligned training patches: a sharp one, and the same one damaged on the fly."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch.utils.data import Dataset

from ovsharp.degrade import Recipe
from ovsharp.errors import CalibrationError, MediaError
from ovsharp.media import Frame, find_images, read_frame
from ovsharp.runtime import upscale


def border(scale: int) -> int:
    """Give the pixels of the sharp picture that are damaged and cut off again on each side.

    No patch may have a border that frames lack; 8 damaged pixels reach further than any blur.
    """
    return 8 * scale


class Patches(Dataset[tuple[torch.Tensor, ...]]):
    """Random patches of the images in a folder, all of which are held in memory.

    Item i depends on `seed` and i alone, so that a resumed training sees the same patches.
    Gives (damaged, base, sharp), each uint8, 3 x H x W, RGB: `sharp` of `patch` pixels a side,
    `damaged` smaller by the recipe's scale, `base` its bicubic enlargement (at scale 1 the same
    picture). Images that are corrupt or smaller than a patch are left out.

    Raises:
        CalibrationError: no image is left.
        MediaError: there is no such folder, or no image in it.
    """

    def __init__(self, folder: Path, recipe: Recipe, *, patch: int, count: int, seed: int) -> None:
        self.recipe = recipe
        self.count = count
        self.seed = seed
        self.size = patch + 2 * border(recipe.scale)
        self.images = read_images(folder, smallest=self.size)

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> tuple[torch.Tensor, ...]:
        rng = np.random.default_rng((self.seed, index))
        image = self.images[int(rng.integers(len(self.images)))]
        # Such offsets keep the grid of x2 and x4 where it lies when a whole frame is damaged.
        grid = max(2, self.recipe.scale)
        top = grid * int(rng.integers((image.shape[0] - self.size) // grid + 1))
        left = grid * int(rng.integers((image.shape[1] - self.size) // grid + 1))
        sharp = image[top : top + self.size, left : left + self.size]
        if rng.random() < 0.5:
            sharp = sharp[:, ::-1]
        sharp = np.ascontiguousarray(np.rot90(sharp, int(rng.integers(4))))
        damaged = self.recipe(sharp, seed=int(rng.integers(2**63)))
        scale = self.recipe.scale
        edge = border(scale)
        pictures = ((damaged, edge // scale), (upscale(damaged, scale), edge), (sharp, edge))
        return tuple(_tensor(picture, cut) for picture, cut in pictures)


def read_images(folder: Path, *, smallest: int) -> list[Frame]:
    """Read the images of a folder whose sides are `smallest` pixels or more.

    Raises:
        CalibrationError: there is none.
        MediaError: there is no such folder, or no image in it.
    """
    images = []
    for path in find_images([folder]):
        try:
            image = read_frame(path)
        except MediaError:
            continue
        if min(image.shape[:2]) >= smallest:
            images.append(image)
    if not images:
        raise CalibrationError(f"{folder} has no image of {smallest}x{smallest} pixels or more")
    return images


def _tensor(image: Frame, cut: int) -> torch.Tensor:
    inner = image[cut:-cut, cut:-cut, ::-1]
    return torch.from_numpy(np.ascontiguousarray(inner.transpose(2, 0, 1)))
