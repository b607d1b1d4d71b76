"""`ovsharp frames`: still frames out of videos, without near duplicates."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ovsharp.errors import MediaError, UsageError
from ovsharp.terminal import console, crew, options, write_json

if TYPE_CHECKING:
    from rich.progress import Progress

    from ovsharp.apps import Samples
    from ovsharp.cluster import Workers

_DOING = "taking frames"
_Taken = tuple[Path, int, int, str]
"""A video, frames that were looked at and written, and what failed."""


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
@options.json_file("what was taken from each video")
@options.overwrite
@options.workers("the videos")
def frames(
    videos: tuple[Path, ...],
    output: Path,
    every: float,
    tolerance: int,
    json_file: Path | None,
    overwrite: bool,
    workers: int | None,
    cluster: str | None,
) -> None:
    """Take still frames out of videos and leave out near duplicates.

    Frames are named after their video and time, call_00012.480s.png, and compared with all that
    were kept, of every video. A video that fails is listed at the end, the others are done; the
    exit code is then 1.
    """
    names = [video.stem for video in videos]
    if len(set(names)) < len(names):
        raise UsageError("two videos have the same name; rename one, its frames would be mixed up")
    if not overwrite:
        _check_there(videos, output)
    failures, taken_from = [], []
    with ExitStack() as stack:
        members = crew.opened(stack, workers, cluster)
        bar = stack.enter_context(console.progress())
        if members is None:
            working = _taken(videos, output, every, tolerance, bar)
        else:
            working = _split(members, videos, output, every, tolerance, bar)
        for video, taken, kept, error in working:
            if error:
                failures.append(error)
            else:
                taken_from.append({"video": str(video), "taken": taken, "kept": kept})
    if json_file is not None:
        figures = {"every": every, "output": str(output), "videos": taken_from, "failed": failures}
        write_json(json_file, figures)
    for one in taken_from:
        line = f"{one['video']}: {one['kept']} kept of {one['taken']}, one every {every:g} s"
        console.output().print(line, markup=False, soft_wrap=True)
    if failures:
        raise MediaError(
            f"{len(failures)} of {len(videos)} videos failed\n  " + "\n  ".join(failures)
        )


def _check_there(videos: Sequence[Path], output: Path) -> None:
    from ovsharp.apps import samples_there

    there = [path for video in videos for path in samples_there(video, output)]
    if there:
        more = f" and {len(there) - 1} more frames exist" if there[1:] else " exists"
        raise UsageError(f"{there[0]}{more}; choose another -o, or allow it with --overwrite")


def _taken(
    videos: Sequence[Path], output: Path, every: float, tolerance: int, bar: Progress
) -> Iterator[_Taken]:
    """Give each video, how many of its frames were looked at and written, and what failed."""
    from ovsharp.apps import sample_failure, sample_name, samples_of
    from ovsharp.media import Distinct, write_picture

    distinct = Distinct(tolerance)
    for video in bar.track(videos, description=_DOING):
        taken = kept = 0
        error = ""
        try:
            for seconds, frame in samples_of(video, every):
                taken += 1
                if distinct.keep(frame):
                    output.mkdir(parents=True, exist_ok=True)
                    write_picture(output / sample_name(video, seconds), frame)
                    kept += 1
        except (MediaError, OSError) as failure:
            error = sample_failure(video, failure)
        yield video, taken, kept, error


def _split(
    members: Workers,
    videos: Sequence[Path],
    output: Path,
    every: float,
    tolerance: int,
    bar: Progress,
) -> Iterator[_Taken]:
    """Let others take frames, and choose among them in the order of the videos."""
    import numpy as np

    from ovsharp.apps import Sampling, sample_name, take_samples
    from ovsharp.files import kept_if_filled, scratch
    from ovsharp.media import Distinct
    from ovsharp.runtime import origin

    distinct = Distinct(tolerance)
    here = origin(coding=False)
    done: dict[int, Samples] = {}
    with kept_if_filled(output), scratch(output) as folder:
        work = [Sampling(video, every, folder, members.threads, here) for video in videos]
        task = bar.add_task(_DOING, total=len(videos))
        next_one = 0
        for place, samples in members.results(take_samples, work):
            bar.advance(task)
            done[place] = samples
            while next_one in done:
                found, kept = done.pop(next_one), 0
                video = videos[next_one]
                for sample in found.samples:
                    bits = np.unpackbits(np.frombuffer(sample.bits, np.uint8)).astype(bool)
                    if distinct.keep_hash(bits):
                        name = sample_name(video, sample.seconds)
                        os.replace(folder / sample.file, output / name)
                        kept += 1
                yield video, len(found.samples), kept, found.error
                next_one += 1
