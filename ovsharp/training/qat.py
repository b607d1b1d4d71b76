"""Quantization-aware fine-tuning: a trained student learns to live with 8 bits.

The input and the weights of each convolution are rounded; training goes on with what that leaves;
then `convert` and `quantize` make the INT8 model from the weights, as from any others.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

from lightning_fabric import Fabric

from ovsharp.errors import UsageError
from ovsharp.models import load_network
from ovsharp.progress import Progress, silent
from ovsharp.training.distillation import MovingFolders, Trained, material_of
from ovsharp.training.eight_bits import plain_weights, to_eight_bits
from ovsharp.training.fit import WEIGHTS, fit
from ovsharp.training.journal import Report
from ovsharp.training.recipe import Schedule, TrainingRecipe

RATE = 0.3
"""Learning rate as a share of that of the recipe's last stage."""


def finetune(
    weights: str | Path,
    recipe: TrainingRecipe,
    data: str | Path,
    out: str | Path,
    *,
    val: str | Path | None = None,
    moving: MovingFolders | None = None,
    vgg: str | Path | None = None,
    every: int = 500,
    progress: Progress = silent,
    report: Callable[[str, Report], None] = silent,
) -> Trained:
    """Fine-tune trained weights for 8 bits, on the last stage of a recipe.

    What is validated is the rounded network, as PyTorch simulates it, in float32.

    Args:
        weights: a checkpoint of the recipe's student.
        recipe: its losses, its last degradation and a share (`RATE`) of its last rate are taken.
        data: folder of sharp images.
        out: folder for the run; `student.pth` in it has the layout of `weights` in deployed form.
        val: folder of other sharp images to validate on; without it a tenth of `data`.
        moving: folders of clips and screens, for recipes with `moving`.
        vgg: weights of VGG, for recipes with perceptual terms.
        every: steps between two validations.
        progress: told of every step.
        report: told of every validation.

    Raises:
        UsageError: `out` holds a run already, or the weights are of another architecture.
        TrainingError: no usable image, or a loss that is no number.
    """
    data, out = Path(data), Path(out)
    val, vgg = (None if path is None else Path(path) for path in (val, vgg))
    if (out / WEIGHTS).exists():
        raise UsageError(f"{out} holds a run already: choose another folder")
    loaded = load_network(weights, architecture=recipe.student.architecture)
    last = recipe.student.stages[-1]
    course = dataclasses.replace(
        recipe.student,
        arguments=loaded.arguments,
        stages=(dataclasses.replace(last, steps=recipe.student.steps, rate=last.rate * RATE),),
        schedule=Schedule("cosine"),
        ema=0.0,
    )
    # bfloat16 has fewer bits than the 256 levels that are learned.
    fabric = Fabric(accelerator="auto", devices=1, precision="32-true")
    material = material_of(course, data, val, moving)
    network = to_eight_bits(loaded.module.train().requires_grad_(True))
    fitted = fit(
        course,
        material,
        out,
        fabric,
        network=network,
        seen=loaded.pixels,
        deployed=plain_weights,
        vgg=vgg,
        every=every,
        progress=progress,
        report=lambda latest: report("student", latest),
    )
    return Trained(fitted, None, f"{fabric.device}, float32 rounded to 8 bits")
