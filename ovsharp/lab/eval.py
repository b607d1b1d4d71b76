"""`ovsharp eval`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from ovsharp.errors import UsageError
from ovsharp.terminal import crew, options, write_json

if TYPE_CHECKING:
    from rich.table import Table

    from ovsharp import evaluation
    from ovsharp.runtime import Quality


@click.command("eval")
@click.option(
    "--model",
    "models",
    multiple=True,
    metavar="MODEL",
    help="A shipped model or an ovsharp IR. May be repeated; the first one leads the page. "
    "[default: call, which chooses]",
)
@click.option("--data", type=click.Path(path_type=Path), help="Folder of sharp images.")
@click.option(
    "--pairs",
    nargs=2,
    type=click.Path(path_type=Path),
    metavar="DAMAGED TRUTH",
    help="In place of --data: two folders whose images have equal names.",
)
@click.option(
    "--clips",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="VIDEO|FOLDER",
    help="In place of --data: sharp videos, to be sent, received and sharpened as `ovsharp video` "
    "does it. May be repeated.",
)
@click.option(
    "--sent",
    multiple=True,
    metavar="[NAME=]SENDING",
    help="How clips are sent, e.g. 'x264(kbps=250, scale=2)'; codecs x264, vp8, vp9, av1; crf or "
    "kbps, as at 1280x720; scale. May be repeated. "
    "[default: x264 crf 36, x264 250k 1/2, vp8 300k 1/2]",
)
@options.number(
    "--seconds",
    options.ABOVE_0,
    "How much of each clip is taken, from its beginning.",
    2.0,
)
@options.number(
    "--downscale",
    click.FloatRange(1, 16),
    "The truth is the clip, smaller by this factor each way (area).",
    1.0,
)
@click.option("--size", metavar="NUMBERp", help="Shrink larger clips to this shorter side: 720p.")
@options.number(
    "--measure-every",
    click.IntRange(1),
    "Measure one frame of a clip out of N; all are sharpened.",
    3,
    metavar="N",
)
@options.number(
    "--vmaf-every",
    click.IntRange(0),
    "Score the VMAF of one frame of a clip out of N, seconds each; 0 for none.",
    30,
    metavar="N",
)
@click.option(
    "--rivals",
    is_flag=True,
    help="Beside clips' input, measure an unsharp mask, FFmpeg's deblock, hqdn3d, unsharp and cas, "
    "and Lanczos.",
)
@click.option(
    "--degrade",
    multiple=True,
    metavar="[NAME=]RECIPE",
    help="What damages the sharp images, and what to call it. May be repeated. "
    "[default: what the models undo]",
)
@options.folder(
    "-o",
    "--output",
    default="evaluation",
    what="Folder for results.json, results.csv, images.csv, report.html, and clips' panels/.",
)
@options.number("--images", click.IntRange(1), "Use this many, evenly spread.")
@options.number("--crop", click.IntRange(176), "Crop to this side. [default: whole images]")
@options.number("--jobs", click.IntRange(1), "Threads for images.", 2)
@options.workers("the images or clips")
@options.unsharp
@options.one_of(
    "--protocol",
    ["colour", "luma"],
    "luma: a paper's table. Y of BT.601, without a border of as many pixels as the scale.",
    "colour",
)
@click.option("--resume", is_flag=True, help="Keep what an earlier run in the folder finished.")
@click.option(
    "--text",
    is_flag=True,
    help="Measure how legible text is, too: seconds a picture (Tesseract).",
)
@options.device
@options.threads
@options.json_file("all figures")
@click.option(
    "--quality",
    "qualities",
    multiple=True,
    type=options.QUALITY,
    help="Size of the models. May be repeated: a row each.",
)
def eval(  # noqa: A001 - the verb's name
    models: tuple[str, ...],
    data: Path | None,
    pairs: tuple[Path, Path] | None,
    clips: tuple[Path, ...],
    sent: tuple[str, ...],
    seconds: float,
    downscale: float,
    size: str | None,
    measure_every: int,
    vmaf_every: int,
    rivals: bool,
    degrade: tuple[str, ...],
    output: Path,
    images: int | None,
    crop: int | None,
    jobs: int,
    workers: int | None,
    cluster: str | None,
    unsharp: float,
    protocol: Literal["colour", "luma"],
    resume: bool,
    text: bool,
    device: str,
    threads: int | None,
    json_file: Path | None,
    precision: str | None,
    qualities: tuple[Quality, ...],
) -> None:
    """Score models on a folder of images, or on clips, beside the input and bicubic.

    The category of an image is its subfolder, or what its name has before the first separator.
    Figures are means with standard deviation and the 95 % interval of Student's t; differences
    are tested on the same images (Wilcoxon). What cannot be used is skipped and listed, and the
    exit code is then 1.
    """
    from ovsharp import evaluation as room
    from ovsharp.apps import play
    from ovsharp.files import kept_if_filled, staged
    from ovsharp.runtime import DEFAULT_ROUTER
    from ovsharp.terminal import EXIT_FAILED, progress, show
    from ovsharp.terminal import output as out

    wanted = room.Options(
        models or (DEFAULT_ROUTER,),
        data,
        pairs or None,
        degrade,
        images,
        crop or 0,
        jobs,
        device,
        precision,
        qualities,
        unsharp,
        protocol,
        text,
        clips,
        sent,
        room.Taken(seconds, downscale, _side(size)),
        measure_every,
        vmaf_every,
        rivals,
    )
    with ExitStack() as stack:
        subjects = stack.enter_context(room.open_subjects(wanted, threads))
        room.make_plan(wanted, subjects, play)  # what makes no sense leaves no folder behind
        members = crew.opened(stack, workers, cluster)
        with kept_if_filled(output), progress() as bar:
            task = bar.add_task("scoring", total=None)
            result = room.evaluate(
                wanted,
                subjects,
                output,
                resume=resume,
                progress=lambda done, total: bar.update(task, completed=done, total=total),
                play=play,
                # A clip takes long: one at a time.
                share=None
                if members is None
                else partial(crew.in_batches, members, most=1 if clips else None),
                threads=threads or (members.threads if members else 1),
            )
            views = []
            for damage in result.degradations:
                bar.update(task, description=f"pictures: {damage.name}")
                views += room.make_views(result, wanted, subjects, damage.name, play)
    files = {
        "results.json": result.to_json(),
        "results.csv": room.summary_csv(result),
        "images.csv": room.image_csv(result),
        "report.html": room.to_page(result, views),
    }
    with staged(output) as staging:
        for name, content in files.items():
            (staging / name).write_text(content, encoding="utf-8")
    if clips:
        files["panels/"] = ""
        with staged(output / "panels") as staging:
            for view in views:
                (staging / view.file).write_bytes(view.panel)
    if json_file is not None:
        write_json(json_file, files["results.json"])
    console = out()
    for table in _tables(result):
        show(console, table)
        console.print()
    for line in (*room.headlines(result), *result.notes):
        console.print(line, markup=False, soft_wrap=True)
    console.print(f"written to {output}: {', '.join(files)}", markup=False, soft_wrap=True)
    if result.skipped:
        console.print(f"{len(result.skipped)} skipped:", markup=False)
        for item in result.skipped:
            console.print(f"  {item.image}: {item.reason}", markup=False, soft_wrap=True)
        raise click.exceptions.Exit(EXIT_FAILED)


def _tables(result: evaluation.Evaluation) -> Iterator[Table]:
    from ovsharp import evaluation as room

    names = [damage.name for damage in result.degradations]
    if result.protocol == "luma":
        yield room.luma_table(result)
        return
    if result.kind == "images":
        yield from (room.result_table(result, name) for name in names)
        yield room.pair_table(result)
        return
    yield from (room.sending_table(result, name) for name in names)
    for name in names:
        ran = {row.method for row in result.rows if row.degradation == name}
        lead = next((method.name for method in result.models if method.name in ran), None)
        if lead is not None:
            yield room.clip_table(result, name, lead)
            yield room.colour_table(result, name, lead)


def _side(size: str | None) -> int | None:
    if size is None:
        return None
    match = re.fullmatch(r"(\d{2,5})p", size)
    if match is None or int(match[1]) < 16:
        raise UsageError(f"cannot read --size {size}; expected a shorter side, e.g. 720p")
    return int(match[1])
