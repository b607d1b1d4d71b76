"""Aligned training patches: a sharp one and the same one damaged on the fly."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch.utils.data import Dataset

from ovsharp.degrade import Recipe
from ovsharp.errors import CalibrationError, MediaError
from ovsharp.media import Frame, find_images, read_frame

_BORDER = 8
"""Damaged beyond the patch and cut off again, so that no patch has a border that frames lack."""


class Patches(Dataset[tuple[torch.Tensor, torch.Tensor]]):
    """Random patches of the images in a folder, all of which are held in memory.

    Item i depends on `seed` and i alone, so that a resumed training sees the same patches.
    Gives (damaged, sharp), each uint8, 3 x patch x patch, RGB. Images that are corrupt or
    smaller than a patch are left out.

    Raises:
        CalibrationError: no image is left.
        MediaError: there is no such folder, or no image in it.
    """

    def __init__(self, folder: Path, recipe: Recipe, *, patch: int, count: int, seed: int) -> None:
        self.recipe = recipe
        self.count = count
        self.seed = seed
        self.size = patch + 2 * _BORDER
        self.images = read_images(folder, smallest=self.size)

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        rng = np.random.default_rng((self.seed, index))
        image = self.images[int(rng.integers(len(self.images)))]
        # Even offsets keep the x2 grid where it lies when a whole frame is damaged.
        top = 2 * int(rng.integers((image.shape[0] - self.size) // 2 + 1))
        left = 2 * int(rng.integers((image.shape[1] - self.size) // 2 + 1))
        sharp = image[top : top + self.size, left : left + self.size]
        if rng.random() < 0.5:
            sharp = sharp[:, ::-1]
        sharp = np.ascontiguousarray(np.rot90(sharp, int(rng.integers(4))))
        damaged = self.recipe(sharp, seed=int(rng.integers(2**63)))
        return _tensor(damaged), _tensor(sharp)


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


def _tensor(image: Frame) -> torch.Tensor:
    inner = image[_BORDER:-_BORDER, _BORDER:-_BORDER, ::-1]
    return torch.from_numpy(np.ascontiguousarray(inner.transpose(2, 0, 1)))
