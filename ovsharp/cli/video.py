"""`ovsharp video`: sharpen video files."""

from __future__ import annotations

import glob
import hashlib
import re
import sys
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, cast

import click

from ovsharp.cli import video_parts
from ovsharp.errors import MediaError, OvsharpError, UsageError
from ovsharp.terminal import check_json, console, crew, options, write_json

if TYPE_CHECKING:
    from ovsharp.apps import Choice, Progress
    from ovsharp.cluster import Workers
    from ovsharp.media import Deinterlace, NumberedWriter, RawVideo, VideoReader, VideoWriter
    from ovsharp.runtime import Session, Sharpener

STANDARD = Path("-")
"""Standard input as a source, standard output as a target."""
_LOOK_SECONDS = 1.0
"""Between two looks at a folder that is watched."""
_NAMED = 10
"""Files that are named one by one, where they are passed over."""


@dataclass(frozen=True)
class _Choices:
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


@click.command()
@click.argument("inputs", metavar="IN...", nargs=-1, required=True)
@options.output(
    "Folder to write to, a file name with a video ending for a single video, folder/%06d.png for "
    "numbered frames, or - for YUV4MPEG2 on standard output."
)
@options.choice(options.target_fps)
@click.option(
    "--codec",
    help="h264, hevc, vp9, av1, ffv1, prores, libx264-lossless; one for hardware, e.g. "
    "h264_nvenc; or auto, which takes that of the machine if one works. "
    "[default: h264 in software; vp9 for .webm]",
)
@click.option(
    "--crf",
    type=click.IntRange(0, 51),
    default=18,
    show_default=True,
    help="Quality of the encoder; lower is better and larger.",
)
@click.option(
    "--preset",
    help="Speed of the encoder, as it calls it: ultrafast to placebo (h264, hevc), 0 to 8, slowest "
    "first (vp9), 0 to 13 (av1). [default: veryfast, 6, 9]",
)
@options.one_of(
    "--untouched",
    ["encode", "copy"],
    "Where no frame was sharpened: encode it like the others, so that all outputs are of one "
    "kind, or copy the original, bit for bit.",
    "encode",
)
@click.option("--size", help="Final size: 1080p (the shorter side) or 1280x720.")
@click.option("--bitrate", help="Instead of a quality: bits per second, e.g. 8M or 2500k.")
@click.option(
    "--encoder-options",
    metavar="KEY=VALUE,...",
    help="More for the encoder, as FFmpeg calls it, e.g. tune=grain,x264-params=aq-mode=3.",
)
@options.one_of(
    "--audio",
    ["copy", "none", "aac", "opus"],
    "Copy sound or fail, leave it out, or convert it. [default: copy, and convert what the "
    "container cannot hold]",
)
@click.option("--start", type=click.FloatRange(min=0), default=0.0, help="Seconds.")
@click.option("--end", type=click.FloatRange(min=0), help="Seconds.")
@click.option(
    "--keep-every",
    "every",
    metavar="N",
    type=click.IntRange(min=1),
    default=1,
    help="Keep one frame out of N.",
)
@click.option("--side-by-side", is_flag=True, help="Write before | after.")
@click.option(
    "--steady/--no-steady",
    default=True,
    show_default=True,
    help="Average what was sharpened over time where nothing moves, so that it flickers no more "
    "than the input.",
)
@click.option("--skip-damaged", is_flag=True, help="Leave damaged parts out instead of failing.")
@options.one_of(
    "--deinterlace",
    ["auto", "on", "off"],
    "Make whole frames of interlaced ones: where the file says so, of all, or never.",
    "auto",
)
@click.option(
    "--input-fps",
    type=options.ABOVE_0,
    help="Frames per second of inputs without times: numbered frames, .h264. [default: what they "
    "tell, or 25]",
)
@options.json_file("all figures")
@options.workers("the work")
@click.option("--resume", is_flag=True, help="Continue an interrupted job.")
@options.overwrite
@click.option(
    "--watch",
    is_flag=True,
    help="Wait for videos that come into a folder, and go on until Ctrl-C. What was interrupted "
    "is continued.",
)
def video(
    inputs: tuple[str, ...],
    output: Path,
    choice: Choice,
    watch: bool,
    **flags: Any,
) -> None:
    """Sharpen video files, folders of videos, globs and numbered frames (folder/%06d.png).

    Timestamps are kept, variable frame rates too; sound, subtitles, chapters and metadata are
    copied. Frames are turned upright. 10-bit and HDR videos stay so, in HEVC unless --codec says
    another.
    """
    if output == STANDARD and (flags["resume"] or flags["untouched"] == "copy"):
        raise UsageError("-o - is not for --resume and --untouched copy; name a file")
    if choice.target_fps is not None and flags["resume"]:
        raise UsageError("--resume needs one model for all frames; leave --target-fps out")
    _check_untouched(flags)
    check_json(flags["json_file"], output)
    if watch:
        _check_watch(inputs, output)
    video_parts.check_split(output, STANDARD, choice.target_fps, flags)
    jobs = {} if watch else _plan(inputs, output, flags["codec"])
    _check_frames(output, flags)
    from ovsharp.extras import need
    from ovsharp.runtime import model_files

    need("av", extra="video")
    used = model_files(choice.model, choice.precision, choice.quality)
    stamps = [(str(path), path.stat()) for path in used]
    files = tuple((path, stamp.st_size, stamp.st_mtime_ns) for path, stamp in stamps)
    choices = _Choices(**flags, settings=(files, replace(choice, threads=None)))
    reports, failures = [], []
    with choice.opened() as sharpener, ExitStack() as stack:
        if members := crew.opened(stack, flags["workers"], flags["cluster"]):
            choices = replace(
                choices, split=(members, replace(choice, threads=choice.threads or members.threads))
            )
        if watch:
            _watch(Path(inputs[0]), output, sharpener, choices)
        for source, target in jobs.items():
            try:
                reports.append(_run(source, target, sharpener, choices))
            except UsageError:
                raise
            except (OvsharpError, OSError) as error:
                if len(jobs) == 1:
                    raise
                failures.append(_failure(source, error))
    if choices.json_file is not None:
        write_json(choices.json_file, reports)
    if failures:
        raise MediaError(f"{len(failures)} of {len(jobs)} failed\n  " + "\n  ".join(failures))


