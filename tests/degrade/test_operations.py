"""The single damages: each does what its name says, where the picture was."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from ovsharp.degrade import parse
from ovsharp.quality import psnr
from tests.photos import crop

PHOTO = crop(0, 100, 193, 199)
"""Of odd sides."""

DAMAGES = [
    "defocus(radius=2)",
    "motion_blur(length=7, angle=30)",
    "sensor_noise(shot=0.5, read=3)",
    "jitter(brightness=1.1, contrast=0.9, saturation=1.2)",
    "h264(crf=35)",
    "h264(crf=30, scale=2)",
    "vp8(quantizer=45)",
    "vp9(quantizer=50)",
    "av1(quantizer=50)",
    "lost_blocks(share=0.2)",
    "lost_slices(share=0.3)",
]


@pytest.fixture(autouse=True)
def _codecs() -> None:
    pytest.importorskip("av")


@pytest.mark.parametrize("text", DAMAGES)
def test_a_damage_keeps_size_and_follows_its_seed(text: str) -> None:
    before = PHOTO.copy()
    damaged = parse(text)(PHOTO, seed=3)
    assert damaged.shape == PHOTO.shape
    assert damaged.dtype == np.uint8
    np.testing.assert_array_equal(PHOTO, before)
    np.testing.assert_array_equal(damaged, parse(text)(PHOTO, seed=3))
    assert 15 < psnr(damaged, PHOTO) < 45


@pytest.mark.parametrize("text", DAMAGES)
def test_the_picture_stays_where_it_was(text: str) -> None:
    damaged = parse(text)(PHOTO, seed=3)
    inner = slice(16, -16)

    def match(down: int, right: int) -> float:
        return psnr(np.roll(damaged, (down, right), (0, 1))[inner, inner], PHOTO[inner, inner])

    shifts = [(down, right) for down in (-1, 0, 1) for right in (-1, 0, 1)]
    assert max(shifts, key=lambda shift: match(*shift)) == (0, 0)


def test_a_disc_and_a_line_are_what_a_point_becomes() -> None:
    point = np.zeros((31, 31, 3), np.uint8)
    point[15, 15] = 255
    disc = parse("defocus(radius=5)")(point, seed=0)[..., 0]
    assert np.flatnonzero(disc[15]).tolist() == list(range(10, 21))
    assert (disc > 0).sum() == pytest.approx(np.pi * 25, rel=0.2)
    flat = parse("motion_blur(length=9, angle=0)")(point, seed=0)[..., 0]
    assert np.flatnonzero(flat.any(axis=1)).tolist() == [15]
    assert np.flatnonzero(flat[15]).tolist() == list(range(11, 20))
    rising = parse("motion_blur(length=9, angle=45)")(point, seed=0)[..., 0]
    assert rising[12, 18] > 0
    assert rising[18, 18] == 0


def test_sensor_noise_grows_with_the_light() -> None:
    grain = {}
    for level in (20, 180):
        flat = np.full((200, 200, 3), level, np.uint8)
        grain[level] = (parse("sensor_noise(shot=0.5, read=2)")(flat, seed=0).astype(float)).std()
    assert grain[20] == pytest.approx(np.sqrt(0.5 * 20 + 4), rel=0.05)
    assert grain[180] == pytest.approx(np.sqrt(0.5 * 180 + 4), rel=0.05)


def test_jitter_moves_one_thing_at_a_time() -> None:
    grey = parse("jitter(saturation=0)")(PHOTO, seed=0)
    assert np.ptp(grey, axis=2).max() <= 1
    flat = parse("jitter(contrast=0)")(PHOTO, seed=0)
    assert np.ptp(flat) == 0
    assert abs(int(flat[0, 0, 0]) - cv2.cvtColor(PHOTO, cv2.COLOR_BGR2GRAY).mean()) < 1
    np.testing.assert_array_equal(
        parse("jitter(brightness=2)")(np.full((4, 4, 3), 60, np.uint8), seed=0), 120
    )


def test_what_is_lost_is_whole_blocks() -> None:
    damaged = parse("lost_blocks(share=0.3, shift=8)")(PHOTO, seed=1)
    changed = (damaged != PHOTO).any(axis=2)
    blocks = [
        changed[top : top + 16, left : left + 16].mean()
        for top in range(0, 176, 16)
        for left in range(0, 176, 16)
    ]
    assert 0.15 < np.mean([share > 0.2 for share in blocks]) < 0.45
    assert np.mean([share == 0 for share in blocks]) > 0.5


def test_frames_that_lean_on_each_other_differ_from_a_key_frame() -> None:
    alone = parse("h264(crf=32, frames=1)")(PHOTO, seed=1)
    last = parse("h264(crf=32, frames=5)")(PHOTO, seed=1)
    assert (alone != last).mean() > 0.2
