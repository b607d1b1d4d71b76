"""Quantization-aware fine-tuning: a trained student learns to live with 8 bits.

NNCF puts quantizers into the network; training goes on with what they leave; they are taken out
again, and `convert` and `quantize` make the INT8 model from the weights, as from any others.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import nn

from ovsharp.degrade import parse
from ovsharp.errors import UsageError
from ovsharp.extras import need
from ovsharp.models import load_network
from ovsharp.progress import Progress, silent
from ovsharp.training.distillation import Trained, material_of, precision_of
from ovsharp.training.fit import WEIGHTS, Material, fit
from ovsharp.training.images import Images
from ovsharp.training.journal import Report
from ovsharp.training.network import unit
from ovsharp.training.patches import Patches, border
from ovsharp.training.recipe import Course, Schedule, Stage, TrainingRecipe

RATE = 0.1
"""Learning rate as a share of that of the recipe's last stage."""

CALIBRATION = 64
"""Patches that the first ranges are found on."""

_QUANTIZERS = "__nncf"
"""What NNCF's own entries of a state dictionary start with."""


def finetune(
    weights: Path,
    recipe: TrainingRecipe,
    data: Path,
    out: Path,
    *,
    val: Path | None = None,
    vgg: Path | None = None,
    every: int = 500,
    progress: Progress = silent,
    report: Callable[[str, Report], None] = silent,
) -> Trained:
    """Fine-tune trained weights for 8 bits, on the last stage of a recipe.

    What is validated is the quantized network, as PyTorch simulates it. The first run on a machine
    compiles NNCF's operations, which takes a minute or two and a C++ compiler.

    Args:
        weights: a checkpoint of the recipe's student.
        recipe: its losses, its last degradation and a tenth of its last rate are taken.
        data: folder of sharp images.
        out: folder for the run; `student.pth` in it has the layout of `weights` in deployed form.
        val: folder of other sharp images to validate on; without it a tenth of `data`.
        vgg: weights of VGG, for recipes with perceptual terms.
        every: steps between two validations.
        progress: told of every step.
        report: told of every validation.

    Raises:
        MissingExtraError: NNCF is not installed.
        UsageError: `out` holds a run already, or the weights are of another architecture.
        TrainingError: no usable image, or a loss that is no number.
    """
    need("nncf", extra="quantize")
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
    fabric = Fabric(accelerator="auto", devices=1, precision=precision_of())
    material = material_of(data, val)
    network = _quantized(loaded.module, course, material)
    fitted = fit(
        course,
        material,
        out,
        fabric,
        network=network,
        deployed=_plain,
        vgg=vgg,
        every=every,
        progress=progress,
        report=lambda latest: report("student", latest),
    )
    return Trained(fitted, None, f"{fabric.device}, {precision_of()}, quantizers by NNCF")


def _quantized(network: nn.Module, course: Course, material: Material) -> nn.Module:
    # NNCF sends usage data unless this is set when it is first imported, and it gives up waiting
    # for the compiler after a minute.
    os.environ.setdefault("NNCF_CI", "1")
    os.environ.setdefault("NNCF_EXTENSION_LOAD_TIMEOUT", "0")
    import nncf

    stage: Stage = course.stages[0]
    recipe = parse(stage.degrade)
    images = Images(material.val, smallest=course.patch + 2 * border(recipe.scale))
    patches = Patches(images, recipe, patch=course.patch, count=CALIBRATION, seed=course.seed)
    enlarges = recipe.scale > 1

    def seen(item: int) -> Any:
        batch = patches[item]
        pictures = [unit(picture[None]) for picture in (batch.damaged, batch.base)]
        return tuple(pictures) if enlarges else pictures[0]

    quantized: nn.Module = nncf.quantize(
        network.train(),
        nncf.Dataset(list(range(CALIBRATION)), seen),
        preset=nncf.QuantizationPreset.PERFORMANCE,
        subset_size=CALIBRATION,
        fast_bias_correction=True,
    )
    return quantized


def _plain(network: nn.Module) -> dict[str, torch.Tensor]:
    """Give the weights without NNCF's quantizers."""
    return {k: v for k, v in network.state_dict().items() if not k.startswith(_QUANTIZERS)}
