"""`ovsharp frames`: still frames out of videos, without near duplicates."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ovsharp.cli import console, options
from ovsharp.errors import MediaError, UsageError

if TYPE_CHECKING:
    from ovsharp.media import Distinct


def _seconds(_context: click.Context, _parameter: click.Parameter, value: str) -> float:
    """Read seconds, written 2 or 2s or 500ms."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(ms|s)?", value)
    seconds = float(match[1]) / (1000 if match[2] == "ms" else 1) if match else 0.0
    if seconds <= 0:
        raise click.BadParameter(f"'{value}' is no time: expected 2s, 0.5 or 500ms")
    return seconds


@click.command()
@click.argument(
    "videos",
    metavar="VIDEO...",
    nargs=-1,
    required=True,
    type=click.Path(path_type=Path),
)
@options.folder("-o", "--output", required=True, what="Folder for the frames, PNG.")
@click.option(
    "--every",
    metavar="TIME",
    callback=_seconds,
    default="2s",
    show_default=True,
    help="Time between two.",
)
@options.number(
    "--tolerance",
    click.IntRange(0, 256),
    "Frames whose hashes differ by this many of 256 bits or fewer count as the same.",
    16,
)
def frames(videos: tuple[Path, ...], output: Path, every: float, tolerance: int) -> None:
    """Take still frames out of videos and leave out near duplicates.

    Frames are named after their video and time, call_00012.480s.png, and compared with all that
    were kept, of every video. A video that fails is listed at the end, the others are done; the
    exit code is then 1.
    """
    from ovsharp.media import Distinct

    names = [video.stem for video in videos]
    if len(set(names)) < len(names):
        raise UsageError("two videos have the same name; rename one, its frames would be mixed up")
    distinct, failures, lines = Distinct(tolerance), [], []
    with console.progress() as progress:
        for video in progress.track(videos, description="taking frames"):
            try:
                taken, kept = _take(video, output, every, distinct)
            except MediaError as error:
                failures.append(str(error))
            except OSError as error:
                failures.append(f"{error.filename or video}: {error.strerror or error}")
            else:
                lines.append(f"{video}: {kept} kept of {taken}, one every {every:g} s")
    if lines:
        console.output().print("\n".join(lines), markup=False, soft_wrap=True)
    if failures:
        raise MediaError(
            f"{len(failures)} of {len(videos)} videos failed\n  " + "\n  ".join(failures)
        )


def _take(video: Path, output: Path, every: float, distinct: Distinct) -> tuple[int, int]:
    """Give how many frames were looked at, and how many written."""
    from ovsharp.media import read_video, write_picture

    taken = kept = 0
    due = 0.0
    with read_video(video) as reader:
        for shot in reader:
            seconds = shot.seconds - reader.origin
            if seconds < due - 1e-9:
                continue
            # After a gap the next frame is due at the next multiple, not at once.
            due = (math.floor(seconds / every + 1e-9) + 1) * every
            taken += 1
            if distinct.keep(shot.frame):
                output.mkdir(parents=True, exist_ok=True)
                write_picture(output / f"{video.stem}_{seconds:09.3f}s.png", shot.frame)
                kept += 1
    return taken, kept
