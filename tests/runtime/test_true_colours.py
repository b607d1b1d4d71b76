"""No shipped model brings a tint: means of channels stay as far from the truth's as they were."""

from __future__ import annotations

from functools import cache
from itertools import product

import cv2
import numpy as np
import pytest

from ovsharp import Sharpener
from ovsharp.degrade import parse
from ovsharp.engine import Frame, upscale
from ovsharp.runtime import shipped_models, shipped_routers
from tests.photos import crop

LIMIT = 0.3
"""Levels."""
PHOTOS = {name: crop(0, 0, 256, 320, name=name) for name in ("astronaut", "coffee")}
SHORT = {
    **dict.fromkeys(
        ("call-blur", "call-blur-quality"),
        "it makes sharp frames too sharp, and black and white cut that",
    ),
    **dict.fromkeys(
        (f"x4-{name}" for name in ("balanced", "fast", "jpeg", "quality", "rough")),
        "to be trained again",
    ),
}
"""Models that miss the limit, and why."""


def models(task: str) -> list[object]:
    names = [name for name in (*shipped_models(), *shipped_routers()) if name.startswith(task)]
    marks = {name: pytest.mark.xfail(reason=why, strict=True) for name, why in SHORT.items()}
    return [pytest.param(name, marks=marks.get(name, ())) for name in names]


DAMAGES = ("clean", "h264(crf=0)", "h264(crf=34)", "vp8(quantizer=40)")


@pytest.fixture(autouse=True)
def _codecs() -> None:
    pytest.importorskip("av")


def shift(frame: np.ndarray, truth: np.ndarray) -> np.ndarray:
    return np.abs(frame.astype(float).mean((0, 1)) - truth.astype(float).mean((0, 1)))


@cache
def damaged(photo: str, text: str) -> Frame:
    return parse(text)(PHOTOS[photo], seed=1)


@pytest.mark.parametrize("name", models("call"))
def test_a_model_for_calls_brings_no_tint(name: str) -> None:
    with Sharpener(name) as sharpener:
        for (key, photo), text in product(PHOTOS.items(), DAMAGES):
            frame = damaged(key, text)
            added = shift(sharpener(frame), photo) - shift(frame, photo)
            assert added.max() < LIMIT, (text, added)


@pytest.mark.parametrize("name", models("x4"))
def test_an_upscaler_for_calls_brings_no_tint(name: str) -> None:
    with Sharpener(name) as sharpener:
        for (key, photo), text in product(PHOTOS.items(), DAMAGES):
            small = damaged(key, f"down(scale=4, method=area) + {text}")
            added = shift(sharpener(small), photo) - shift(upscale(small, 4), photo)
            assert added.max() < LIMIT, (text, added)


@pytest.mark.parametrize("dark", [0, 2])
def test_a_picture_that_another_reader_darkened_stays_as_dark(dark: int) -> None:
    photo = PHOTOS["astronaut"]
    frame = np.clip(photo.astype(int) - dark, 0, 255).astype(np.uint8)
    yuv = cv2.cvtColor(frame, cv2.COLOR_BGR2YUV_I420)
    read = cv2.cvtColor(yuv, cv2.COLOR_YUV2BGR_I420)
    with Sharpener() as sharpener:
        for picture in (frame, read):
            assert shift(sharpener(picture), picture).max() < LIMIT
