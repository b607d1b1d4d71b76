"""A video in parts: each a task for any process or machine, and together what one would make."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from ovsharp.apps.choice import Choice
from ovsharp.apps.finishing import Finishing
from ovsharp.apps.pipeline import Pipeline
from ovsharp.errors import MediaError
from ovsharp.media import SEGMENT, SegmentWriter, Shot, read_video
from ovsharp.runtime import Sharpener, Switch, check_origin, origin


@dataclass(frozen=True)
class VideoJob:
    """What is done to a video; each part of it is done in the same way."""

    source: Path
    target: Path
    choice: Choice
    reading: Mapping[str, Any]
    """Arguments of `read_video`."""
    writing: Mapping[str, Any]
    """Arguments of `SegmentWriter`."""
    steady: bool
    side_by_side: bool
    origin: str
    """`origin_of` its choice, where it was begun."""


@dataclass(frozen=True)
class Part:
    """A segment of a video."""

    job: VideoJob
    index: int
    after: int | None
    """Time of the frame before it; None for the first segment."""
    times: tuple[int, ...]
    """Of its frames, in ticks of the source."""
    last: bool

    output = None
    """It writes nothing: what it makes comes back."""

    @property
    def inputs(self) -> tuple[Path, ...]:
        """All files that it reads."""
        return (self.job.source, *self.job.choice.files)

    def moved(self, inputs: Mapping[Path, Path], output: Path | None) -> Part:  # noqa: ARG002
        """Give the same with files in other places; see `ovsharp.cluster.Movable`."""
        job = self.job
        source = inputs.get(job.source, job.source)
        return replace(self, job=replace(job, source=source, choice=job.choice.moved(inputs)))


@dataclass(frozen=True)
class PartDone:
    """A segment, coded."""

    index: int
    content: bytes
    """What `VideoWriter.add` takes."""
    first: int
    """Frames of the video before it."""
    frames: int
    made: Mapping[str, int]
    """Frames by what made them."""
    switches: tuple[Switch, ...]
    last: str
    """Name of what made the last frame."""
    why: str
    """No frame was sharpened; empty if one was."""
    repeated: int
    notes: tuple[str, ...]


def origin_of(choice: Choice) -> str:
    """Name everything on this machine that the bytes of a video depend on, besides the job."""
    return origin((choice.model,), choice.device, choice.precision, choice.quality)


def parts_of(job: VideoJob, times: Sequence[int], wanted: Sequence[int]) -> list[Part]:
    """Cut a video into segments.

    Args:
        job: what is done to it.
        times: of all its frames; see `frame_times`.
        wanted: which segments are to be made.
    """
    parts = []
    for index in wanted:
        begin, end = index * SEGMENT, (index + 1) * SEGMENT
        after = times[begin - 1] if begin else None
        own = tuple(times[begin:end])
        parts.append(Part(job, index, after, own, last=end >= len(times)))
    return parts


def sharpen_part(part: Part) -> PartDone:
    """Decode, sharpen and code a segment; the same bytes wherever it is done.

    Raises:
        UsageError: on this machine, its pixels would not be those of where the job was begun.
        OvsharpError, OSError: as `ovsharp video`.
    """
    job = part.job
    check_origin(job.origin, origin_of(job.choice))
    if not job.source.is_file():
        raise MediaError(
            f"{platform.node()} does not see {job.source}: put it where all machines see it under "
            f"the same path"
        )
    job.choice.bind()
    sharpener = _sharpener(job.choice)
    first = part.index * SEGMENT
    with (
        read_video(job.source, threads=job.choice.threads or 0, **job.reading) as clip,
        sharpener.session(reuse=True, first=first) as call,
    ):
        sink = SegmentWriter(job.target, like=clip, **job.writing)
        pipeline = Pipeline(
            _checked(clip.shots(first, after=part.after), part),
            call,
            sink,
            each=Finishing(job.steady, job.side_by_side, SEGMENT, unsharp=call.unsharp).each,
            segment=SEGMENT,
        )
        done = pipeline.run()
        return PartDone(
            index=part.index,
            content=sink.content(),
            first=first,
            frames=done.frames,
            made=call.made,
            switches=call.switches,
            last=call.variant,
            why="" if done.sharpened else call.why,
            repeated=call.repeated,
            notes=(*clip.notes, *sink.notes),
        )


@lru_cache(maxsize=1)
def _sharpener(choice: Choice) -> Sharpener:
    """Give the sharpener of this process: kept from part to part."""
    return choice.opened()


def _checked(shots: Iterator[Shot], part: Part) -> Iterator[Shot]:
    """Give the frames of a part, and see that they are those that were planned."""
    for time in part.times:
        shot = next(shots, None)
        if shot is None or shot.pts != time:
            raise _unlike(part, None if shot is None else shot.pts, time)
        yield shot
    if part.last and (more := next(shots, None)) is not None:
        raise _unlike(part, more.pts, None)


def _unlike(part: Part, found: int | None, planned: int | None) -> MediaError:
    return MediaError(
        f"{part.job.source} has other frames than its index tells (time {found}, planned "
        f"{planned}), so it cannot be split; leave --workers and --cluster out"
    )
