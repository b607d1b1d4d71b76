"""What a model seems made for, where nobody says: the damage that it undoes best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import openvino as ov

from ovsharp.calibration.images import sample
from ovsharp.calibration.judge import Judge, Quality
from ovsharp.degrade import RECIPES, Recipe, parse
from ovsharp.errors import MissingExtraError
from ovsharp.progress import Progress, silent
from ovsharp.spec import ModelSpec

CROPS = 8
"""Crops that a model is tried on with each damage."""
LEAST = 0.002
"""What a model must gain in SSIM before it is said to be made for a damage."""

_SINGLE = (
    *("blur(kernel=7, sigma=1..2)", "motion_blur(length=4..9, angle=0..180)"),
    *("noise(sigma=5..15)", "jpeg(quality=10..40)", "h264(crf=30..40)"),
)
"""What is tried beside the named recipes."""


@dataclass(frozen=True)
class Trial:
    """What a model makes of one damage."""

    recipe: str
    """A name, or the text of a recipe."""
    before: Quality
    """Of the damaged crops."""
    after: Quality
    """Of what the model makes of them."""
    worse: int
    """On how many crops the model is worse than its input."""
    crops: int

    @property
    def text(self) -> str:
        """Say what the model gains, in words."""
        return (
            f"{self.recipe} (SSIM {self.before.ssim:.4f} -> {self.after.ssim:.4f}, "
            f"{self.crops} crops, worse on {self.worse})"
        )

    @property
    def gain(self) -> float:
        """In SSIM."""
        return self.after.ssim - self.before.ssim


def likely(trials: Sequence[Trial]) -> Trial | None:
    """Give the damage that a model seems made for; None where it gains on none."""
    return trials[0] if trials and trials[0].gain >= LEAST else None


def recipes_for(scale: int) -> list[Recipe]:
    """Give the damages that a model of a scale can be tried on.

    Example:
        >>> [recipe.name for recipe in recipes_for(4)]
        ['dynamic-duo', 'x4']
    """
    named = [parse(text) for text in (*RECIPES, *_SINGLE)]
    return [recipe for recipe in named if recipe.text and recipe.scale == scale]


def try_damages(
    model: ov.Model,
    spec: ModelSpec,
    data: Path,
    *,
    device: str = "CPU",
    progress: Progress = silent,
) -> tuple[Trial, ...]:
    """Run a model on sharp images with every damage of its scale.

    Args:
        model: in floating point; run in f32.
        spec: of the model.
        data: folder of sharp images, or a video.
        device: to run on.
        progress: told of every damage.

    Returns:
        The damages, that first which it gains most on. Video codecs are left out without PyAV.

    Raises:
        CalibrationError: no readable image.
        InferenceError: OpenVINO cannot run the model.
    """
    trials = []
    recipes = recipes_for(spec.scale)
    for number, recipe in enumerate(recipes):
        progress("finding the damage", number, len(recipes))
        try:
            crops = sample(data, recipe, spec, count=CROPS)
        except MissingExtraError:
            continue
        judge = Judge(model, spec, crops, device)
        trials.append(Trial(recipe.name, judge.before, judge.parent, judge.worse, len(crops)))
    progress("finding the damage", len(recipes), len(recipes))
    return tuple(sorted(trials, key=lambda trial: -trial.gain))
