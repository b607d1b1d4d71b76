"""`ovsharp ship`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import click

from ovsharp.errors import UsageError
from ovsharp.extras import need
from ovsharp.lab.following import image_line
from ovsharp.terminal import options

_RIVALS = {1: ("sharp-balanced",), 2: ("x2-balanced",), 4: ("x4-balanced",)}
"""The shipped models that stand beside one's own in the table, by scale."""
_FILES = "Speed: speed.html. Pictures: pictures/report.html."


@click.command()
@click.argument("source", type=click.Path(path_type=Path))
@options.folder(
    "--calib",
    "data",
    required=True,
    what="Folder of sharp images, or folder with subfolders input and target of pairs.",
)
@options.folder("-o", "--output", "folder", required=True, what="Folder to write to.")
@click.option("--arch", metavar="NAME|FILE.py:CLASS", help="As for convert.")
@click.option("--arch-args", metavar="JSON", help="As for convert.")
@click.option("--name", metavar="TEXT", help="Name of the result. [default: of the source]")
@options.degrade(
    "What damaged the pictures that the model was trained on. [default: what the checkpoint says]",
    parameter="degradation",
)
@click.option("--max-drop", default=0.002, show_default=True, help="As for quantize.")
@options.only_device
@options.threads
@click.option(
    "--sizes", default="720p,1080p", show_default=True, help="Sizes of the output for bench."
)
@click.option(
    "--seconds", default=2.0, show_default=True, help="Timed seconds per row and size of bench."
)
@options.json_file("the figures of all steps")
@click.pass_context
def ship(
    context: click.Context,
    source: Path,
    data: Path,
    folder: Path,
    arch: str | None,
    arch_args: str | None,
    name: str | None,
    degradation: str,
    max_drop: float,
    device: str,
    threads: int | None,
    sizes: str,
    seconds: float,
    json_file: Path | None,
) -> None:
    """Take SOURCE from a checkpoint to an INT8 model with all that tells what it is worth.

    The second line is for weights that do not say what they undo.

    Runs convert, quantize, bench (beside the shipped model of the same scale) and eval, each as
    by hand, and prints the line of each. Writes the models, README.md (the card), speed.html (the
    table) and pictures/report.html (the page); pictures and card are of images that nothing was
    calibrated on. What fails stops there, and what was finished before it stays.
    """
    _need_all(source)
    from ovsharp.engine import get_core, read_ir
    from ovsharp.evaluation import Evaluation, model_card
    from ovsharp.files import scratch, staged
    from ovsharp.lab.bench import bench
    from ovsharp.lab.convert import convert
    from ovsharp.lab.eval import eval as score
    from ovsharp.lab.quantize import quantize
    from ovsharp.media import holds_pairs
    from ovsharp.terminal import output, write_json

    told = {}
    say = partial(output().print, markup=False, soft_wrap=True)

    def run(step: str, command: click.Command, **options: object) -> None:
        say(f"\n{step}")
        with scratch() as written:
            context.invoke(command, json_file=written / "step.json", **options)
            told[str(command.name)] = json.loads((written / "step.json").read_text("utf-8"))

    stem = name or source.stem
    float_model, int8_model = (folder / f"{stem}-{storage}.xml" for storage in ("fp32", "int8"))
    run(
        "1/4 convert",
        convert,
        source=source,
        folder=folder,
        arch=arch,
        arch_args=arch_args,
        name=name,
        degradation=degradation,
    )
    if not read_ir(float_model, get_core())[1].degradation and not holds_pairs(data):
        raise UsageError(
            f"{source} does not say what it was trained to undo{_guess(float_model, data)}: say it "
            f"with --degrade RECIPE, or give a folder of pairs with --calib"
        )
    run(
        "2/4 quantize",
        quantize,
        data=data,
        model=str(float_model),
        max_drop=max_drop,
        device=device,
    )
    spec = read_ir(int8_model, get_core())[1]
    own = (str(float_model), str(int8_model))
    run(
        "3/4 bench",
        bench,
        models=own + _RIVALS.get(spec.scale, ()),
        data=data,
        sizes=sizes,
        modes="latency",
        seconds=seconds,
        device=device,
        threads=threads,
        html_file=folder / "speed.html",
    )
    with scratch() as held:
        _copy(data, _held_apart(int8_model), held)
        pairs = holds_pairs(data)
        run(
            "4/4 eval",
            score,
            models=(str(int8_model),),
            data=None if pairs else held,
            pairs=(held / "input", held / "target") if pairs else None,
            output=folder / "pictures",
            device=device,
            threads=threads,
        )
    results = (folder / "pictures" / "results.json").read_text(encoding="utf-8")
    text = model_card(spec, Evaluation.from_json(results), _FILES)
    with staged(folder) as staging:
        (staging / "README.md").write_text(text, encoding="utf-8")
    say(f"\n{folder / 'README.md'}")
    if json_file is not None:
        write_json(json_file, told)
    photo = data / _held_apart(int8_model)[0]
    say(f"next: {image_line(int8_model, photo, folder / f'sharpened-{photo.stem}.png')}")


def _need_all(source: Path) -> None:
    """Name the extras of all steps before the first one.

    Raises:
        MissingExtraError: one of them is not there.
    """
    if source.suffix.lower() in (".onnx", ".xml", ".pb"):
        need("nncf", extra="quantize")
    else:
        need("torch", "onnx", "onnxscript", "nncf", extra="convert,quantize")


def _guess(path: Path, data: Path) -> str:
    from ovsharp.calibration import likely, try_damages
    from ovsharp.engine import get_core, read_ir

    best = likely(try_damages(*read_ir(path, get_core()), data))
    return f", and seems made for {best.text}" if best else ""


def _held_apart(model: Path) -> list[str]:
    """Name the images that INT8 was measured on, and nothing was fitted to; inputs first."""
    manifest = model.with_suffix(".calibration.json").read_text(encoding="utf-8")
    return [name for crop in json.loads(manifest)["validation"] for name in crop["files"]]


def _copy(data: Path, names: Sequence[str], to: Path) -> None:
    from shutil import copyfile

    for name in names:
        (to / name).parent.mkdir(parents=True, exist_ok=True)
        copyfile(data / name, to / name)
