"""Training of students: recipes, distillation, fine-tuning for 8 bits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ovsharp.extras import on_first_use
from ovsharp.training.recipe import Course, TrainingRecipe
from ovsharp.training.recipe_file import load_recipe, recipe_names

if TYPE_CHECKING:
    from ovsharp.training.distillation import MovingFolders, Trained, train
    from ovsharp.training.journal import Report
    from ovsharp.training.qat import finetune

__all__ = [
    "Course",
    "MovingFolders",
    "Report",
    "Trained",
    "TrainingRecipe",
    "finetune",
    "load_recipe",
    "recipe_names",
    "train",
]


__getattr__ = on_first_use(
    __name__,
    {
        "distillation": ("MovingFolders", "Trained", "train"),
        "journal": ("Report",),
        "qat": ("finetune",),
    },
    "torch",
    "lightning_fabric",
    "torchmetrics",
    "tensorboard",
    extra="train",
)
