"""What a router is taught with: made once, and gone on with where it was broken off."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import pytest

from tests.scripts import loaded


@pytest.fixture(scope="module")
def script() -> ModuleType:
    return loaded("router_examples")


def family(script: ModuleType) -> object:
    """That of `call`, with two damages and small squares."""
    damages = ("clean", "noise(sigma=5..18)")
    return dataclasses.replace(script.FAMILIES["call"], damages=damages, side=32)


def source(script: ModuleType, folder: Path) -> object:
    """Three drawn pictures, each damaged in both ways, and one that is too small."""
    folder.mkdir()
    rng = np.random.default_rng(1)
    for index, side in enumerate((48, 48, 48, 16)):
        picture = rng.integers(0, 256, (side, side, 3), np.uint8)
        cv2.imwrite(str(folder / f"{index}.png"), picture)
    return script.Source(sorted(folder.iterdir()), [], [], per_photo=2)


def test_squares_are_cut_and_damaged(script: ModuleType, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    made = script.examples(source(script, tmp_path / "photos"), out, family(script))
    assert made.frames.shape == made.truths.shape == (6, 32, 32, 3)
    assert sorted(made.numbers) == [0, 0, 0, 1, 1, 1]
    changed = [bool((f != t).any()) for f, t in zip(made.frames, made.truths, strict=True)]
    assert changed == [number == 1 for number in made.numbers]


def test_a_run_that_was_broken_off_goes_on(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(script, "PORTION", 2)
    photos = source(script, tmp_path / "photos")
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    for folder in (whole, broken):
        folder.mkdir()
    straight = script.examples(photos, whole, family(script))

    damaged = []
    real = script._photo

    def failing(*task: object) -> object:
        damaged.append(task)
        if len(damaged) == 6:
            raise OSError("the disk is full")
        return real(*task)

    monkeypatch.setattr(script, "_photo", failing)
    with pytest.raises(OSError, match="full"):
        script.examples(photos, broken, family(script))
    with (broken / "frames.raw").open("ab") as file:
        file.write(b"half of a square")
    monkeypatch.setattr(script, "_photo", real)
    again = script.examples(photos, broken, family(script))
    assert (again.frames == straight.frames).all()
    assert (again.truths == straight.truths).all()
    assert (again.numbers == straight.numbers).all()

    shutil.rmtree(tmp_path / "photos")  # what is made is not made again
    assert (script.examples(photos, broken, family(script)).frames == straight.frames).all()
