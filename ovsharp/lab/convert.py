"""`ovsharp convert`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ovsharp.errors import UsageError
from ovsharp.lab.following import bench_line, photos_of, quantize_line
from ovsharp.terminal import options as shared
from ovsharp.terminal import write_json

if TYPE_CHECKING:
    from ovsharp.convert import Form


@click.command(short_help="Make an ovsharp IR of a trained model.")
@click.argument("source", metavar="SOURCE|NAME", type=click.Path(path_type=Path))
@shared.folder(
    "-o",
    "--output",
    "folder",
    what="Folder to write to. [default: that of the source; of a shipped model: this one]",
)
@shared.one_of(
    "--to",
    ["ir", "planar", "tflite"],
    "ir: for ovsharp. planar: RGB planes, as ONNX and IR, for FFmpeg, VapourSynth, ONNX "
    "Runtime. tflite: for LiteRT; needs --size.",
    "ir",
    parameter="form",
)
@click.option(
    "--storage", default="fp32,fp16", show_default=True, metavar="LIST", help="Storages to write."
)
@click.option(
    "--arch",
    metavar="NAME|FILE.py:CLASS",
    help="What a checkpoint is: a registered network, or a class in a file, which is run.",
)
@click.option("--arch-args", metavar="JSON", help="Arguments of the class: '{\"channels\": 64}'.")
@click.option(
    "--weights",
    metavar="NAME",
    help="Which weights, where a checkpoint holds several: ema, generator, ...",
)
@click.option("--output-index", type=int, metavar="N", help="Which output is the picture.")
@click.option("--input-range", metavar="LOW,HIGH", help="Black and white: 0,1 or -1,1 or 0,255.")
@click.option(
    "--output-range", metavar="LOW,HIGH", help="The same at the output. [default: found by trying]"
)
@click.option("--mean", metavar="A,B,C", help="Subtracted from the input, per channel.")
@click.option("--std", metavar="A,B,C", help="The input is divided by it, after --mean.")
@click.option("--rgb/--bgr", "rgb", default=None, help="Colour order. [default: rgb]")
@click.option("--size", metavar="HxW", help="Fix the size of the input.")
@click.option("--name", help="Name of the result. [default: of the source]")
@shared.degrade("What damaged the pictures that the model was trained on.", parameter="degradation")
@click.option(
    "--prune",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Photos: leave out channels that are 0 on all of them, not only those that must be.",
)
@click.option(
    "--calib",
    metavar="PATH",
    type=click.Path(path_type=Path),
    help="Images, as of `ovsharp quantize`, to write a TFLite file in INT8 with.",
)
@shared.json_file("what was found and proven")
def convert(
    source: Path,
    folder: Path | None,
    form: Form,
    storage: str,
    arch: str | None,
    arch_args: str | None,
    weights: str | None,
    output_index: int | None,
    input_range: str | None,
    output_range: str | None,
    mean: str | None,
    std: str | None,
    rgb: bool | None,
    size: str | None,
    name: str | None,
    degradation: str | None,
    prune: Path | None,
    calib: Path | None,
    json_file: Path | None,
) -> None:
    """Convert SOURCE and prove that the result computes the same.

    SOURCE is a PyTorch checkpoint (.pth, .pt, .ckpt, .safetensors), an ONNX file, an OpenVINO IR
    (.xml) or a TensorFlow graph (.pb). Writes NAME-fp32 and NAME-fp16 (.xml and .bin), which
    take and give uint8 frames, and NAME.onnx for a checkpoint; all of them, or nothing.

    --to planar and --to tflite write files for other programs instead, of a checkpoint or of the
    shipped model NAME; docs/HOSTS.md says how they are run there. --to planar takes a router, too:
    `ovsharp convert call --to planar` writes all its models and what chooses among them.
    """
    from rich.table import Table

    from ovsharp.cluster import guarded
    from ovsharp.convert import Options
    from ovsharp.convert import convert as run
    from ovsharp.files import staged
    from ovsharp.models import parse_arguments
    from ovsharp.terminal import output, stages

    options = Options(
        architecture=arch,
        arguments=parse_arguments(arch_args) if arch_args is not None else None,
        weights=weights,
        output_index=output_index,
        value_range=_pair(input_range, "--input-range"),
        output_range=_pair(output_range, "--output-range"),
        mean=_numbers(mean, "--mean"),
        std=_numbers(std, "--std"),
        colour=None if rgb is None else "rgb" if rgb else "bgr",
        size=_size(size),
        name=name,
        degradation=degradation or "",
        prune=prune,
    )
    storages = [part.strip() for part in storage.split(",")]
    target = source.parent if folder is None else folder
    if form != "ir" and storage != "fp32,fp16":
        raise UsageError(f"--storage is for --to ir, and {form} is always f32; leave it out")
    if calib is not None and form != "tflite":
        raise UsageError("--calib is for --to tflite; an IR becomes INT8 by: ovsharp quantize")
    with stages() as progress, staged(target) as staging:
        result = guarded(
            run,
            source,
            staging,
            what=str(source),
            progress=progress,
            storages=storages,
            form=form,
            options=options,
        )
        report = list(result.report)
        if calib is not None:
            from ovsharp.calibration import quantize_lite

            small, rows = quantize_lite(result.files[0], result.spec, calib, progress=progress)
            report += [*rows, (small.name, f"{small.stat().st_size / 1e6:.2f} MB")]
    if json_file is not None:
        write_json(json_file, dict(report))
    table = Table.grid(padding=(0, 2))
    for label, value in report:
        table.add_row(label, value)
    console = output()
    console.print(table)
    if form != "ir":
        return
    model = target / f"{result.spec.file_stem}.xml"
    photos = photos_of(source)
    line = bench_line(model) if photos is None else quantize_line(photos, model)
    console.print(f"next: {line}", soft_wrap=True, markup=False)


def _numbers(text: str | None, flag: str) -> tuple[float, ...] | None:
    if text is None:
        return None
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError as error:
        raise UsageError(f"{flag} takes numbers with commas between them, got '{text}'") from error


def _pair(text: str | None, flag: str) -> tuple[float, float] | None:
    numbers = _numbers(text, flag)
    if numbers is None:
        return None
    if len(numbers) != 2:
        raise UsageError(f"{flag} takes two numbers, low,high, got '{text}'")
    return numbers[0], numbers[1]


def _size(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    height, separator, width = text.lower().partition("x")
    if not separator or not height.isdecimal() or not width.isdecimal():
        raise UsageError(f"--size takes height and width in pixels, HxW, got '{text}'")
    return int(height), int(width)
