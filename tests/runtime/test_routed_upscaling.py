"""`Sharpener("x4")` as it is shipped: the router and its upscalers on photos."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

from ovsharp import Sharpener
from ovsharp.degrade import parse
from ovsharp.engine import Frame, upscale
from ovsharp.quality import psnr, ssim
from ovsharp.runtime import model_files
from tests.photos import crop

PHOTOS = ("astronaut", "coffee", "chelsea")


def photo(name: str) -> Frame:
    return crop(0, 0, 256, 384, name=name)


@pytest.fixture(scope="module")
def sharpener() -> Sharpener:
    return Sharpener("x4", threads=1)


@pytest.mark.parametrize(
    "damage",
    [
        "x4",
        "down(scale=4, method=bicubic)",
        "x4 + jpeg(quality=20)",
        "x4 + h264(crf=26)",
    ],
)
@pytest.mark.parametrize("name", PHOTOS)
def test_small_photos_get_better_than_by_bicubic(
    sharpener: Sharpener, name: str, damage: str
) -> None:
    if "h264" in damage and importlib.util.find_spec("av") is None:
        pytest.skip("needs PyAV")
    truth = photo(name)
    frame = parse(damage)(truth, seed=3)
    plain, result = upscale(frame, 4), sharpener(frame)
    assert result.shape == truth.shape
    assert sharpener.variant in sharpener.variants[:-1]
    assert ssim(result, truth) > ssim(plain, truth)
    assert psnr(result, truth) > psnr(plain, truth)


def test_models_differ_by_what_is_wrong(sharpener: Sharpener) -> None:
    truth = photo("astronaut")
    chosen = set()
    for damage in ("x4", "x4 + jpeg(quality=20)", "dynamic-duo"):
        sharpener(parse(damage)(truth, seed=3))
        chosen.add(sharpener.variant)
    assert len(chosen) == 3


def test_bicubic_can_be_pinned(sharpener: Sharpener) -> None:
    frame = parse("x4")(photo("chelsea"), seed=3)
    sharpener.pin("bicubic")
    assert np.array_equal(sharpener(frame), upscale(frame, 4))
    assert np.array_equal(sharpener.submit(frame).result(), upscale(frame, 4))
    sharpener.pin(None)
    assert sharpener.spec.scale == 4


def test_the_files_are_small() -> None:
    assert sum(file.stat().st_size for file in model_files("x4")) < 1.5e6
