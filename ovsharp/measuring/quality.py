"""How good the pictures of every row are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ovsharp.engine import Frame
from ovsharp.measuring.photos import Photo
from ovsharp.measuring.results import PhotoScore, Quality
from ovsharp.quality import capped_psnr, ssim


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
        flicker: the row's, as `ovsharp.measuring.flicker` gives it.
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
