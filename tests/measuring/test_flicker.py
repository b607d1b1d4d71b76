"""The benchmark's still scenes: what adds flicker is told from what takes it away."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from ovsharp.engine import Frame, upscale
from ovsharp.measuring.photos import Photo
from ovsharp.measuring.still import STILL_FRAMES, flicker, still_scene
from tests.photos import crop


def photo(scale: int = 1) -> Photo:
    truth = crop(0, 0, 128, 128)
    frame = np.ascontiguousarray(truth[::scale, ::scale])
    return Photo("astronaut", frame, upscale(frame, scale), truth)


def measured(change: Callable[[Frame], Frame], scale: int = 1) -> float | None:
    scenes = [still_scene(photo(scale)), still_scene(photo(scale))]
    return flicker(scenes, [change(frame.frame) for scene in scenes for frame in scene])


def test_scene_stands_still_but_for_its_grain() -> None:
    scene = still_scene(photo())
    assert len(scene) == STILL_FRAMES
    first, second = (frame.frame.astype(int) for frame in scene[:2])
    assert 1 < np.abs(first - second).mean() < 3
    assert np.array_equal(scene[0].frame, still_scene(photo())[0].frame)


def test_doing_nothing_adds_no_flicker() -> None:
    assert measured(lambda frame: frame) == 1.0


@pytest.mark.parametrize("scale", [2, 4])
def test_an_upscaler_is_compared_with_the_upscale(scale: int) -> None:
    assert measured(lambda frame: upscale(frame, scale), scale) == 1.0


def test_contrast_enlarges_flicker_and_blur_lowers_it() -> None:
    def contrast(frame: Frame) -> Frame:
        return np.clip(2.0 * frame - 128, 0, 255).astype(np.uint8)

    def blur(frame: Frame) -> Frame:
        return np.asarray(cv2.GaussianBlur(frame, (5, 5), 1.5), np.uint8)

    more, less = measured(contrast), measured(blur)
    assert more is not None and more > 1.3
    assert less is not None and less < 0.5
