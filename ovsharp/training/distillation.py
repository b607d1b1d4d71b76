"""From a recipe and a folder of sharp images to a trained student."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

import torch
from lightning_fabric import Fabric
from torch import nn

from ovsharp.errors import UsageError
from ovsharp.media import find_images, find_videos
from ovsharp.models import collapse
from ovsharp.progress import Progress, silent
from ovsharp.training.clips import split_clips
from ovsharp.training.feed import Material
from ovsharp.training.fit import (
    CHECKPOINT,
    WEIGHTS,
    Fitted,
    collapsed,
    fit,
)
from ovsharp.training.images import split
from ovsharp.training.journal import Report
from ovsharp.training.network import build, start_from
from ovsharp.training.perceptual import VggFeatures
from ovsharp.training.recipe import Course, TrainingRecipe
from ovsharp.training.teacher import Lessons, Teacher, View

VAL_SHARE = 0.1
"""Share of the images that are validated on where no other folder is given."""


@dataclass(frozen=True)
class Trained:
    """A finished training."""

    student: Fitted
    teacher: Fitted | None
    """None where there is no teacher, or where its weights were given."""
    device: str
    """What it ran on and in which precision."""
    rank: int = 0
    """Which of several processes this is; all of them come to this end."""


def train(
    recipe: TrainingRecipe,
    data: str | Path,
    out: str | Path,
    *,
    val: str | Path | None = None,
    teacher: str | Path | None = None,
    init: str | Path | None = None,
    resume: bool = False,
    vgg: str | Path | None = None,
    devices: int = 1,
    every: int = 500,
    moving: MovingFolders | None = None,
    progress: Progress = silent,
    report: Callable[[str, Report], None] = silent,
) -> Trained:
    """Train the student of a recipe, and before it its teacher if it has one.

    On the CPU in bfloat16 autocast if it has instructions for that, else in float32; on a GPU,
    where there is one, in the mixed precision that it has. Each course writes `checkpoint.pth`,
    `best.pth`, `log.jsonl` and TensorBoard's events while
    it runs, and `student.pth` in deployed form when it is done: those of the student into `out`,
    those of the teacher into `out`/teacher.

    Args:
        recipe: see `load_recipe`.
        data: folder of sharp images.
        out: folder for the run.
        val: folder of other sharp images to validate on; without it a tenth of `data`.
        teacher: weights of a trained teacher.
        init: weights that the student starts from.
        resume: go on with the unfinished run in `out`.
        vgg: weights of VGG, for recipes with perceptual terms.
        devices: number of GPUs, or of processes on the CPU.
        every: steps between two validations and checkpoints.
        moving: folders of clips and screens, for recipes with `moving`.
        progress: told of every step: what is trained, the steps done and in all.
        report: told of every validation: what is trained, and how it stands.

    Raises:
        UsageError: `out` holds a run and `resume` was not given, or something does not fit.
        TrainingError: no usable image, or a loss that is no number.
        MediaError: a folder is missing or has no image.

    Example:
        >>> from ovsharp.training import load_recipe, train
        >>> recipe = load_recipe("sharp").sized("fast")
        >>> done = train(recipe, "photos", "runs/fast")  # doctest: +SKIP
        >>> done.student.weights  # doctest: +SKIP
        PosixPath('runs/fast/student.pth')
    """
    data, out = Path(data), Path(out)
    val, teacher, init, vgg = (
        None if path is None else Path(path) for path in (val, teacher, init, vgg)
    )
    if not resume and any((out / name).exists() for name in (CHECKPOINT, WEIGHTS)):
        raise UsageError(
            f"{out} holds a run already: go on with it with --resume, or choose another folder"
        )
    if teacher is not None and recipe.teacher is None:
        raise UsageError(f"recipe '{recipe.name}' has no teacher: leave the teacher's weights out")
    for term in recipe.perceptual:
        VggFeatures(term, vgg)  # says what is missing before hours of training a teacher
    fabric = Fabric(accelerator="auto", devices=devices, precision=precision_of())
    fabric.launch()
    material = material_of(recipe.student, data, val, moving)
    taught, lessons = None, None
    if recipe.teacher is not None and recipe.distillation is not None:
        weights = teacher
        if weights is None:
            taught = fit(
                recipe.teacher,
                material,
                out / "teacher",
                fabric,
                network=View(build(recipe.teacher), recipe.distillation.sees),
                deployed=_viewed,
                resume=resume,
                vgg=vgg,
                every=every,
                name="teacher",
                progress=progress,
                report=lambda latest: report("teacher", latest),
            )
            weights = taught.weights
        network = collapse(build(recipe.teacher))[0]
        start_from(network, weights)
        lessons = Lessons(Teacher(network, recipe.distillation.sees), recipe.distillation)
    student = build(recipe.student)
    seen = start_from(student, init) if init is not None else None
    fitted = fit(
        recipe.student,
        material,
        out,
        fabric,
        lessons=lessons,
        network=student,
        seen=seen,
        resume=resume,
        vgg=vgg,
        every=every,
        progress=progress,
        report=lambda latest: report("student", latest),
    )
    return Trained(
        fitted,
        taught,
        f"{fabric.device} x {fabric.world_size}, {precision_of()}",
        fabric.global_rank,
    )


@dataclass(frozen=True)
class MovingFolders:
    """Where clips and screens are."""

    clips: Path | None = None
    """Sharp videos; a tenth of them is validated on."""
    screens: Path | None = None
    """Pictures of screens and pages."""
    patches: Path | None = None
    """Where coded patches are kept, so that several trainings share them."""

    def added_to(self, material: Material, course: Course) -> Material:
        """Give the material with them.

        Raises:
            UsageError: the course asks for clips or screens, and no folder was given.
            MediaError: a folder is empty.
        """
        for kind, folder in (("clips", self.clips), ("screens", self.screens)):
            if course.moving.get(kind) and folder is None:
                raise UsageError(f"the recipe learns from {kind}: name a folder with --{kind} DIR")
        taught, held = split_clips(find_videos(self.clips)) if self.clips else ([], [])
        screens = find_images([self.screens]) if self.screens else []
        return dataclasses.replace(
            material,
            clips=tuple(taught),
            val_clips=tuple(held),
            screens=tuple(screens),
            patches=self.patches,
        )


def _viewed(view: nn.Module) -> dict[str, torch.Tensor]:
    """Give the weights of the network in a `View`."""
    return collapsed(cast("View", view).network)


def material_of(
    course: Course, data: Path, val: Path | None, moving: MovingFolders | None
) -> Material:
    """Find the images to train on and those to validate on, and clips and screens if it has any."""
    if val is None:
        material = Material(*split(data, share=VAL_SHARE))
    else:
        material = Material(find_images([data]), find_images([val]))
    return (moving or MovingFolders()).added_to(material, course) if course.moving else material


def precision_of() -> Literal["16-mixed", "bf16-mixed", "32-true"]:
    """Name the fastest precision of the device that trains well, as Fabric calls it."""
    if torch.cuda.is_available():
        return "bf16-mixed" if torch.cuda.is_bf16_supported() else "16-mixed"
    # Without instructions for it, a CPU computes bfloat16 more slowly than float32. These are the
    # questions that PyTorch's own compiler asks; there is no public one.
    # https://github.com/pytorch/pytorch/blob/main/torch/cpu/__init__.py
    fast = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return "bf16-mixed" if fast else "32-true"
