"""Optimizers and learning rates of a stage, all of them torch's own."""

from __future__ import annotations

from collections.abc import Iterable

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


def optimizer_of(course: Course, stage: Stage, parameters: Iterable[nn.Parameter]) -> Optimizer:
    """Make a new optimizer, as each stage gets one."""
    kind = {"adam": Adam, "adamw": AdamW}[course.optimizer]
    optimizer: Optimizer = kind(parameters, lr=stage.rate, weight_decay=course.weight_decay)
    return optimizer


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
