"""Optimizers and learning rates of a stage."""

from __future__ import annotations

from collections.abc import Iterable

from pytorch_optimizer import SOAP
from torch import nn
from torch.optim import Adam, AdamW, Optimizer
from torch.optim.lr_scheduler import (
    CosineAnnealingLR,
    LinearLR,
    LRScheduler,
    OneCycleLR,
    ReduceLROnPlateau,
    SequentialLR,
    StepLR,
)

from ovsharp.training.recipe import Course, Schedule, Stage

_WARM = 0.01
_LARGEST = 1024
"""Sides of a weight above it are not decorrelated: that takes time with their third power."""


def optimizer_of(course: Course, stage: Stage, parameters: Iterable[nn.Parameter]) -> Optimizer:
    """Make a new optimizer, as each stage gets one."""
    if course.optimizer == "soap":
        return _soap(parameters, stage.rate, course.weight_decay)
    kind = {"adam": Adam, "adamw": AdamW}[course.optimizer]
    optimizer: Optimizer = kind(parameters, lr=stage.rate, weight_decay=course.weight_decay)
    return optimizer


def _soap(parameters: Iterable[nn.Parameter], rate: float, weight_decay: float) -> Optimizer:
    """Make Adam in the eigenbases of each layer's gradients (Vyas et al. 2024, arXiv 2409.11321).

    A convolution's weight is seen as a matrix, output channels x all else, by merging sides up to
    its longer side. Students are small enough for both bases: a step costs hardly more than Adam's,
    and learns what takes Adam ten and more of them (docs/TRAINING.md).
    """
    groups = []
    for weight in parameters:
        rows, row = (len(weight), weight[0].numel()) if weight.dim() else (1, 1)
        # 4.1.0 merges what fits as a whole to a single value, and fails.
        merged = rows > 1 and row > 1
        longer = min(_LARGEST, max(rows, row))
        groups.append({"params": [weight], "merge_dims": merged, "max_precondition_dim": longer})
    return SOAP(groups, lr=rate, weight_decay=weight_decay)


def schedule_of(schedule: Schedule, stage: Stage, optimizer: Optimizer) -> LRScheduler:
    """Make the schedule of a stage.

    `ReduceLROnPlateau` is to be told of each validation, the others of each step.
    """
    if schedule.name == "plateau":
        return ReduceLROnPlateau(
            optimizer, mode="max", factor=schedule.factor, patience=schedule.patience
        )
    if schedule.name == "one-cycle":
        return OneCycleLR(optimizer, max_lr=stage.rate, total_steps=stage.steps)
    warmup = min(schedule.warmup, stage.steps - 1)
    main: LRScheduler
    if schedule.name == "cosine":
        main = CosineAnnealingLR(optimizer, stage.steps - warmup)
    else:
        every = schedule.every if schedule.name == "step" else stage.steps + 1
        main = StepLR(optimizer, every, schedule.factor)
    if not warmup:
        return main
    rising = LinearLR(optimizer, _WARM, total_iters=warmup)
    return SequentialLR(optimizer, [rising, main], [warmup])
