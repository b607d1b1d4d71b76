"""Images and patches: which are taken, that they are aligned, that they come again."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from ovsharp import TrainingError
from ovsharp.degrade import parse
from ovsharp.frames import upscale
from ovsharp.media import find_images
from ovsharp.training.images import Images, split
from ovsharp.training.patches import Patches, StoredPatches


def patches(folder: Path, recipe: str, **options: int) -> Patches:
    images = Images(find_images([folder]), smallest=16)
    return Patches(images, parse(recipe), **{"patch": 32, "count": 8, "seed": 3, **options})


def test_patches_are_aligned_and_repeatable(photos: Path) -> None:
    clean = patches(photos, "clean")
    for index in range(8):
        number, damaged, base, sharp = clean[index]
        assert number == index
        assert damaged.shape == (3, 32, 32)
        assert torch.equal(damaged, sharp)
        assert torch.equal(base, damaged)
        assert torch.equal(sharp, clean[index].sharp)
    assert not torch.equal(clean[0].sharp, clean[1].sharp)


def test_patches_of_upscalers_are_aligned(photos: Path) -> None:
    fourth = patches(photos, "x4", patch=64)
    for _, damaged, base, sharp in (fourth[index] for index in range(4)):
        assert damaged.shape == (3, 16, 16)
        assert base.shape == sharp.shape == (3, 64, 64)
        # The mean of each 4x4 cell of the truth is the pixel that the area downscale gave.
        cells = sharp.float().unfold(1, 4, 4).unfold(2, 4, 4).mean((3, 4))
        assert (cells - damaged.float()).abs().max() <= 1
        enlarged = upscale(np.ascontiguousarray(damaged.permute(1, 2, 0).numpy()), 4)
        inner = np.s_[8:-8, 8:-8]
        assert np.array_equal(base.permute(1, 2, 0).numpy()[inner], enlarged[inner])


def test_patches_come_again_where_answers_are_stored(photos: Path) -> None:
    few = patches(photos, "noise(sigma=9)", different=3)
    assert [int(few[index].number) for index in range(5)] == [0, 1, 2, 0, 1]
    assert torch.equal(few[1].damaged, few[4].damaged)


@pytest.mark.parametrize("recipe", ["noise(sigma=9)", "x4"])
def test_stored_patches_are_made_once(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recipe: str
) -> None:
    plain = patches(photos, recipe, different=3)
    stored = StoredPatches(patches(photos, recipe, different=3), tmp_path / "stored")
    assert len(stored) == 8
    first = [stored[index] for index in range(3)]
    monkeypatch.setattr(Patches, "__getitem__", None)
    again = StoredPatches(patches(photos, recipe, different=3), tmp_path / "stored")
    monkeypatch.undo()
    for index in range(8):
        for batch in (first[index % 3], again[index]):
            assert all(map(torch.equal, batch, plain[index]))


def test_patches_are_rgb(tmp_path: Path) -> None:
    blue = np.zeros((64, 64, 3), np.uint8)
    blue[:, :, 0] = 255
    cv2.imwrite(str(tmp_path / "blue.png"), blue)
    assert patches(tmp_path, "clean", patch=16)[0].sharp[:, 0, 0].tolist() == [0, 0, 255]


def test_images_are_held_as_far_as_memory_goes(photos: Path) -> None:
    paths = find_images([photos])
    held = Images(paths, smallest=16)
    read = Images(paths, smallest=16, memory=0)
    assert len(held) == len(read) == 3
    assert all(np.array_equal(held[index], read[index]) for index in range(3))
    assert held[0] is held[0]
    assert read[0] is not read[0], "not held"


def test_unusable_images_are_counted_and_named(photos: Path) -> None:
    cv2.imwrite(str(photos / "tiny.png"), np.zeros((8, 8, 3), np.uint8))
    skipped = Images(find_images([photos]), smallest=16).skipped
    assert {path.name for path in skipped} == {"things_broken.png", "tiny.png"}
    with pytest.raises(TrainingError, match="none of the 5 images can be used: expected images of"):
        Images(find_images([photos]), smallest=1000)


def test_split_is_stratified_and_steady(tmp_path: Path) -> None:
    for category, count in (("people", 20), ("text", 10), ("games", 1)):
        (tmp_path / category).mkdir()
        for number in range(count):
            path = tmp_path / category / f"{number}.png"
            cv2.imwrite(str(path), np.zeros((4, 4, 3), np.uint8))
    train, val = split(tmp_path, share=0.2)
    counts = [sum(path.parent.name == name for path in val) for name in ("people", "text", "games")]
    assert counts == [4, 2, 0]
    assert sorted(train + val) == find_images([tmp_path])
    assert split(tmp_path, share=0.2) == (train, val)
    cv2.imwrite(str(tmp_path / "people" / "new.png"), np.zeros((4, 4, 3), np.uint8))
    assert len(set(split(tmp_path, share=0.2)[1]) ^ set(val)) <= 2


def test_a_single_image_cannot_be_split(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "one.png"), np.zeros((4, 4, 3), np.uint8))
    with pytest.raises(TrainingError, match="one image only"):
        split(tmp_path, share=0.1)
