"""Training of students: recipes, distillation, fine-tuning for 8 bits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ovsharp.training.recipe import Course, TrainingRecipe, load_recipe, recipe_names

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


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'ovsharp.training' has no attribute '{name}'")
    from ovsharp.extras import need

    need("torch", "lightning_fabric", "torchmetrics", "tensorboard", extra="train")
    from ovsharp.training.distillation import MovingFolders, Trained, train
    from ovsharp.training.journal import Report
    from ovsharp.training.qat import finetune

    return {
        "MovingFolders": MovingFolders,
        "Report": Report,
        "Trained": Trained,
        "finetune": finetune,
        "train": train,
    }[name]
