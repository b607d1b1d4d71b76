"""Shared screens that move: pages that scroll, windows that are dragged, a pointer, typing.

A screen changes by whole pixels and stands still in between, so such clips can be made exactly
from pictures of screens and pages.
"""

from __future__ import annotations

import cv2
import numpy as np

from ovsharp.media import Frame

_STILL, _SCROLL, _WINDOW, _TYPE, _SLIDE = range(5)


def screen_clip(
    image: Frame, other: Frame, rng: np.random.Generator, *, frames: int, height: int, width: int
) -> list[Frame]:
    """Make a clip of a shared screen.

    Args:
        image: uint8, H x W x 3, BGR, what is shown; at least `height` x `width`.
        other: likewise, of any size: what comes as a window or as the next slide.
        rng: draws what happens.
        frames: how many.
        height: of the clip in pixels.
        width: likewise.

    Returns:
        uint8 frames, height x width x 3.

    Example:
        >>> page = np.full((90, 120, 3), 255, np.uint8)
        >>> clip = screen_clip(page, page, np.random.default_rng(1), frames=3, height=64, width=96)
        >>> len(clip), clip[0].shape
        (3, (64, 96, 3))
    """
    top = int(rng.integers(image.shape[0] - height + 1))
    left = int(rng.integers(image.shape[1] - width + 1))
    event = int(rng.choice(5, p=(0.2, 0.35, 0.2, 0.15, 0.1)))
    speed = int(rng.integers(1, 25)) * (1 if rng.random() < 0.5 else -1)
    window = _shown(other, int(rng.integers(height // 4, height)), width // 2)
    place = rng.integers((1, 1), (max(2, height // 2), max(2, width // 2)))
    step = rng.integers(-8, 9, size=2)
    pointer = rng.integers((0, 0), (height, width))
    drift = rng.integers(-6, 7, size=2) * int(rng.random() < 0.5)
    change = int(rng.integers(frames))
    clip = []
    for index in range(frames):
        y = top
        if event == _SCROLL:
            y = int(np.clip(top + speed * index, 0, image.shape[0] - height))
        shown = np.ascontiguousarray(image[y : y + height, left : left + width])
        if event == _WINDOW:
            _paste(shown, window, place + step * index)
        elif event == _TYPE:
            _type(shown, place, index)
        elif event == _SLIDE and index >= change:
            _paste(shown, _shown(other, height, width), np.zeros(2, int))
        _point(shown, pointer + drift * index)
        clip.append(shown)
    return clip


def _shown(picture: Frame, height: int, width: int) -> Frame:
    return np.ascontiguousarray(picture[:height, :width])


def _paste(shown: Frame, window: Frame, place: np.ndarray) -> None:
    y, x = (int(value) for value in np.maximum(place, 0))
    part = shown[y : y + window.shape[0], x : x + window.shape[1]]
    part[:] = window[: part.shape[0], : part.shape[1]]


def _type(shown: Frame, place: np.ndarray, index: int) -> None:
    text = "The quick brown fox jumps over the lazy dog"[: 2 + index]
    y, x = int(place[0]) + 12, int(place[1])
    cv2.rectangle(shown, (x - 4, y - 14), (x + 260, y + 6), (255, 255, 255), -1)
    cv2.putText(shown, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (20, 20, 20), 1, cv2.LINE_AA)


def _point(shown: Frame, place: np.ndarray) -> None:
    y, x = (int(value) for value in place)
    outline = np.array([(x, y), (x, y + 16), (x + 4, y + 12), (x + 11, y + 11)], np.int32)
    cv2.fillPoly(shown, [outline], (255, 255, 255))
    cv2.polylines(shown, [outline], True, (0, 0, 0), 1)
