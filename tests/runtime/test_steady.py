"""Still regions flicker less; what moves, and what changes at once, is left alone."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from ovsharp.quality import Flicker
from ovsharp.runtime import Steady

Frame = npt.NDArray[np.uint8]


def noisy(picture: Frame, seed: int, levels: int = 1) -> Frame:
    noise = np.random.default_rng(seed).integers(-levels, levels + 1, picture.shape)
    return np.clip(picture.astype(int) + noise, 0, 255).astype(np.uint8)


def scene(shift: int = 0) -> Frame:
    picture = np.full((64, 96, 3), 90, np.uint8)
    picture[10:30, 10 + shift : 30 + shift] = 200
    return picture


def test_still_regions_flicker_less_and_come_nearer_to_the_truth() -> None:
    steady, before, after = Steady(), Flicker(), Flicker()
    errors = []
    for seed in range(12):
        flickering = noisy(scene(), seed)
        calm = steady.add(scene(), flickering)
        before.add(scene(), flickering)
        after.add(scene(), calm)
        errors.append([np.abs(p.astype(int) - scene()).mean() for p in (flickering, calm)])
    assert after.output < before.output * 0.7
    assert np.mean([calm for _, calm in errors]) < np.mean([raw for raw, _ in errors])


@pytest.mark.parametrize(("unsharp", "least", "most"), [(0.0, 0.9, 1.0), (1.0, 0.05, 0.3)])
def test_what_an_unsharp_mask_enlarged_is_averaged_too(
    unsharp: float, least: float, most: float
) -> None:
    steady, before, after = Steady(), Flicker(), Flicker()
    for seed in range(12):
        flickering = noisy(scene(), seed, levels=5)
        before.add(scene(), flickering)
        after.add(scene(), steady.add(scene(), flickering, unsharp))
    assert least < after.output / before.output < most


def test_what_moves_is_left_alone() -> None:
    steady = Steady()
    for shift in range(0, 40, 8):
        moving = scene(shift)
        calm = steady.add(moving, moving)
        assert np.array_equal(calm, moving)


def test_the_result_does_not_change_its_input_and_takes_a_larger_size() -> None:
    steady = Steady()
    small, large = scene(), np.repeat(np.repeat(scene(), 2, 0), 2, 1)
    first = large.copy()
    assert np.array_equal(steady.add(small, first), large)
    brighter = noisy(large, 1)
    kept = brighter.copy()
    assert steady.add(small, brighter).shape == large.shape
    assert np.array_equal(brighter, kept)
    assert np.array_equal(first, large)
    other = scene()
    assert np.array_equal(steady.add(other, other), other)  # another size starts afresh


def test_a_frame_that_nobody_changed_is_given_as_it_is() -> None:
    steady = Steady()
    for seed in range(4):
        frame = noisy(scene(), seed)
        assert np.array_equal(steady.add(frame, frame.copy()), frame)


def test_a_segment_depends_on_none_before_it() -> None:
    frames = [(noisy(scene(), seed), noisy(scene(), seed + 50)) for seed in range(6)]
    whole, second = Steady(segment=3), Steady(segment=3)
    results = [whole.add(*pair) for pair in frames]
    for result, pair in zip(results[3:], frames[3:], strict=True):
        assert np.array_equal(result, second.add(*pair))
    assert not np.array_equal(results[5], frames[5][1])
