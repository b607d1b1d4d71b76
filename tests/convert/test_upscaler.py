"""Networks that correct the bicubic upscale: from a checkpoint to frames, in float and INT8."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

from ovsharp import Sharpener
from ovsharp.calibration import quantize
from ovsharp.convert import Conversion, Options, convert, prepare
from ovsharp.engine import upscale
from ovsharp.models import ARCHITECTURES, load_network
from tests.photos import crop, write_photos

FORMS = {"x4": (1, 4), "x2": (1, 2), "x2-unshuffled": (2, 2)}


def checkpoint(folder: Path, form: str, *, branches: bool = False) -> Path:
    torch.manual_seed(2)
    unshuffle, scale = FORMS[form]
    size = {"channels": 16, "depth": 1, "unshuffle": unshuffle, "scale": scale}
    network = ARCHITECTURES.build("upscaler", **size, branches=branches)
    torch.nn.init.normal_(network.get_submodule("tail").weight, std=0.003)
    torch.save(network.state_dict(), folder / f"{form}.pth")
    return folder / f"{form}.pth"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("upscalers")


@pytest.fixture(scope="module")
def converted(folder: Path) -> Callable[[str], Conversion]:
    """Convert a form once: FORM.pth and FORM-fp32.xml in the folder."""

    @cache
    def made(form: str) -> Conversion:
        return convert(checkpoint(folder, form), folder, storages=["fp32"])

    return made


@pytest.mark.parametrize("form", FORMS)
def test_an_upscaler_gets_the_packed_form(
    form: str, converted: Callable[[str], Conversion]
) -> None:
    result = converted(form)

    assert result.spec.base
    assert result.spec.scale == FORMS[form][1]
    assert result.spec.multiple == FORMS[form][0]
    folded = dict(result.report)["folded"]
    assert "into the first convolution" in folded
    assert "pixel-shuffle in one move" in folded
    assert "skip added to the base's own bytes" in folded
    assert result.spec.parity["ir-torch"] < 1e-5


def test_multi_branch_blocks_are_collapsed_and_said_so(
    tmp_path: Path, converted: Callable[[str], Conversion]
) -> None:
    prepared = prepare(checkpoint(tmp_path, "x2", branches=True), Options())

    assert "2 multi-branch blocks into single 3x3 convolutions" in dict(prepared.report)["folded"]
    assert prepared.spec.parameters == converted("x2").spec.parameters


@pytest.mark.parametrize("form", FORMS)
def test_frames_of_any_size_and_tiles_agree_with_torch(
    form: str, folder: Path, converted: Callable[[str], Conversion]
) -> None:
    converted(form)
    network = load_network(folder / f"{form}.pth")
    frame = crop(100, 100, 50, 74)
    base = upscale(frame, FORMS[form][1])

    with Sharpener(folder / f"{form}-fp32.xml", precision="f32") as sharpener:
        whole = sharpener(frame)
    with Sharpener(folder / f"{form}-fp32.xml", precision="f32", tile=32) as sharpener:
        tiled = sharpener(frame)

    def picture(image: np.ndarray) -> torch.Tensor:
        planes = np.ascontiguousarray(image[:, :, ::-1].transpose(2, 0, 1))
        return torch.from_numpy(planes)[None].float() / 255

    with torch.no_grad():
        values = network.module(picture(frame), picture(base))[0].permute(1, 2, 0).numpy()
    expected = np.clip(np.rint(values * 255), 0, 255)[:, :, ::-1]
    assert np.abs(whole - expected).max() <= 1
    assert np.array_equal(tiled, whole)


@pytest.mark.usefixtures("fitted_little")
def test_an_upscaler_is_quantized_with_its_base(
    folder: Path, converted: Callable[[str], Conversion], tmp_path: Path
) -> None:
    converted("x2")
    parent, photos = folder / "x2-fp32.xml", write_photos(tmp_path / "photos", 8)

    done = quantize(parent, photos, folder=tmp_path, degrade="x2", subset=8, max_drop=0.05)

    assert done.spec.base
    assert done.spec.storage == "int8"
    frame = crop(100, 100, 64, 64)
    with Sharpener(done.files[0]) as int8, Sharpener(parent) as float32:
        difference = int8(frame).astype(int) - float32(frame)
    assert np.abs(difference).mean() < 1.5
