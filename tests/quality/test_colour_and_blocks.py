"""Colour shift and blockiness by hand, and on what they are made for."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from ovsharp.quality import blockiness, colour_shift
from tests.quality.pictures import OTHERS, PHOTO


def test_a_tint_is_found_and_noise_is_not() -> None:
    tinted = np.clip(PHOTO.astype(int) // 2 + [6, 0, -3], 0, 255).astype(np.uint8)
    plain = (PHOTO // 2).clip(3)
    expected = np.abs((tinted.astype(float) - plain).reshape(-1, 3).mean(axis=0)).mean()
    assert colour_shift(tinted, plain) == pytest.approx(expected)
    assert colour_shift(tinted, plain) > 2
    middle = np.full((200, 200, 3), 128, np.uint8)
    noisy = (middle + np.random.default_rng(0).integers(-20, 21, middle.shape)).astype(np.uint8)
    assert colour_shift(noisy, middle) < 0.2
    assert colour_shift(PHOTO, PHOTO) == 0


def test_channels_do_not_cancel_each_other() -> None:
    grey = np.full((8, 8, 3), 100, np.uint8)
    assert colour_shift(np.array([[[110, 90, 100]]], np.uint8).repeat(8, 0).repeat(8, 1), grey) == (
        pytest.approx(20 / 3)
    )


def test_blockiness_by_hand() -> None:
    # Steps of 1 everywhere across, but 5 at the two borders of blocks; none down.
    line = np.cumsum([0, *(5 if x % 8 == 0 else 1 for x in range(1, 24))])
    picture = np.repeat(np.tile(line, (24, 1))[..., None], 3, axis=2).astype(np.uint8)
    assert blockiness(picture) == pytest.approx(5)
    assert blockiness(picture.swapaxes(0, 1)) == pytest.approx(5)
    # With the grid 3 columns off, both high steps are inside: 2 of 18 there, none at a border.
    assert blockiness(picture[:, 3:]) == pytest.approx(1 / ((16 * 1 + 2 * 5) / 18))


def test_jpeg_is_blocky_and_blur_is_not() -> None:
    data = cv2.imencode(".jpg", PHOTO, [cv2.IMWRITE_JPEG_QUALITY, 10])[1]
    compressed = blockiness(cv2.imdecode(data, cv2.IMREAD_COLOR))
    plain = blockiness(PHOTO)
    assert compressed is not None and plain is not None
    assert compressed > 1.5 > 1.1 > plain
    assert blockiness(OTHERS["blurred"]) == pytest.approx(1, abs=0.1)


def test_nothing_to_judge() -> None:
    assert blockiness(np.full((32, 32, 3), 7, np.uint8)) is None
    assert blockiness(PHOTO[:8]) is None
