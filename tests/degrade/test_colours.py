"""Colours and places that pass through a codec unchanged: nobody may learn a tint from it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from ovsharp.degrade import parse
from tests.photos import crop

PHOTOS = [crop(0, 0, 256, 256, name=name) for name in ("astronaut", "coffee", "chelsea")]


@pytest.fixture(autouse=True)
def _codecs() -> None:
    pytest.importorskip("av")


@pytest.mark.parametrize("photo", PHOTOS)
@pytest.mark.parametrize("text", ["h264(crf=0)", "vp8(quantizer=0)", "vp9(quantizer=0)"])
def test_a_codec_at_its_best_keeps_the_mean_of_each_channel(text: str, photo: np.ndarray) -> None:
    damaged = parse(text)(photo, seed=1)
    shift = (damaged.astype(float) - photo).mean((0, 1))
    assert np.abs(shift).max() < 0.3, shift


@pytest.mark.parametrize("text", ["h264(crf=1)", "vp8(quantizer=0)", "vp9(quantizer=0)"])
def test_colour_stays_where_it_was(text: str) -> None:
    y, x = np.mgrid[:128, :128]
    blob = np.exp(-((x - 64) ** 2 + (y - 60) ** 2) / 72)
    frame = np.stack([128 - 60 * blob, 128 + 0 * blob, 128 + 90 * blob], -1).astype(np.uint8)
    damaged = parse(text)(frame, seed=1)
    for channel in (0, 2):
        plane = cv2.GaussianBlur(np.abs(damaged[..., channel].astype(float) - 128), (0, 0), 2)
        plane[plane < 3] = 0
        centre = ((plane * x).sum() / plane.sum(), (plane * y).sum() / plane.sum())
        assert centre == pytest.approx((64, 60), abs=0.2)


def test_a_clip_is_coded_as_one_call_and_frames_stay_in_order() -> None:
    clip = [np.roll(PHOTOS[0], 3 * index, 1) for index in range(5)]
    damaged = parse("noise(sigma=2) + h264(crf=30)").on_clip(clip, seed=4)
    assert len(damaged) == len(clip)
    for index, frame in enumerate(damaged):
        errors = [np.abs(frame.astype(float) - truth).mean() for truth in clip]
        assert int(np.argmin(errors)) == index
    again = parse("noise(sigma=2) + h264(crf=30)").on_clip(clip, seed=4)
    np.testing.assert_array_equal(damaged, again)


def test_a_bitrate_is_shared_by_pixels_and_fewer_bits_look_worse() -> None:
    clip = [np.roll(PHOTOS[1], 2 * index, 0) for index in range(8)]

    def error(kbps: int) -> float:
        damaged = parse(f"h264(kbps={kbps})").on_clip(clip, seed=1)
        return float(
            np.mean([(d.astype(float) - t) ** 2 for d, t in zip(damaged, clip, strict=True)])
        )

    assert error(300) > error(6000) * 1.5
