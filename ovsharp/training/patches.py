"""Aligned training patches: a sharp one, and the same one damaged on the fly."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch.utils.data import Dataset

from ovsharp.degrade import Recipe
from ovsharp.frames import upscale
from ovsharp.media import Frame
from ovsharp.training.images import Images
from ovsharp.training.stored import stored


class Batch(NamedTuple):
    """Patches, uint8, RGB; `Patches` gives them without the first dimension."""

    number: torch.Tensor
    """N numbers: the patch among all different ones."""
    damaged: torch.Tensor
    """N x 3 x H x W."""
    base: torch.Tensor
    """Bicubic enlargement of `damaged`, N x 3 x scale*H x scale*W; the same picture at scale 1."""
    sharp: torch.Tensor
    """N x 3 x scale*H x scale*W."""


def border(scale: int) -> int:
    """Give the pixels of the sharp picture that are damaged and cut off again on each side.

    No patch may have a border that frames lack; 8 damaged pixels reach further than any blur.
    """
    return 8 * scale


class Patches(Dataset[Batch]):
    """Random patches of images, turned and mirrored.

    Item i depends on `seed` and i alone, so that a resumed training sees the same patches.

    Args:
        images: all of at least `patch` + 2 * `border(scale)` pixels a side.
        recipe: what damages them.
        patch: side of the sharp patches in pixels, a multiple of the scale.
        count: number of items.
        seed: of the places, the turns and the damages.
        different: after so many items the same patches come again; 0 for never.
    """

    def __init__(
        self,
        images: Images,
        recipe: Recipe,
        *,
        patch: int,
        count: int,
        seed: int,
        different: int = 0,
    ) -> None:
        self.images = images
        self.recipe = recipe
        self.count = count
        self.seed = seed
        self.different = different
        self.size = patch + 2 * border(recipe.scale)

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, item: int) -> Batch:
        index = item % self.different if self.different else item
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
        return Batch(
            torch.tensor(index),
            _tensor(damaged, edge // scale),
            _tensor(upscale(damaged, scale), edge),
            _tensor(sharp, edge),
        )


class StoredPatches(Dataset[Batch]):
    """Patches that are made once, kept on disk, and come again after `patches.different`.

    For damages that take longer than a step of the training: video codecs. Whoever needs a patch
    first makes it; processes may share the files.

    Args:
        patches: with `different` above 0.
        folder: for the files; 9 bytes per pixel of a patch, 6 at scale 1.

    Example:
        >>> stored = StoredPatches(patches, Path("runs/mine/patches"))  # doctest: +SKIP
    """

    def __init__(self, patches: Patches, folder: Path) -> None:
        self._patches = patches
        side, scale = patches.size - 2 * border(patches.recipe.scale), patches.recipe.scale
        sides = {"damaged": side // scale, "base": side, "sharp": side}
        if scale == 1:
            del sides["base"]  # the same picture as `damaged`
        count = patches.different
        shapes: dict[str, tuple[int, ...]] = {
            name: (count, 3, length, length) for name, length in sides.items()
        }
        shapes["known"] = (count,)
        paths = {name: folder / f"{name}.npy" for name in shapes}
        whole = all(
            path.exists() and np.load(path, mmap_mode="r").shape == shapes[name]
            for name, path in paths.items()
        )
        folder.mkdir(parents=True, exist_ok=True)
        self._arrays = {
            name: stored(path, np.uint8, shapes[name], fresh=not whole)
            for name, path in paths.items()
        }

    def __len__(self) -> int:
        return len(self._patches)

    def __getitem__(self, item: int) -> Batch:
        index = item % self._patches.different
        arrays = self._arrays
        if not arrays["known"][index]:
            patch = self._patches[index]
            for name in arrays.keys() - {"known"}:
                arrays[name][index] = getattr(patch, name).numpy()
            arrays["known"][index] = 1
            return patch
        damaged, sharp = (torch.from_numpy(arrays[n][index].copy()) for n in ("damaged", "sharp"))
        base = torch.from_numpy(arrays["base"][index].copy()) if "base" in arrays else damaged
        return Batch(torch.tensor(index), damaged, base, sharp)


def _tensor(image: Frame, cut: int) -> torch.Tensor:
    inner = image[cut:-cut, cut:-cut, ::-1]
    return torch.from_numpy(np.ascontiguousarray(inner.transpose(2, 0, 1)))
