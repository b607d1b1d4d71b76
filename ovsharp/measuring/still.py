"""Scenes where nothing moves, and how much of their grain a model lets through."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ovsharp.engine import Frame, upscale
from ovsharp.measuring.photos import Photo
from ovsharp.quality import Flicker

STILL_PHOTOS = 4
"""Photos that are made still scenes of, at most."""
STILL_FRAMES = 3
GRAIN = 1.5
"""Standard deviation of a still scene's grain, in levels of 255: that of a good camera."""


def still_scene(photo: Photo) -> list[Photo]:
    """Make a photo a video where nothing moves: only its grain changes from frame to frame.

    Returns:
        `STILL_FRAMES` frames, equal for all models that get the same photo.
    """
    scale = photo.shown.shape[0] // photo.frame.shape[0]
    frames = []
    for index in range(STILL_FRAMES):
        grain = np.random.default_rng(index).normal(0, GRAIN, photo.frame.shape)
        frame = np.clip(np.rint(photo.frame + grain), 0, 255).astype(np.uint8)
        frames.append(Photo(photo.name, frame, upscale(frame, scale), photo.truth))
    return frames


def flicker(scenes: Sequence[Sequence[Photo]], outputs: Sequence[Frame]) -> float | None:
    """Measure what a model makes of the grain of still scenes.

    Args:
        scenes: from `still_scene`.
        outputs: of all their frames, one scene after the other.

    Returns:
        Mean of the scenes' ratios of output to input (its upscale); None where no grain shows.
    """
    left = iter(outputs)
    ratios = []
    for scene in scenes:
        measured = Flicker()
        for photo in scene:
            measured.add(photo.shown, next(left))
        if measured.ratio is not None:
            ratios.append(measured.ratio)
    return float(np.mean(ratios)) if ratios else None
