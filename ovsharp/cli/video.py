"""`ovsharp video`: sharpen video files."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ovsharp.cli import video_parts
from ovsharp.cli.video_one import Choices, run
from ovsharp.cli.video_plan import STANDARD, check_frames, check_untouched, plan
from ovsharp.cli.video_told import failure
from ovsharp.cli.video_watch import check_watch, watch_folder
from ovsharp.errors import MediaError, OvsharpError, UsageError
from ovsharp.terminal import check_json, crew, options, write_json

if TYPE_CHECKING:
    from ovsharp.apps import Choice


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
@options.long_job(figures="all figures", split="the work", resume="Continue an interrupted job.")
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
    check_untouched(flags)
    check_json(flags["json_file"], output)
    if watch:
        check_watch(inputs, output)
    video_parts.check_split(output, STANDARD, choice.target_fps, flags)
    jobs = {} if watch else plan(inputs, output, flags["codec"])
    check_frames(output, flags)
    from ovsharp.extras import need
    from ovsharp.runtime import model_files

    need("av", extra="video")
    used = model_files(choice.model, choice.precision, choice.quality)
    stamps = [(str(path), path.stat()) for path in used]
    files = tuple((path, stamp.st_size, stamp.st_mtime_ns) for path, stamp in stamps)
    choices = Choices(**flags, settings=(files, replace(choice, threads=None)))
    reports, failures = [], []
    with choice.opened() as sharpener, ExitStack() as stack:
        if members := crew.opened(stack, flags["workers"], flags["cluster"]):
            choices = replace(
                choices, split=(members, replace(choice, threads=choice.threads or members.threads))
            )
        if watch:
            watch_folder(Path(inputs[0]), output, sharpener, choices)
        for source, target in jobs.items():
            try:
                reports.append(run(source, target, sharpener, choices))
            except UsageError:
                raise
            except (OvsharpError, OSError) as error:
                if len(jobs) == 1:
                    raise
                failures.append(failure(source, error))
    if choices.json_file is not None:
        write_json(choices.json_file, reports)
    if failures:
        raise MediaError(f"{len(failures)} of {len(jobs)} failed\n  " + "\n  ".join(failures))
