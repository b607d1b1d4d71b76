"""`Sharpener()` as it is shipped: the router and its models on photos."""

from __future__ import annotations

import importlib.util
import json

import numpy as np
import pytest
from click.testing import CliRunner

from ovsharp import Sharpener
from ovsharp.cli.info import info
from ovsharp.degrade import parse
from ovsharp.engine import Frame
from ovsharp.quality import psnr, ssim
from ovsharp.runtime import DEFAULT_MODEL, find_model, model_files, shipped_routers
from tests.photos import crop

PHOTOS = ("astronaut", "coffee", "chelsea")


def photo(name: str) -> Frame:
    return crop(0, 0, 288, 384, name=name)


@pytest.fixture(scope="module")
def sharpener() -> Sharpener:
    return Sharpener(threads=1)


@pytest.mark.parametrize(
    "damage",
    [
        "noise(sigma=10)",
        "sensor_noise(shot=0.4, read=3)",
        "jpeg(quality=15)",
        "gla",
        "h264(crf=26, scale=2)",
    ],
)
@pytest.mark.parametrize("name", PHOTOS)
def test_damaged_photos_get_better(sharpener: Sharpener, name: str, damage: str) -> None:
    if "h264" in damage and importlib.util.find_spec("av") is None:
        pytest.skip("needs PyAV")
    truth = photo(name)
    frame = parse(damage)(truth, seed=3)
    result = sharpener(frame)
    assert sharpener.variant != "untouched"
    assert ssim(result, truth) > ssim(frame, truth)
    assert psnr(result, truth) > psnr(frame, truth)


@pytest.mark.parametrize("name", PHOTOS)
def test_what_is_good_is_left_alone(sharpener: Sharpener, name: str) -> None:
    frame = photo(name)
    result = sharpener(frame)
    assert sharpener.variant == "untouched"
    assert np.array_equal(result, frame)
    assert result is not frame


def test_each_frame_is_judged_by_itself(sharpener: Sharpener) -> None:
    clean = photo("coffee")
    noisy = parse("noise(sigma=12)")(clean, seed=1)
    alone = sharpener(noisy)
    mixed = list(sharpener.stream([clean, noisy, clean, noisy]))
    assert np.array_equal(mixed[0], clean)
    assert np.array_equal(mixed[1], alone)
    assert np.array_equal(mixed[3], alone)
    assert np.array_equal(sharpener.submit(noisy).result(), alone)
    assert sharpener.made["untouched"] >= 2


def test_a_video_keeps_its_model_and_fades_to_another() -> None:
    clean = photo("chelsea")
    noisy = [parse("noise(sigma=12)")(clean, seed=seed) for seed in range(3)]
    with Sharpener(threads=1, look_every=2) as sharpener:
        results = list(sharpener.stream([*noisy, *[clean] * 5]))
        assert [(one.before, one.after) for one in sharpener.switches] == [
            (sharpener.switches[0].before, "untouched")
        ]
    assert not np.array_equal(results[6], clean)  # on its way
    assert results[6].shape == clean.shape


def test_it_can_be_pinned_and_says_what_it_expects(sharpener: Sharpener) -> None:
    sharpener.pin(DEFAULT_MODEL)
    frame = photo("coffee")
    with Sharpener(DEFAULT_MODEL, threads=1) as plain:
        assert np.array_equal(sharpener(frame), plain(frame))
    sharpener.pin(None)
    sharpener(frame)
    assert set(sharpener.gains) == set(sharpener.variants) - {"untouched"}
    assert max(sharpener.gains.values()) < 0.1


def test_the_files_of_a_router_are_those_of_all_its_models() -> None:
    files = model_files("call")
    assert shipped_routers()["call"] in files
    assert find_model(DEFAULT_MODEL) in files
    assert all(file.is_file() for file in files)
    assert sum(file.stat().st_size for file in files) < 5e6


def test_info_says_what_a_router_chooses_among() -> None:
    shown = CliRunner().invoke(info, ["call"])
    assert shown.exit_code == 0
    assert "call-noise" in shown.output
    facts = json.loads(CliRunner().invoke(info, ["call", "--json"]).output)
    assert facts["models"][0] == DEFAULT_MODEL
