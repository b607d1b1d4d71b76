"""`ovsharp recipes`: what can be trained by name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ovsharp.terminal import options, write_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ovsharp.training import Course, TrainingRecipe


_WIDTH = 80
_OURS = "ovsharp's own: "


@click.command()
@click.argument("name", required=False)
@options.json_file("them")
def recipes(name: str | None, json_file: Path | None) -> None:
    """List the training recipes, or show one in full.

    NAME is one of them, or a file that ends in .toml.
    """
    import dataclasses

    from ovsharp.terminal import console
    from ovsharp.training import load_recipe, recipe_names

    chosen = [load_recipe(entry) for entry in ([name] if name else recipe_names())]
    out = console.output()
    if json_file is not None:
        write_json(json_file, [dataclasses.asdict(recipe) for recipe in chosen])
    if name:
        out.print("\n".join(_lines(chosen[0])), markup=False, soft_wrap=True)
    else:
        from rich.table import Table

        # The networks are in what `ovsharp recipes NAME` shows.
        table = Table(box=None, width=_WIDTH)
        table.add_column("recipe", no_wrap=True)
        table.add_column("steps", justify="right", no_wrap=True)
        table.add_column("what it is")
        for recipe in chosen:
            sizes = f"; sizes {', '.join(recipe.sizes)}" if recipe.sizes else ""
            steps = f"{recipe.student.steps:,}"
            table.add_row(recipe.name, steps, recipe.summary.removeprefix(_OURS) + sizes)
        out.print(table)


def _lines(recipe: TrainingRecipe) -> Iterator[str]:
    yield f"{recipe.name}: {recipe.summary}"
    yield from _course("student", recipe.student)
    for name, size in recipe.sizes.items():
        rate = f", rate {size.rate:g}" if size.rate else ""
        yield f"  size {name}: {_pairs(size.arguments)}{rate}"
    if recipe.teacher is not None and recipe.distillation is not None:
        yield from _course("teacher", recipe.teacher)
        yield f"distillation: the teacher sees the {recipe.distillation.sees}"
        yield f"  loss against its picture: {_pairs(recipe.distillation.loss)}"
        for pair in recipe.distillation.features:
            yield (
                f"  layer {pair.student} learns from its {pair.teacher}: "
                f"{pair.weight:g} {pair.loss}"
            )


def _course(title: str, course: Course) -> Iterator[str]:
    yield f"{title}: {course.architecture} {_pairs(course.arguments)}".rstrip()
    yield f"  loss: {_pairs(course.loss)}"
    yield (
        f"  batches of {course.batch} patches of {course.patch}x{course.patch}, "
        f"{course.optimizer}, {course.schedule.name} schedule"
    )
    for number, stage in enumerate(course.stages, 1):
        pruned = f", {stage.prune:.0%} of the weights zero" if stage.prune else ""
        yield f"  stage {number}: {stage.steps:,} steps, rate {stage.rate:g}{pruned}"
        yield f"    on {stage.degrade}"


def _pairs(values: Mapping[str, object]) -> str:
    return ", ".join(f"{key} {value}" for key, value in values.items())