def _failure(source: Path, error: Exception) -> str:
    text = str(error)
    return text if str(source) in text else f"{source}: {text}"


def _check_watch(inputs: tuple[str, ...], output: Path) -> None:
    folder = Path(inputs[0])
    if len(inputs) > 1 or not folder.is_dir():
        raise UsageError("--watch looks at one folder: name it as the only input")
    if output == STANDARD or output.suffix or (output.exists() and not output.is_dir()):
        raise UsageError(f"--watch writes into a folder, and -o {output} is none")
    if output.resolve().is_relative_to(folder.resolve()):
        raise UsageError(f"{output} is in {folder}, and would be watched itself; choose another -o")


def _watch(folder: Path, output: Path, sharpener: Sharpener, choices: _Choices) -> NoReturn:
    """Sharpen what comes into a folder, for ever; what is in the output already counts as done."""
    from ovsharp.apps import Arrivals
    from ovsharp.media import is_video

    arrivals, reports = Arrivals(folder, is_video), []
    click.echo(f"watching {folder}; Ctrl-C ends it", err=True)
    while True:
        for source in arrivals.ready():
            target = output / _named(source.relative_to(folder), choices.codec)
            if target.exists() and not choices.overwrite:
                click.echo(f"{source}: {target} is there already", err=True)
                continue
            try:
                reports.append(_continued(source, target, sharpener, choices))
            except (OvsharpError, OSError) as error:
                click.echo(f"failed: {_failure(source, error)}", err=True)
            if choices.json_file is not None:
                write_json(choices.json_file, reports)
        time.sleep(_LOOK_SECONDS)


def _continued(
    source: Path, target: Path, sharpener: Sharpener, choices: _Choices
) -> dict[str, Any]:
    """Go on with a job, or begin it anew where it was another one."""
    if choices.settings[1].target_fps is None:  # one model for all frames
        with suppress(UsageError):
            return _run(source, target, sharpener, replace(choices, resume=True))
    return _run(source, target, sharpener, choices)


def _run(source: Path, target: Path, sharpener: Sharpener, choices: _Choices) -> dict[str, Any]:
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
            return _copied_summary(source, target, clip, frames)
        if choices.split is not None:
            return _run_parts(source, clip, sink, reading, choices, *choices.split)
        done = sink.done
        finishing = Finishing(choices.steady, choices.side_by_side, sink.segment, flicker)
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
    notes = [*clip.notes, *sink.notes, *_quality_notes(call)]
    return _summary(source, target, clip, sink.coding, done, progress, flicker, notes, call)


