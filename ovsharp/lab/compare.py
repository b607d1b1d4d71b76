"""`ovsharp compare`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ovsharp.terminal import options, write_json

if TYPE_CHECKING:
    from ovsharp import evaluation


@click.command()
@click.argument("before", type=click.Path(path_type=Path))
@click.argument("after", type=click.Path(path_type=Path))
@options.number(
    "--tolerance",
    click.FloatRange(0, 1),
    "SSIM by which the mean of a category may fall.",
    0.002,
)
@options.json_file("all changes")
def compare(before: Path, after: Path, tolerance: float, json_file: Path | None) -> None:
    """Say what changed between two evaluations: results.json of ovsharp eval, or their folders.

    Only images are compared that both have, damaged in the same way. The exit code is 1 if the
    mean SSIM of a model on a category fell by more than the tolerance.
    """
    import dataclasses

    from ovsharp import evaluation as room
    from ovsharp.terminal import EXIT_FAILED, output, show

    changes = room.compare_evaluations(_read(before), _read(after), tolerance)
    if json_file is not None:
        write_json(json_file, dataclasses.asdict(changes))
    console = output()
    show(console, room.change_table(changes))
    for line in changes.notes:
        console.print(line, style="dim", markup=False)
    worse = sum(change.worse for change in changes.changes)
    console.print(f"{worse} of {len(changes.changes)} means fell by more than {tolerance:g} SSIM")
    if changes.regressed:
        raise click.exceptions.Exit(EXIT_FAILED)


def _read(path: Path) -> evaluation.Evaluation:
    """Read a results.json, or that of a folder."""
    from ovsharp import evaluation
    from ovsharp.errors import UsageError

    path = path / "results.json" if path.is_dir() else path
    try:
        return evaluation.Evaluation.from_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UsageError(f"there is no file {path}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is no text, so no results.json of 'ovsharp eval'") from error
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from error
