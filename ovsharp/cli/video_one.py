"""One video: read, sharpened and written as the options say."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from ovsharp.cli import video_parts
from ovsharp.cli.video_plan import STANDARD
from ovsharp.cli.video_told import copied_summary, quality_notes, summary
from ovsharp.errors import UsageError
from ovsharp.terminal import console

if TYPE_CHECKING:
    from ovsharp.apps import Choice, Progress
    from ovsharp.cluster import Workers
    from ovsharp.media import Deinterlace, NumberedWriter, RawVideo, VideoReader, VideoWriter
    from ovsharp.runtime import Sharpener


@dataclass(frozen=True)
class Choices:
    """The flags that one file after the other is written by."""

    codec: str | None
    crf: int
    preset: str | None
    untouched: str
    size: str | None
    audio: str | None
    bitrate: str | None
    encoder_options: str | None
    start: float
    end: float | None
    every: int
    side_by_side: bool
    skip_damaged: bool
    input_fps: float | None
    deinterlace: Deinterlace
    steady: bool
    json_file: Path | None
    workers: int | None
    cluster: str | None
    resume: bool
    overwrite: bool
    settings: tuple[object, Choice]
    """The files of the model, and how it runs."""
    split: tuple[Workers, Choice] | None = None
    """Who does it in parts, and how they run the model; None for this process."""


def run(source: Path, target: Path, sharpener: Sharpener, choices: Choices) -> dict[str, Any]:
    """Sharpen a video, and give its figures; or copy it, or let others work on its parts.

    Raises:
        UsageError: options that do not go with this video.
        MediaError, OSError: it cannot be read, or its target cannot be written.
    """
    from ovsharp.apps import Finishing, Pipeline
    from ovsharp.media import Numbered, check_copy, read_video
    from ovsharp.quality import Flicker

    flicker = Flicker() if choices.json_file is not None else None
    reading: dict[str, Any] = {
        "start": choices.start,
        "end": choices.end,
        "every": choices.every,
        "skip_damaged": choices.skip_damaged,
        "rate": choices.input_fps,
        # YUV4MPEG2 and images are of 8 bits here.
        "deep": target != STANDARD and Numbered.of(target) is None,
        "alpha": target != STANDARD and not choices.side_by_side,
        "deinterlace": choices.deinterlace,
    }
    with read_video(source, **reading) as clip:
        copied = choices.untouched == "copy"
        if copied and sharpener.spec.scale != 1:
            raise UsageError("--untouched copy is for models that keep the size; leave it out")
        if copied:
            check_copy(source, clip.index, target.suffix.lower())
        sink = _sink(source, target, clip, choices, sharpener.spec.scale)
        if copied and (frames := _copied(source, clip, cast("VideoWriter", sink), sharpener)):
            return copied_summary(source, target, clip, frames)
        if choices.split is not None:
            return _run_parts(source, clip, sink, reading, choices, *choices.split)
        done = sink.done
        finishing = Finishing(
            choices.steady,
            choices.side_by_side,
            sink.segment,
            flicker,
            unsharp=sharpener.unsharp,
        )
        try:
            with sink, sharpener.session(reuse=True, first=done) as call, console.progress() as bar:
                task = bar.add_task(source.name, total=clip.frames, completed=done)

                def show(progress: Progress) -> None:
                    text = f"{source.name} {progress.fps:.1f} FPS, {clip.dropped} dropped"
                    bar.update(task, completed=done + progress.frames, description=text)

                pipeline = Pipeline(
                    clip.shots(done, after=sink.reached),
                    call,
                    sink,
                    each=finishing.each,
                    interrupt=clip.interrupt,
                    # A resumed job begins with a segment, and its result is that of the whole.
                    segment=sink.segment,
                )
                progress = pipeline.run(show)
        except BaseException:
            if sink.done and sharpener.choice is None:
                click.echo(
                    f"{source}: {sink.done} frames are kept; continue with --resume", err=True
                )
            raise
    notes = [*clip.notes, *sink.notes, *quality_notes(call)]
    return summary(source, target, clip, sink.coding, done, progress, flicker, notes, call)


def _sink(
    source: Path, target: Path, clip: VideoReader, choices: Choices, scale: int
) -> VideoWriter | RawVideo | NumberedWriter:
    from ovsharp.media import Numbered, NumberedWriter, RawVideo, write_video

    size = _size(choices, clip, scale)
    if target == STANDARD:
        return RawVideo(clip, size=size)
    if frames := Numbered.of(target):
        return NumberedWriter(
            frames,
            clip,
            size=size,
            resume=choices.resume,
            overwrite=choices.overwrite,
            job=_identity(source, choices),
        )
    return write_video(
        target,
        like=clip,
        **_writing(choices, size),
        resume=choices.resume,
        overwrite=choices.overwrite,
        job=_identity(source, choices),
    )


def _writing(choices: Choices, size: tuple[int, int] | None) -> dict[str, Any]:
    return {
        "codec": choices.codec,
        "crf": choices.crf,
        "preset": choices.preset,
        "bitrate": _bits(choices.bitrate),
        "encoder_options": _pairs(choices.encoder_options),
        "audio": choices.audio or "keep",
        "size": size,
    }


def _run_parts(
    source: Path,
    clip: VideoReader,
    sink: VideoWriter | RawVideo | NumberedWriter,
    reading: dict[str, Any],
    choices: Choices,
    workers: Workers,
    choice: Choice,
) -> dict[str, Any]:
    from ovsharp.apps import VideoJob, origin_of
    from ovsharp.media import VideoWriter

    if not isinstance(sink, VideoWriter) or clip.numbered is not None:
        raise UsageError("numbered frames cannot be split; leave --workers and --cluster out")
    writing = _writing(choices, sink.size)
    if choices.codec == "auto":  # found here, not once more on each machine
        writing["codec"] = sink.encoder.name if sink.encoder.hardware else sink.encoder.codec
    job = VideoJob(
        source=source.absolute(),
        target=sink.path,
        choice=choice,
        reading=reading,
        writing=writing,
        steady=choices.steady,
        side_by_side=choices.side_by_side,
        origin=origin_of(choice),
    )
    try:
        return video_parts.run_parts(job, clip, sink, workers)
    except BaseException:
        if kept := sink.kept:
            click.echo(f"{source}: {kept} segments are kept; continue with --resume", err=True)
        raise


def _copied(source: Path, clip: VideoReader, sink: VideoWriter, sharpener: Sharpener) -> int:
    """Look at the frames; copy the file if none is sharpened, and give their number, or 0."""
    from ovsharp.apps import stays_untouched

    looked = 0

    def show(count: int) -> None:
        nonlocal looked
        looked = count
        bar.update(task, completed=count)

    with console.progress() as bar, sharpener.session() as call:
        task = bar.add_task(f"{source.name}: looking", total=clip.frames)
        try:
            segment = sink.segment
            if not stays_untouched(clip.shots(), call, segment=segment, on_frame=show):
                return 0
            sink.copy_source()
            sink.finish()
        except BaseException:
            if not sink.done:
                sink.discard()
            raise
    return looked


def _identity(source: Path, choices: Choices) -> str:
    from ovsharp.media import Numbered

    frames = Numbered.of(source)
    stamp = source.stat() if frames is None else None
    values = (
        str(source.resolve()),
        *((stamp.st_size, stamp.st_mtime_ns) if stamp else (frames and frames.stamp,)),
        choices.settings,
        choices.start,
        choices.end,
        choices.every,
        choices.side_by_side,
        choices.steady,
        choices.skip_damaged,
        choices.input_fps,
        choices.deinterlace,
    )
    return hashlib.sha256(repr(values).encode()).hexdigest()


def _bits(text: str | None) -> int | None:
    if text is None:
        return None
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([kKmM]?)", text)
    bits = round(float(match[1]) * {"": 1, "k": 1e3, "m": 1e6}[match[2].lower()]) if match else 0
    if bits < 1000:
        raise UsageError(
            f"cannot read --bitrate {text}; expected bits per second, as in 8M or 900k"
        )
    return bits


def _pairs(text: str | None) -> dict[str, str]:
    pairs = [item.partition("=") for item in text.split(",")] if text else []
    if any(not (key.strip() and value) for key, _, value in pairs):
        raise UsageError(f"cannot read --encoder-options {text}; expected KEY=VALUE,KEY=VALUE")
    return {key.strip(): value for key, _, value in pairs}


def _size(choices: Choices, clip: VideoReader, scale: int) -> tuple[int, int] | None:
    if choices.size is None:
        return None
    if match := re.fullmatch(r"(\d+)x(\d+)", choices.size):
        width, height = int(match[1]), int(match[2])
    elif match := re.fullmatch(r"(\d+)p", choices.size):
        side = int(match[1])
        # As it is seen: pixels may be wider than high.
        width, height = round(clip.width * scale * clip.sample_aspect), clip.height * scale
        if choices.side_by_side:
            width = width * 2 + 4
        factor = side / min(width, height)
        width, height = round(width * factor / 2) * 2, round(height * factor / 2) * 2
    else:
        raise UsageError(f"cannot read --size {choices.size}; expected e.g. 1080p or 1280x720")
    if min(width, height) < 16 or max(width, height) > 16384:
        raise UsageError(f"--size {choices.size} is out of range: expected sides of 16 to 16384")
    return width, height