def _sink(
    source: Path, target: Path, clip: VideoReader, choices: _Choices, scale: int
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


def _writing(choices: _Choices, size: tuple[int, int] | None) -> dict[str, Any]:
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
    choices: _Choices,
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


def _check_untouched(flags: dict[str, Any]) -> None:
    """Refuse what would change a video that is to be kept bit for bit."""
    changing = ("size", "start", "end", "side_by_side", "skip_damaged", "input_fps")
    found = [name for name in changing if flags[name]] + ["keep_every"] * (flags["every"] > 1)
    found += ["deinterlace"] * (flags["deinterlace"] == "on")
    found += ["audio"] * (flags["audio"] not in (None, "copy"))
    if flags["untouched"] == "copy" and found:
        names = ", ".join(f"--{name.replace('_', '-')}" for name in found)
        raise UsageError(
            f"--untouched copy keeps a video as it is, and {names} would change it; leave one of "
            f"them out"
        )


def _check_frames(output: Path, flags: dict[str, Any]) -> None:
    """Refuse what numbered frames have not."""
    from ovsharp.media import Numbered

    names = ("codec", "preset", "bitrate", "encoder_options", "audio")
    found = [f"--{name.replace('_', '-')}" for name in names if flags[name] is not None]
    found += ["--untouched copy"] * (flags["untouched"] == "copy")
    if found and Numbered.of(output) is not None:
        raise UsageError(f"{', '.join(found)} is for videos, and {output} are images; leave it out")


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


def _copied_summary(source: Path, target: Path, clip: VideoReader, frames: int) -> dict[str, Any]:
    lines = [
        f"{source}: nothing was sharpened; {target} is the original, bit for bit",
        *(f"  note: {note}" for note in clip.notes if "left out" in note),
    ]
    console.output().print("\n".join(lines), markup=False, soft_wrap=True)
    return {
        "input": str(source),
        "output": str(target),
        "frames": frames,
        "sharpened": 0,
        "copied": True,
        "notes": clip.notes,
    }


def _quality_notes(call: Session) -> list[str]:
    """Say which models ran, how they changed, and what they did not have to do."""
    if call.repeated:
        once = f"{call.repeated} frames are equal to the one before and were not computed again"
        return [*_choice_notes(call), once]
    return _choice_notes(call)


def _choice_notes(call: Session) -> list[str]:
    switches = [
        f"frame {switch.frame}: {switch.before} -> {switch.after} ({switch.reason})"
        for switch in call.switches
    ]
    if call.choice is not None:
        return [call.choice.reason, *switches, f"{call.variant} runs at the end"]
    if len(call.variants) == 1 or not call.frames:
        return []
    frames = ", ".join(f"{name} {count}" for name, count in call.made.items())
    return [*switches, f"frames by model: {frames}"]


def _summary(
    source: Path,
    target: Path,
    clip: VideoReader,
    encoder: str,
    done: int,
    progress: Progress,
    flicker: Any,
    notes: list[str],
    call: Session,
) -> dict[str, Any]:
    from ovsharp.media import CONTAINERS

    why = "" if progress.sharpened or not progress.frames else call.why
    busy = {"decode": progress.decode, "infer": progress.infer, "encode": progress.encode}
    shares = {stage: round(work / progress.seconds, 3) for stage, work in busy.items()}
    figures: dict[str, Any] = {
        "input": str(source),
        "output": str(target),
        "frames": done + progress.frames,
        "resumed_frames": done,
        "sharpened": progress.sharpened,
        "repeated": call.repeated,
        "copied": False,
        "dropped": clip.dropped,
        "seconds": round(progress.seconds, 3),
        "system_fps": round(progress.fps, 2),
        "model_fps": None if progress.model_fps is None else round(progress.model_fps, 2),
        "busy": shares,
        "budget": {stage: round(fps, 2) for stage, fps in progress.budget.items()},
        "slowest": progress.slowest,
        "share_of_slowest": round(progress.share, 3),
        "colour": clip.colour.label,
        "encoder": encoder,
        "notes": notes,
    }
    if flicker is not None:
        figures["flicker"] = {
            "input": flicker.input,
            "output": flicker.output,
            "ratio": flicker.ratio,
        }
    nothing = []
    if why:
        some = "none of the frames that were left" if done else "nothing"
        advice = "; the frames were coded again, --untouched copy keeps the original"
        files = clip.numbered is None and target.suffix.lower() in CONTAINERS
        nothing.append(f"{source}: {some} was sharpened: {why}{advice * files}")
    model = "" if progress.model_fps is None else f"model {progress.model_fps:.1f} FPS, "
    lines = [
        *nothing,
        f"{target}: {figures['frames']} frames in {progress.seconds:.1f} s, "
        f"{progress.fps:.1f} FPS in all, {model}{clip.dropped} dropped",
        "  busy: "
        + ", ".join(f"{stage} {share:.0%}" for stage, share in shares.items())
        + f"; encoder {encoder}",
        "  budget: "
        + ", ".join(f"{stage} {fps:.1f} FPS" for stage, fps in progress.budget.items())
        + f" alone beside the others; {progress.share:.0%} of the slowest ({progress.slowest}) "
        "is reached",
        *(f"  note: {note}" for note in figures["notes"]),
    ]
    out = console.output(stderr=target == STANDARD)
    out.print("\n".join(lines), markup=False, soft_wrap=True)
    return figures


def _identity(source: Path, choices: _Choices) -> str:
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


def _size(choices: _Choices, clip: VideoReader, scale: int) -> tuple[int, int] | None:
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


def _plan(inputs: tuple[str, ...], output: Path, codec: str | None) -> dict[Path, Path]:
    from ovsharp.media import CONTAINERS, VIDEO_ENDINGS, Numbered, numbered_in

    found: dict[Path, Path] = {}
    others: list[Path] = []
    for item in inputs:
        if item == str(STANDARD):
            found[_standard_input()] = Path("stdin.mp4")
            continue
        path, matches = Path(item), [Path(item)]
        if Numbered.of(path):
            found[path] = Path(f"{path.absolute().parent.name or 'frames'}.mp4")
            continue
        if path.is_dir():
            matches = sorted(file for file in path.rglob("*") if file.is_file())
        elif not path.exists() and glob.has_magic(item):
            matches = sorted(Path(match) for match in glob.glob(item, recursive=True))  # noqa: PTH207
        elif not path.exists():
            raise MediaError(f"there is no file or folder {item}")
        if matches != [path]:
            matches = [m for m in matches if not any(p.startswith(".") for p in m.parts[1:])]
            files = [match for match in matches if match.is_file()]
            matches = [match for match in files if match.suffix.lower() in VIDEO_ENDINGS]
            others += [file for file in files if file not in matches]
            if not matches:
                frames = numbered_in(path)
                hint = f"; its images are numbered: give {frames.path}" if frames else ""
                raise MediaError(
                    f"{item} holds no video: expected {', '.join(VIDEO_ENDINGS)}{hint}"
                )
        for match in matches:
            found[match] = match.relative_to(path) if path.is_dir() else Path(match.name)
    if others:
        names = ", ".join(map(str, others[:_NAMED])) + ", ..." * (len(others) > _NAMED)
        click.echo(f"passed over, no videos by their endings: {names}", err=True)
    if output == STANDARD:
        if len(found) > 1:
            raise UsageError(f"{len(found)} videos cannot all go to standard output; name a folder")
        return dict.fromkeys(found, STANDARD)
    one = Numbered.of(output) is not None or output.suffix.lower() in CONTAINERS
    if one and not output.is_dir():
        if len(found) > 1:
            raise UsageError(f"{len(found)} videos cannot all become {output}; name a folder")
        jobs = dict.fromkeys(found, output)
    elif output.suffix and not output.is_dir():
        raise UsageError(
            f"{output} is no folder, and videos cannot be written as {output.suffix}: expected "
            f"{', '.join(CONTAINERS)}, or numbered frames such as %06d.png"
        )
    else:
        jobs = {source: output / _named(name, codec) for source, name in found.items()}
    if len(set(jobs.values())) < len(jobs) and len(jobs) > 1:
        raise UsageError("two inputs would become one output; run ovsharp once for each")
    for source, target in jobs.items():
        if target.resolve() == source.resolve():
            raise UsageError(f"{target} is the input itself; choose another -o")
    return jobs


def _standard_input() -> Path:
    path = Path("/dev/stdin")
    if not path.exists():
        raise UsageError("this system has no /dev/stdin to read '-' from; save the video to a file")
    if sys.stdin.isatty():
        raise UsageError("'-' reads a video from another program: ffmpeg ... | ovsharp video - ...")
    return path


def _named(name: Path, codec: str | None) -> Path:
    """Give an output the ending of its input, if that is a container for the codec."""
    from ovsharp.media import CONTAINERS, holder

    ending = name.suffix.lower()
    ending = ending if ending in CONTAINERS else ".mp4"
    fitting = holder(codec, ending)
    return name if fitting == name.suffix.lower() else name.with_suffix(fitting)
