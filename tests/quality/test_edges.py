"""Edge ratio against scikit-image, overshoot against SciPy and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import maximum_filter, minimum_filter, sobel

from ovsharp.quality import edge_ratio, overshoot
from tests.quality.pictures import OTHERS, PHOTO


def luma(image: np.ndarray) -> np.ndarray:
    return image.astype(float) @ [0.114, 0.587, 0.299]


def gradient(light: np.ndarray) -> np.ndarray:
    return np.hypot(sobel(light, 0, mode="nearest"), sobel(light, 1, mode="nearest"))


@pytest.mark.parametrize("name", OTHERS)
def test_edge_ratio_is_that_of_scipys_sobel(name: str) -> None:
    expected = gradient(luma(OTHERS[name])).mean() / gradient(luma(PHOTO)).mean()
    assert edge_ratio(OTHERS[name], PHOTO) == pytest.approx(expected, abs=1e-9)


def test_blur_flattens_and_contrast_steepens() -> None:
    blurred = edge_ratio(OTHERS["blurred"], PHOTO)
    assert blurred is not None and blurred < 0.9
    assert edge_ratio(PHOTO // 4 * 2, PHOTO // 4) == pytest.approx(2)


def test_a_flat_reference_has_no_ratio() -> None:
    assert edge_ratio(PHOTO, np.full_like(PHOTO, 90)) is None


@pytest.mark.parametrize("name", OTHERS)
def test_overshoot_is_that_of_scipys_filters(name: str) -> None:
    light, truth = luma(OTHERS[name]), luma(PHOTO)
    zone = maximum_filter(gradient(truth) >= 80, 7)
    outside = np.maximum(light - maximum_filter(truth, 7), minimum_filter(truth, 7) - light)
    expected = np.maximum(outside, 0)[zone].mean()
    assert overshoot(OTHERS[name], PHOTO) == pytest.approx(expected, abs=1e-9)


def step(low: int, high: int) -> np.ndarray:
    picture = np.full((32, 32, 3), low, np.uint8)
    picture[:, 16:] = high
    return picture


def test_a_halo_of_known_height() -> None:
    truth = step(50, 150)
    ringing = truth.copy()
    ringing[:, 15], ringing[:, 16] = 40, 160
    # The gradient reaches one column to each side, the zone three more: 8 columns, 2 off by 10.
    assert overshoot(ringing, truth) == pytest.approx(2 * 10 / 8)


def test_an_edge_is_a_step_of_20_levels() -> None:
    assert overshoot(step(50, 70), step(50, 70)) == 0
    assert overshoot(step(50, 69), step(50, 69)) is None


def test_a_blurred_edge_has_no_halo() -> None:
    truth = step(50, 150)
    blurred = truth.copy()
    blurred[:, 14:18] = np.array([70, 90, 110, 130])[None, :, None]
    assert overshoot(blurred, truth) == 0
