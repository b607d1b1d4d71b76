"""`ovsharp degrade`: pairs of damaged and sharp images, for training and measuring."""

from __future__ import annotations

import dataclasses
import json
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ovsharp.errors import MediaError, UsageError
from ovsharp.terminal import console, crew, options

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from ovsharp.cluster import Workers
    from ovsharp.degrade import Pair, PairsJob

MANIFEST = "manifest.json"


@click.command()
@click.argument("inputs", metavar="IN...", nargs=-1, required=True)
@options.folder(
    "-o", "--output", required=True, what="Folder for input/, target/ and the manifest."
)
@options.degrade(
    "A name, or damages such as 'blur(sigma=1..2) + jpeg(quality=20)'.", "call", parameter="text"
)
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True)
@click.option(
    "--teacher",
    is_flag=True,
    help="Also write teacher/: the damaged images enlarged by bicubic to the size of the target.",
)
@options.workers("the images")
def degrade(
    inputs: tuple[str, ...],
    output: Path,
    text: str,
    seed: int,
    teacher: bool,
    workers: int | None,
    cluster: str | None,
) -> None:
    """Damage images as a bad call does, and write aligned pairs.

    IN are sharp images, folders and globs. Each becomes DIR/input/NAME.png and
    DIR/target/NAME.png, which `quantize`, `bench` and `eval` take as they are; the manifest says
    how each was made. The same recipe and seed give the same pixels, whatever else is in the
    folder. Run again after an interruption: finished pairs are not made twice.

    Recipes: call (default), clean, gla, edsr, visionarv, dynamic-duo, synergy, x2, x3, x4.
    """
    from ovsharp.degrade import TARGET, TEACHER, PairsJob, parse
    from ovsharp.files import staged

    recipe = parse(text)
    header = {"recipe": recipe.text, "scale": recipe.scale, "seed": seed, "teacher": teacher}
    jobs = _jobs(inputs)
    done = _finished(output, header)
    known = {
        name: done[name] for name in jobs if name in done and (output / TARGET / name).is_file()
    }
    made: dict[str, dict[str, Any]] = dict(known)
    failed: dict[str, str] = {}
    job = PairsJob(output, recipe, seed, teacher)
    with ExitStack() as stack:
        members = crew.opened(stack, workers, cluster)
        progress = stack.enter_context(console.progress())
        left = {name: source for name, source in jobs.items() if name not in known}
        if members is None:
            working: Iterable[tuple[str, Pair | str]]
            working = ((name, job.make(name, source)) for name, source in left.items())
        else:
            working = _split(members, job, left)
        task = progress.add_task("damaging", total=len(jobs), completed=len(known))
        for name, pair in working:
            progress.advance(task)
            if isinstance(pair, str):
                failed[name] = pair
                continue
            made[name] = dataclasses.asdict(pair)
            if len(made) % 50 == 0:  # what a kill would cost
                with staged(output) as staging:
                    _write(staging / MANIFEST, header, jobs, made)
    if made:
        with staged(output) as staging:
            _write(staging / MANIFEST, header, jobs, made)
        size = "the same size" if recipe.scale == 1 else f"1/{recipe.scale} of the size"
        third = f" and {TEACHER}/" if teacher else ""
        console.output().print(
            f"{len(made)} of {len(jobs)} pairs in {output}: input/ at {size}, target/{third}; "
            f"{MANIFEST} says how each was made",
            markup=False,
            soft_wrap=True,
        )
    if failed:
        failures = "\n  ".join(failed[name] for name in jobs if name in failed)
        raise MediaError(f"{len(failed)} of {len(jobs)} inputs failed\n  {failures}")


def _split(
    members: Workers, job: PairsJob, jobs: Mapping[str, Path]
) -> Iterator[tuple[str, Pair | str]]:
    """Let others make pairs; they come in any order."""
    from ovsharp.degrade import PairsBatch, write_pairs
    from ovsharp.runtime import origin

    made = crew.in_batches(
        members,
        write_pairs,
        list(jobs.items()),
        lambda some: PairsBatch(origin(), some, members.threads, job),
    )
    for (name, _), pair in made:
        yield name, pair


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


def _write(
    path: Path, header: dict[str, Any], jobs: Mapping[str, Path], made: Mapping[str, dict[str, Any]]
) -> None:
    pairs = [made[name] for name in jobs if name in made]
    text = json.dumps({**header, "pairs": pairs}, indent=1, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")
