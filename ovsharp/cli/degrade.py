"""`ovsharp degrade`: pairs of damaged and sharp images, for training and measuring."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ovsharp.cli import console, options
from ovsharp.errors import MediaError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

MANIFEST = "manifest.json"


@click.command()
@click.argument("inputs", metavar="IN...", nargs=-1, required=True)
@options.folder(
    "-o", "--output", required=True, what="Folder for input/, target/ and the manifest."
)
@click.option(
    "--recipe",
    "text",
    default="call",
    show_default=True,
    help="A name, or damages such as 'blur(sigma=1..2) + jpeg(quality=20)'.",
)
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True)
@click.option(
    "--teacher",
    is_flag=True,
    help="Also write teacher/: the damaged images enlarged by bicubic to the size of the target.",
)
def degrade(inputs: tuple[str, ...], output: Path, text: str, seed: int, teacher: bool) -> None:
    """Damage images as a bad call does, and write aligned pairs.

    IN are sharp images, folders and globs. Each becomes DIR/input/NAME.png and
    DIR/target/NAME.png, which `quantize`, `bench` and `eval` take as they are; the manifest says
    how each was made. The same recipe and seed give the same pixels, whatever else is in the
    folder. Run again after an interruption: finished pairs are not made twice.

    Recipes: call (default), clean, gla, edsr, visionarv, dynamic-duo, synergy, x2, x3, x4.
    """
    from ovsharp.degrade import TARGET, TEACHER, parse, write_pair
    from ovsharp.files import staged

    recipe = parse(text)
    header = {"recipe": recipe.text, "scale": recipe.scale, "seed": seed, "teacher": teacher}
    done = _finished(output, header)
    made: list[dict[str, Any]] = []
    failures: list[str] = []
    jobs = _jobs(inputs)
    with console.progress() as progress:
        for name, source in progress.track(jobs.items(), description="damaging"):
            if name in done and (output / TARGET / name).is_file():
                made.append(done[name])
                continue
            try:
                pair = write_pair(source, name, output, recipe, seed=seed, teacher=teacher)
            except (MediaError, UsageError) as error:
                failures.append(str(error) if str(source) in str(error) else f"{source}: {error}")
                continue
            made.append(dataclasses.asdict(pair))
            if len(made) % 50 == 0:  # what a kill would cost
                with staged(output) as staging:
                    _write(staging / MANIFEST, header, made)
    if made:
        with staged(output) as staging:
            _write(staging / MANIFEST, header, made)
        size = "the same size" if recipe.scale == 1 else f"1/{recipe.scale} of the size"
        third = f" and {TEACHER}/" if teacher else ""
        console.output().print(
            f"{len(made)} of {len(jobs)} pairs in {output}: input/ at {size}, target/{third}; "
            f"{MANIFEST} says how each was made",
            markup=False,
            soft_wrap=True,
        )
    if failures:
        raise MediaError(
            f"{len(failures)} of {len(jobs)} inputs failed\n  " + "\n  ".join(failures)
        )


def _jobs(inputs: Sequence[str]) -> dict[str, Path]:
    """Give name of the pair -> sharp image."""
    from ovsharp.media import find_images

    jobs: dict[str, Path] = {}
    for item in inputs:
        folder = Path(item) if Path(item).is_dir() else None
        for source in find_images([item]):
            below = source.relative_to(folder) if folder is not None else Path(source.name)
            name = below.with_suffix(".png").as_posix()
            if jobs.setdefault(name, source).resolve() != source.resolve():
                raise UsageError(
                    f"{jobs[name]} and {source} would both become {name}; rename one of them, or "
                    f"give their common folder"
                )
    return jobs


def _finished(output: Path, header: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Give the pairs that an earlier run of the same kind made.

    Raises:
        UsageError: the folder holds pairs of another kind, or something else.
    """
    manifest = output / MANIFEST
    if not manifest.is_file():
        if output.is_dir() and any(output.iterdir()):
            raise UsageError(
                f"{output} is not empty and has no {MANIFEST}; choose a new folder with -o"
            )
        return {}
    try:
        content = json.loads(manifest.read_text(encoding="utf-8"))
        pairs = {pair["name"]: pair for pair in content.pop("pairs")}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{manifest} is damaged; choose a new folder with -o") from error
    if content != header:
        raise UsageError(
            f"{output} holds pairs of recipe '{content.get('recipe')}', seed "
            f"{content.get('seed')}; choose a new folder with -o, or the same recipe and seed"
        )
    return pairs


def _write(path: Path, header: dict[str, Any], pairs: list[dict[str, Any]]) -> None:
    text = json.dumps({**header, "pairs": pairs}, indent=1, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")
