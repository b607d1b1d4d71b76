import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage.data
import torch

from ovsharp import CalibrationError, UsageError
from ovsharp.degrade import parse
from ovsharp.models import load_network
from ovsharp.runtime import upscale
from ovsharp.training.loop import Plan, train
from ovsharp.training.patches import Patches


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("astronaut", "coffee"):
        image = getattr(skimage.data, name)()[:400, :400, ::-1]
        cv2.imwrite(str(folder / f"{name}.png"), image)
    (folder / "broken.png").write_bytes(b"no image")
    return folder


@pytest.fixture
def plan(photos: Path, tmp_path: Path) -> Plan:
    small = {"channels": 16, "depth": 1, "batch": 4, "patch": 32, "steps": 4, "every": 2}
    return Plan(data=photos, val=photos, out=tmp_path / "run", recipe="blur(sigma=2)", **small)


def test_training_sharpens(plan: Plan, capsys: pytest.CaptureFixture[str]) -> None:
    torch.set_num_threads(1)
    train(replace(plan, channels=48, depth=0, batch=8, steps=100, every=100, rate=1e-3))
    report = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert report["ssim_out"] > report["ssim_in"] + 0.005
    assert report["psnr_out"] > report["psnr_in"] + 0.2


@pytest.mark.parametrize("scale", [2, 4])
def test_training_upscales(plan: Plan, scale: int, capsys: pytest.CaptureFixture[str]) -> None:
    torch.set_num_threads(1)
    recipe = f"blur(sigma={scale}, kernel=15) + down(scale={scale}, method=area)"
    small = {"channels": 48, "depth": 0, "batch": 8, "patch": 64, "steps": 100, "every": 100}
    weights = train(replace(plan, recipe=recipe, branches=True, rate=1e-3, **small))
    report = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert report["psnr_out"] > report["psnr_in"] + 0.1
    network = load_network(weights)
    assert network.architecture == "upscaler"
    assert network.arguments["scale"] == scale
    assert network.collapsed == 0, "the weights are those of the deployed form"


def test_a_cell_that_the_scale_does_not_divide_is_refused(plan: Plan) -> None:
    with pytest.raises(UsageError, match="cell of 4 pixels cannot be made at scale 3"):
        train(replace(plan, recipe="x3"))


def test_resumed_run_equals_uninterrupted_run(plan: Plan, tmp_path: Path) -> None:
    torch.set_num_threads(1)
    whole = torch.load(train(plan), weights_only=True)

    class KilledError(Exception):
        pass

    def killed(*_: object) -> None:
        raise KilledError

    broken_off = replace(plan, out=tmp_path / "other")
    with pytest.MonkeyPatch.context() as patch:
        # The run dies after the checkpoint of step 2 is written and before that of step 4.
        saves = iter([torch.save])
        original = torch.save
        patch.setattr(torch, "save", lambda *a: next(saves, killed)(*a))
        with pytest.raises(KilledError):
            train(broken_off)
    assert torch.save is original
    resumed = torch.load(train(broken_off), weights_only=True)
    for key, value in whole.items():
        assert torch.equal(value, resumed[key]), key


def test_patches_are_aligned_and_repeatable(photos: Path) -> None:
    patches = Patches(photos, parse("clean"), patch=32, count=8, seed=3)
    for index in range(8):
        damaged, base, sharp = patches[index]
        assert damaged.shape == (3, 32, 32)
        assert torch.equal(damaged, sharp)
        assert torch.equal(base, damaged)
        assert torch.equal(sharp, patches[index][2])
    assert not torch.equal(patches[0][2], patches[1][2])


def test_patches_of_upscalers_are_aligned(photos: Path) -> None:
    patches = Patches(photos, parse("x4"), patch=64, count=4, seed=3)
    for damaged, base, sharp in (patches[index] for index in range(4)):
        assert damaged.shape == (3, 16, 16)
        assert base.shape == sharp.shape == (3, 64, 64)
        # The mean of each 4x4 cell of the truth is the pixel that the area downscale gave.
        cells = sharp.float().unfold(1, 4, 4).unfold(2, 4, 4).mean((3, 4))
        assert (cells - damaged.float()).abs().max() <= 1
        enlarged = upscale(np.ascontiguousarray(damaged.permute(1, 2, 0).numpy()), 4)
        inner = np.s_[8:-8, 8:-8]
        assert np.array_equal(base.permute(1, 2, 0).numpy()[inner], enlarged[inner])


def test_patches_are_rgb(tmp_path: Path) -> None:
    blue = np.zeros((64, 64, 3), np.uint8)
    blue[:, :, 0] = 255
    cv2.imwrite(str(tmp_path / "blue.png"), blue)
    _, _, sharp = Patches(tmp_path, parse("clean"), patch=16, count=1, seed=0)[0]
    assert sharp[:, 0, 0].tolist() == [0, 0, 255]


def test_images_smaller_than_a_patch_are_refused_in_a_sentence(photos: Path) -> None:
    with pytest.raises(CalibrationError, match="1016x1016"):
        Patches(photos, parse("clean"), patch=1000, count=1, seed=0)


def test_a_run_can_start_from_another(plan: Plan, tmp_path: Path) -> None:
    first = torch.load(train(plan), weights_only=True)
    started = replace(
        plan, out=tmp_path / "next", init=str(plan.out / "checkpoint.pth"), rate=0.0, steps=1
    )
    second = torch.load(train(started), weights_only=True)
    assert all(torch.equal(first[key], second[key]) for key in first)


@pytest.mark.parametrize("change", [{"channels": 32}, {"branches": True}])
def test_a_start_of_another_design_is_refused(
    plan: Plan, tmp_path: Path, change: dict[str, int]
) -> None:
    train(plan)
    other = replace(plan, out=tmp_path / "next", init=str(plan.out / "checkpoint.pth"), **change)
    with pytest.raises(UsageError, match="does not fit this design"):
        train(other)
    assert not (tmp_path / "next").exists()
