"""What a model does to damaged pictures: their figures before it and after it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from ovsharp.engine import Frame, upscale
from ovsharp.quality import capped_psnr, ssim


@dataclass(frozen=True)
class BeforeAfter:
    """Means over pictures; before is the input, or its bicubic upscale."""

    images: int
    ssim: tuple[float, float]
    psnr: tuple[float, float]
    better: float
    """Share of the pictures whose SSIM rose."""
    not_worse: float
    worst: float
    """Change of SSIM of the picture that lost most, or gained least."""


def before_after(
    model: Callable[[Frame], Frame], pairs: Iterable[tuple[Frame, Frame]], scale: int
) -> BeforeAfter:
    """Score a model on damaged pictures and their truths."""
    rows = []
    for damaged, truth in pairs:
        pictures = upscale(damaged, scale), model(damaged)
        rows.append([score(one, truth) for score in (ssim, capped_psnr) for one in pictures])
    table = np.array(rows)
    means, change = table.mean(axis=0), table[:, 1] - table[:, 0]
    return BeforeAfter(
        images=len(table),
        ssim=(means[0], means[1]),
        psnr=(means[2], means[3]),
        better=float(np.mean(change > 0)),
        not_worse=float(np.mean(change >= 0)),
        worst=float(change.min()),
    )
