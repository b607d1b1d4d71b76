"""How good the pictures of every row are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ovsharp.engine import Frame, upscale
from ovsharp.measuring.photos import Photo
from ovsharp.measuring.results import PhotoScore, Quality
from ovsharp.quality import Flicker, capped_psnr, ssim

STILL_PHOTOS = 4
"""Photos that are made still scenes of, at most."""
STILL_FRAMES = 3
GRAIN = 1.5
"""Standard deviation of a still scene's grain, in levels of 255: that of a good camera."""


@dataclass(frozen=True)
class Baseline:
    """What a model's photos are worth before the model touches them: the same for all rows."""

    ssim: tuple[float, ...]
    psnr: tuple[float, ...]

    @classmethod
    def of(cls, photos: Sequence[Photo]) -> Baseline:
        """Score the inputs of a model against the truth."""
        return cls(
            tuple(ssim(photo.shown, photo.truth) for photo in photos),
            tuple(capped_psnr(photo.shown, photo.truth) for photo in photos),
        )


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
    return _mean(ratios) if ratios else None


def score(
    photos: Sequence[Photo],
    outputs: Sequence[Frame],
    baseline: Baseline,
    reference: Sequence[Frame] | None,
    flicker: float | None,
) -> Quality:
    """Score a row's outputs.

    Args:
        photos: of its model.
        outputs: the row's, in their order.
        baseline: scores of the same photos' inputs.
        reference: outputs of FP32 executed in f32, or None if there is no such row.
        flicker: the row's, as the function of that name gives it.
    """
    scores = tuple(
        PhotoScore(
            name=photo.name,
            ssim=ssim(output, photo.truth),
            psnr=capped_psnr(output, photo.truth),
            input_ssim=input_ssim,
            input_psnr=input_psnr,
        )
        for photo, output, input_ssim, input_psnr in zip(
            photos, outputs, baseline.ssim, baseline.psnr, strict=True
        )
    )
    return Quality(
        images=len(scores),
        ssim=_mean([item.ssim for item in scores]),
        ssim_std=_std([item.ssim for item in scores]),
        psnr=_mean([item.psnr for item in scores]),
        input_ssim=_mean(baseline.ssim),
        input_ssim_std=_std(baseline.ssim),
        input_psnr=_mean(baseline.psnr),
        improved=_mean([float(item.ssim > item.input_ssim) for item in scores]),
        reference_psnr=None
        if reference is None
        else _mean(list(map(capped_psnr, outputs, reference))),
        flicker=flicker,
        photos=scores,
    )


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))


def _std(values: Sequence[float]) -> float:
    return float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
