"""Patches of clips: aligned, kept, the same again; and a training on them that goes on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from skimage import data

from ovsharp import MediaError, TrainingError, UsageError
from ovsharp.training import MovingFolders, TrainingRecipe, train
from ovsharp.training.clips import CUT, SCREEN, ClipPatches, Moving, moving_screen, sharp_clip
from ovsharp.training.screens import screen_clip
from ovsharp.training.tint import DRAWS, tinted
from tests.media.clips import clip

av = pytest.importorskip("av")


def patches(folder: Path, moving: MovingFolders, recipe: str, **given: float) -> ClipPatches:
    assert moving.clips is not None
    assert moving.screens is not None
    made = Moving(
        tuple(sorted(moving.clips.iterdir())),
        tuple(moving.screens.iterdir()),
        shares=(given.get("clips", 0.0), given.get("screens", 0.0), 0.0),
    )
    return ClipPatches(made, recipe, folder, patch=32, different=2 * CUT, count=100, seed=3)


@pytest.mark.usefixtures("cut_here")
@pytest.mark.parametrize("kind", ["clips", "screens"])
def test_both_sides_of_a_patch_show_the_same(
    kind: str, moving: MovingFolders, tmp_path: Path
) -> None:
    made = patches(tmp_path / "p", moving, "h264(crf=10)", **{kind: 1.0})
    for index in range(0, 60, 7):
        patch = made[index]
        difference = patch.damaged.float() - patch.sharp.float()
        assert difference.abs().mean() < 6
        assert difference.mean().abs() < 0.6


@pytest.mark.usefixtures("cut_here")
def test_patches_are_kept_for_the_same_training_alone(
    moving: MovingFolders, tmp_path: Path
) -> None:
    first = patches(tmp_path / "p", moving, "h264(crf=30)", clips=1.0)
    before = (tmp_path / "p" / "sharp.npy").stat().st_mtime_ns
    again = patches(tmp_path / "p", moving, "h264(crf=30)", clips=1.0)
    assert (tmp_path / "p" / "sharp.npy").stat().st_mtime_ns == before
    assert torch.equal(first[5].damaged, again[5].damaged)
    turned = [first[index + 2 * CUT].sharp for index in range(2 * CUT)]
    assert any(not torch.equal(first[index].sharp, other) for index, other in enumerate(turned))
    with pytest.raises(TrainingError, match="holds patches of another training: name another"):
        patches(tmp_path / "p", moving, "h264(crf=31)", clips=1.0)


def test_clips_that_are_too_small_are_named(tmp_path: Path) -> None:
    small = clip(tmp_path / "small.mkv", (0, 40), size=(64, 48))
    with pytest.raises(MediaError, match=r"small\.mkv is 64x48: expected clips of 49 pixels"):
        sharp_clip(small, np.random.default_rng(0), least=49)


def test_a_clip_of_one_frame_is_named(tmp_path: Path) -> None:
    still = clip(tmp_path / "still.mp4", (0,), size=(160, 96))
    with pytest.raises(MediaError, match=r"still.mp4 has a single frame: expected clips"):
        sharp_clip(still, np.random.default_rng(0), least=64)


def test_a_screen_moves_by_whole_pixels() -> None:
    page = np.ascontiguousarray(data.page()[..., None].repeat(3, 2))
    for seed in range(12):
        rng = np.random.default_rng(seed)
        frames = screen_clip(page, page, rng, frames=3, height=96, width=160)
        assert {frame.shape for frame in frames} == {(96, 160, 3)}


def test_screens_come_as_they_are_and_made_smaller(tmp_path: Path) -> None:
    black_and_white = np.zeros((1080, 1920, 3), np.uint8)
    black_and_white[::2] = 255
    page = tmp_path / "page.png"
    cv2.imwrite(str(page), black_and_white)
    greys = []
    for seed in range(12):
        clip = moving_screen(page, page, np.random.default_rng(seed))
        assert {frame.shape for frame in clip} == {(*SCREEN, 3)}
        greys.append(float(((clip[0] > 64) & (clip[0] < 192)).mean()))
    assert 3 <= sum(grey > 0.2 for grey in greys) <= 9  # averaged lines, by an area of pixels
    assert 3 <= sum(grey < 0.02 for grey in greys) <= 9


def test_a_training_on_clips_needs_them(
    small: TrainingRecipe, photos: Path, tmp_path: Path
) -> None:
    course = replace(small.student, moving={"clips": 1.0}, stored=24)
    with pytest.raises(UsageError, match="--clips DIR"):
        train(replace(small, student=course), photos, tmp_path / "run")


def test_a_student_learns_from_clips(
    small: TrainingRecipe, photos: Path, tmp_path: Path, moving: MovingFolders
) -> None:
    stage = replace(small.student.stages[0], degrade="h264(crf=35)", steps=6)
    course = replace(
        small.student, moving={"clips": 0.5, "screens": 0.5}, stored=24, tint=True, stages=(stage,)
    )
    done = train(replace(small, student=course), photos, tmp_path / "run", moving=moving)
    assert done.student.weights.exists()
    assert done.student.score.psnr_in > 20


def test_a_tint_is_the_same_for_picture_and_truth() -> None:
    picture, draws, others = torch.rand(2, 3, 8, 8), torch.rand(2, DRAWS), torch.rand(2, DRAWS)
    same = torch.equal
    frame, base, truth = tinted(draws, picture, picture, picture)
    assert same(frame, base)
    assert torch.allclose(frame, truth)
    assert not same(frame, picture)
    # A truth that is brighter than its picture on the whole does not teach to brighten.
    brighter = tinted(draws, picture, picture, picture + 0.02)
    assert torch.allclose(brighter[2].mean((2, 3)), brighter[1].mean((2, 3)), atol=1e-5)
    assert not same(tinted(others, picture, picture, picture)[0], frame)
