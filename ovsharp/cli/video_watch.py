"""A folder that is watched: what comes into it is sharpened."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from ovsharp.cli.video_one import Choices, run
from ovsharp.cli.video_plan import STANDARD, named
from ovsharp.cli.video_told import failure
from ovsharp.errors import OvsharpError, UsageError
from ovsharp.terminal import write_json

if TYPE_CHECKING:
    from ovsharp.runtime import Sharpener

_LOOK_SECONDS = 1.0
"""Between two looks at a folder that is watched."""


def check_watch(inputs: tuple[str, ...], output: Path) -> None:
    """Refuse what cannot be watched."""
    folder = Path(inputs[0])
    if len(inputs) > 1 or not folder.is_dir():
        raise UsageError("--watch looks at one folder: name it as the only input")
    if output == STANDARD or output.suffix or (output.exists() and not output.is_dir()):
        raise UsageError(f"--watch writes into a folder, and -o {output} is none")
    if output.resolve().is_relative_to(folder.resolve()):
        raise UsageError(f"{output} is in {folder}, and would be watched itself; choose another -o")


def watch_folder(folder: Path, output: Path, sharpener: Sharpener, choices: Choices) -> NoReturn:
    """Sharpen what comes into a folder, for ever; what is in the output already counts as done."""
    from ovsharp.apps import Arrivals
    from ovsharp.media import is_video

    arrivals, reports = Arrivals(folder, is_video), []
    click.echo(f"watching {folder}; Ctrl-C ends it", err=True)
    while True:
        for source in arrivals.ready():
            target = output / named(source.relative_to(folder), choices.codec)
            if target.exists() and not choices.overwrite:
                click.echo(f"{source}: {target} is there already", err=True)
                continue
            try:
                reports.append(_continued(source, target, sharpener, choices))
            except (OvsharpError, OSError) as error:
                click.echo(f"failed: {failure(source, error)}", err=True)
            if choices.json_file is not None:
                write_json(choices.json_file, reports)
        time.sleep(_LOOK_SECONDS)


def _continued(
    source: Path, target: Path, sharpener: Sharpener, choices: Choices
) -> dict[str, Any]:
    """Go on with a job, or begin it anew where it was another one."""
    if choices.settings[1].target_fps is None:  # one model for all frames
        with suppress(UsageError):
            return run(source, target, sharpener, replace(choices, resume=True))
    return run(source, target, sharpener, choices)
