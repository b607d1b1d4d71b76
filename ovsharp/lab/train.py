"""`ovsharp train`."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ovsharp.lab.following import (
    bench_line,
    convert_line,
    quantize_line,
    remember_photos,
    ship_line,
)
from ovsharp.terminal import options, write_json

if TYPE_CHECKING:
    from ovsharp.training import Report, Trained, TrainingRecipe


@click.command()
@click.option(
    "--recipe",
    "name",
    required=True,
    metavar="NAME|FILE.toml",
    help="What to train; `ovsharp recipes` lists them.",
)
@options.folder("--data", required=True, what="Folder of sharp images.")
@options.folder(
    "-o", "--output", "out", required=True, what="Folder for checkpoints, log and weights."
)
@options.folder(
    "--val",
    what="Other sharp images to validate on. [default: a tenth of --data, of each category]",
)
@options.folder(
    "--clips",
    what="Sharp videos, for recipes that learn from real motion; a tenth is validated on.",
)
@options.folder(
    "--screens", what="Pictures of screens and pages, for recipes that learn from shared screens."
)
@options.folder(
    "--patches",
    what="Where coded patches are kept, for several trainings. [default: the run's folder]",
)
@click.option("--size", help="fast, balanced or quality, where the recipe has sizes.")
@options.number("--steps", click.IntRange(min=1), "Of the student. [default: what the recipe says]")
@options.number("--teacher-steps", click.IntRange(min=1), "Likewise, of the teacher.")
@options.file("--teacher", what="Weights of a trained teacher: it is not trained here.")
@click.option("--no-teacher", is_flag=True, help="Train the student on the sharp images alone.")
@options.file("--init", what="best.pth of another run, or of a smaller student, to start from.")
@options.file("--vgg", what="Weights of VGG, by torchvision's keys.")
@click.option(
    "--without",
    multiple=True,
    metavar="TERM",
    help="Leave a loss term out, such as one that needs --vgg; repeatable.",
)
@options.file(
    "--qat",
    what="Trained weights that are fine-tuned for 8 bits with the student's loss of the recipe.",
)
@click.option("--resume", is_flag=True, help="Go on with the unfinished run in the folder.")
@options.number(
    "--validate-every",
    click.IntRange(min=1),
    "Steps between two validations and checkpoints.",
    500,
    metavar="N",
)
@options.number(
    "--devices", click.IntRange(1), "GPUs that share the work, or processes where there is none.", 1
)
@options.json_file("the scores of the best weights")
def train(
    name: str,
    data: Path,
    out: Path,
    val: Path | None,
    clips: Path | None,
    screens: Path | None,
    patches: Path | None,
    size: str | None,
    steps: int | None,
    teacher_steps: int | None,
    teacher: Path | None,
    no_teacher: bool,
    init: Path | None,
    vgg: Path | None,
    without: tuple[str, ...],
    qat: Path | None,
    resume: bool,
    validate_every: int,
    devices: int,
    json_file: Path | None,
) -> None:
    """Train a student by a recipe: first its teacher, if it has one, then the student.

    DIR/student.pth is what `ovsharp convert` takes; the best weights by validation SSIM. Ctrl-C
    loses what came after the last validation; --resume goes on from there. On a GPU where there is
    one, else on the CPU.
    """
    import logging

    from ovsharp.errors import UsageError
    from ovsharp.terminal import console
    from ovsharp.training import MovingFolders, finetune, load_recipe
    from ovsharp.training import train as run

    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
    recipe = load_recipe(name)
    if size is not None:
        recipe = recipe.sized(size)
    if no_teacher or qat is not None:
        if teacher is not None or teacher_steps is not None:
            raise UsageError("--teacher and --teacher-steps do not go with --no-teacher or --qat")
        recipe = recipe.alone()
    recipe = _shortened(recipe.without(*without), steps, teacher_steps)
    if qat is not None and (init is not None or resume):
        raise UsageError("--qat starts from its own weights: leave --init and --resume out")
    for weights in filter(None, (teacher, init, vgg, qat)):
        _try(weights)
    with _Bars() as bars:
        if qat is not None:
            done = finetune(
                qat,
                recipe,
                data,
                out,
                val=val,
                moving=MovingFolders(clips, screens, patches),
                vgg=vgg,
                every=validate_every,
                progress=bars.step,
                report=bars.report,
            )
        else:
            done = run(
                recipe,
                data,
                out,
                val=val,
                teacher=teacher,
                init=init,
                resume=resume,
                vgg=vgg,
                devices=devices,
                every=validate_every,
                moving=MovingFolders(clips, screens, patches),
                progress=bars.step,
                report=bars.report,
            )
    if done.rank == 0:
        remember_photos(out, data)
        if json_file is not None:
            write_json(json_file, _figures(done))
        console.output().print(_summary(done, out, data), markup=False, soft_wrap=True)


def _try(weights: Path) -> None:
    """Read weights that a stranger may have made in a process with limits, before this one does.

    Raises:
        ModelLoadError: they are damaged, or too much.
    """
    from ovsharp.cluster import guarded
    from ovsharp.models import try_weights
    from ovsharp.progress import silent

    guarded(try_weights, weights, what=str(weights), progress=silent)


def _shortened(
    recipe: TrainingRecipe, steps: int | None, teacher_steps: int | None
) -> TrainingRecipe:
    from ovsharp.errors import UsageError

    if steps is not None:
        recipe = dataclasses.replace(recipe, student=recipe.student.shortened(steps))
    if teacher_steps is not None:
        if recipe.teacher is None:
            raise UsageError(f"recipe '{recipe.name}' has no teacher: leave --teacher-steps out")
        recipe = dataclasses.replace(recipe, teacher=recipe.teacher.shortened(teacher_steps))
    return recipe


class _Bars:
    """A progress bar for each network, and a line for each validation."""

    def __init__(self) -> None:
        from ovsharp.terminal import console

        self._progress = console.progress()
        self._tasks: dict[str, int] = {}

    def __enter__(self) -> _Bars:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def step(self, name: str, done: int, total: int) -> None:
        """Move the bar of a network."""
        if name not in self._tasks:
            self._tasks[name] = self._progress.add_task(name, total=total)
        self._progress.update(self._tasks[name], completed=done)  # type: ignore[arg-type]

    def report(self, name: str, latest: Report) -> None:
        """Print how a network stands."""
        score = latest.score
        loss = f"loss {sum(latest.losses.values()):.5f}, " if latest.losses else ""
        self._progress.console.print(
            f"{name} step {latest.step:,}: {loss}"
            f"SSIM {score.ssim_in:.4f} -> {score.ssim_out:.4f}, "
            f"PSNR {score.psnr_in:.2f} -> {score.psnr_out:.2f} dB, "
            f"better {score.better:.0%}{', best so far' if latest.best else ''}",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )


def _figures(done: Trained) -> dict[str, Any]:
    student = done.student
    return {
        **dataclasses.asdict(student.score),
        "weights": str(student.weights),
        "device": done.device,
        "skipped": {str(path): why for path, why in student.skipped.items()},
    }


def _summary(done: Trained, out: Path, data: Path) -> str:
    score, skipped = done.student.score, done.student.skipped
    lines = [
        f"best on the validation images: SSIM {score.ssim_in:.4f} -> {score.ssim_out:.4f}, PSNR "
        f"{score.psnr_in:.2f} -> {score.psnr_out:.2f} dB, {score.better:.0%} of the images better",
        f"on {done.device}",
    ]
    if skipped:
        listed = ", ".join(path.name for path in [*skipped][:5])
        lines.append(f"{len(skipped)} images could not be used: {listed}")
    path = done.student.weights
    float_model, int8_model = (
        path.with_name(f"{path.stem}-{storage}.xml") for storage in ("fp32", "int8")
    )
    lines += [
        f"next: {ship_line(path, data, out / 'shipped')}",
        "or, step by step:",
        convert_line(path),
        quantize_line(data, float_model),
        bench_line(float_model, int8_model),
    ]
    return "\n".join(lines)
