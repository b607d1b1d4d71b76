"""Aligned training patches: a sharp one and the same one damaged on the fly."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch
from torch.utils.data import Dataset

from ovsharp.degrade import Recipe
from ovsharp.errors import CalibrationError

_BORDER = 8
"""Damaged beyond the patch and cut off again, so that no patch has a border that frames lack."""


class Patches(Dataset[tuple[torch.Tensor, torch.Tensor]]):
    """Random patches of the images in a folder, all of which are held in memory.

    Item i depends on `seed` and i alone, so that a resumed training sees the same patches.
    Gives (damaged, sharp), each uint8, 3 x patch x patch, RGB.
    """

    def __init__(self, folder: Path, recipe: Recipe, *, patch: int, count: int, seed: int) -> None:
        self.recipe = recipe
        self.patch = patch
        self.count = count
        self.seed = seed
        size = patch + 2 * _BORDER
        images = (cv2.imread(str(path), cv2.IMREAD_COLOR) for path in sorted(folder.iterdir()))
        self.images = [
            image for image in images if image is not None and min(image.shape[:2]) >= size
        ]
        if not self.images:
            raise CalibrationError(f"no image of {size}x{size} or more in {folder}")

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        rng = np.random.default_rng((self.seed, index))
        image = self.images[int(rng.integers(len(self.images)))]
        size = self.patch + 2 * _BORDER
        # Even offsets keep the x2 grid where it lies when a whole frame is damaged.
        top = 2 * int(rng.integers((image.shape[0] - size) // 2 + 1))
        left = 2 * int(rng.integers((image.shape[1] - size) // 2 + 1))
        sharp = image[top : top + size, left : left + size]
        if rng.random() < 0.5:
            sharp = sharp[:, ::-1]
        sharp = np.ascontiguousarray(np.rot90(sharp, int(rng.integers(4))))
        damaged = self.recipe(sharp, seed=int(rng.integers(2**63)))
        return _tensor(damaged), _tensor(sharp)


def _tensor(image: np.ndarray) -> torch.Tensor:
    inner = image[_BORDER:-_BORDER, _BORDER:-_BORDER, ::-1]
    return torch.from_numpy(np.ascontiguousarray(inner.transpose(2, 0, 1)))
