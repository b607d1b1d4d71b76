"""`ovsharp bench`."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ovsharp.terminal import options as shared
from ovsharp.terminal import write_json

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress

    from ovsharp.measuring import Report


_ISA_VARIABLE = "ONEDNN_MAX_CPU_ISA"
_ISAS = ("AVX512_CORE_BF16", "AVX512_CORE_VNNI", "AVX2_VNNI", "AVX2")


@click.command()
@shared.only_device
@click.option(
    "--model",
    "models",
    multiple=True,
    metavar="MODEL",
    help="A shipped model, a folder of ovsharp IRs, or a file that ovsharp convert takes, with its "
    "options after commas. May be repeated. [default: the shipped model in all its storages]",
)
@click.option(
    "--peers",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Measure the models of others in a folder (.xml, .onnx, .pb) beside one's own, each as it "
    "is usually run; --precision says more. Without --model, all shipped ones step up. Below "
    "4 GB of memory.",
)
@click.option(
    "--textbook",
    is_flag=True,
    help="Measure the same networks converted the textbook way, too: FP32 with PrePostProcessor, "
    "and INT8 by NNCF's defaults.",
)
@click.option(
    "--isa",
    type=click.Choice(_ISAS),
    help="Hold the CPU to an older instruction set, as another machine would have it.",
)
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    help="Folder of sharp images, or with subfolders input and target of pairs. [default: photos "
    "that come with scikit-image]",
)
@shared.degrade(
    "What damages the sharp images. [default: what the model was trained to undo; if unknown, "
    "gla for scale 1 and an antialiased downscale otherwise]"
)
@shared.number(
    "--images",
    click.IntRange(1),
    "Images of --data that are used, evenly spread; larger ones are cropped to 768 pixels.",
    16,
)
@click.option(
    "--sizes",
    default="480p,720p,1080p",
    show_default=True,
    help="Sizes of the output: 360p, 480p, 720p, 1080p, 1440p, 2160p or HxW.",
)
@click.option(
    "--precision",
    "precisions",
    default="",
    metavar="LIST",
    help="Only these executions: f32, bf16, f16, int8, int8+f32, int8+bf16, int8+f16, eager "
    "(PyTorch). [default: all that the device has natively]",
)
@click.option(
    "--mode",
    "modes",
    default="latency,throughput",
    show_default=True,
    help="latency: one frame at a time; throughput: several in flight.",
)
@click.option(
    "--calls",
    type=float,
    is_flag=False,
    flag_value=30.0,
    metavar="[FPS]",
    help="Find instead how many calls of so many frames per second (30) this machine holds with "
    "at most 1 % of the frames late, and forecast for others; takes one --model, --quality, "
    "--device, --sizes [360p,720p], --precision, --mode, --threads, --isa, --seconds of each "
    "trial and --json.",
)
@click.option(
    "--quality",
    "qualities",
    default="",
    metavar="LIST",
    help="Of --calls: sizes of the models, fast, balanced or best. [default: fast,balanced; that "
    "of --model]",
)
@click.option("--seconds", default=4.0, show_default=True, help="Timed seconds per row and size.")
@shared.threads
@shared.json_file("all figures")
@shared.file("--csv", "csv_file", what="Write a line per row.")
@shared.file("--html", "html_file", what="Write a page.")
@click.option(
    "--baseline",
    type=click.Path(path_type=Path),
    help="An older --json to compare with; exit code 1 if this run is worse.",
)
@click.option(
    "--max-regress",
    default="5%",
    show_default=True,
    help="How much slower than the baseline is still accepted. SSIM may fall by 0.002.",
)
def bench(
    device: str,
    models: tuple[str, ...],
    peers: Path | None,
    textbook: bool,
    isa: str | None,
    data: Path | None,
    degrade: str | None,
    images: int,
    sizes: str,
    precisions: str,
    modes: str,
    calls: float | None,
    qualities: str,
    seconds: float,
    threads: int | None,
    json_file: Path | None,
    csv_file: Path | None,
    html_file: Path | None,
    baseline: Path | None,
    max_regress: str,
) -> None:
    """Compare storage and execution precisions by SSIM and throughput.

    Every row is one model in one storage (FP32, FP16, INT8) with one execution precision (f32,
    bf16, ..., int8 with the rest in one of these), beside the same network in eager PyTorch where
    that is installed. Rows of one size are measured in turns, so their ratios hold on a busy
    machine too.

    \b
    A model may carry options after commas, short for those of convert:
      --model net.onnx,bgr,range=0:255
      --model student.pth,arch=gla,name=mine
      rgb | bgr   range=LOW:HIGH   out=LOW:HIGH   mean=A:B:C   std=A:B:C
      arch=NAME   output=N   size=HxW   name=NAME   degrade=RECIPE
    """  # noqa: D301 - click keeps the lines of a paragraph that starts with a backspace
    if isa is not None:
        _hold_to(isa)
    if calls is not None:
        _bench_calls(calls)
        return
    from ovsharp import benchmarks
    from ovsharp.cluster import guarded
    from ovsharp.errors import UsageError
    from ovsharp.files import staged
    from ovsharp.terminal import EXIT_FAILED, output, progress, show

    if qualities:
        raise UsageError("--quality goes with --calls; without, name the models by --model")
    limit = _share(max_regress)
    old = _read_baseline(baseline) if baseline else None
    options = benchmarks.Options(
        models=models,
        peers=peers,
        textbook=textbook,
        device=device,
        data=data,
        degrade=degrade,
        images=images,
        sizes=_split(sizes),
        precisions=_split(precisions),
        modes=benchmarks.parse_modes(_split(modes)),
        seconds=seconds,
        threads=threads,
    )
    with ExitStack() as stack:
        # Opened first: a folder that cannot be written is told before the minutes of measuring.
        stages = {
            path: stack.enter_context(staged(path.parent))
            for path in (json_file, csv_file, html_file)
            if path and str(path) != shared.STANDARD
        }
        with progress() as bar:
            report, samples = benchmarks.run_benchmark(options, _Bar(bar), guarded)
        if json_file in stages:
            (stages[json_file] / json_file.name).write_text(report.to_json(), encoding="utf-8")
        elif json_file:
            write_json(json_file, report.to_json())
        if csv_file:
            text = benchmarks.to_csv(report)
            (stages[csv_file] / csv_file.name).write_text(text, encoding="utf-8")
        if html_file:
            text = benchmarks.to_html(report, samples)
            (stages[html_file] / html_file.name).write_text(text, encoding="utf-8")
    console = output()
    for line in benchmarks.header_lines(report):
        console.print(line, markup=False)
    show(console, benchmarks.quality_table(report))
    for size in report.sizes:
        show(console, benchmarks.speed_table(report, size))
        ratios = benchmarks.ratio_table(report, size)
        if ratios is not None:
            show(console, ratios)
    for line in benchmarks.NOTES:
        console.print(line, style="dim", markup=False)
    for line in report.recommendations:
        console.print(line, style="bold", markup=False)
    if old and not _accepted(old, report, limit):
        raise click.exceptions.Exit(EXIT_FAILED)


def _bench_calls(fps: float) -> None:
    """Find how many calls are held, with the options of the command that was called."""
    from ovsharp.errors import UsageError

    context = click.get_current_context()
    given = {
        name: value
        for name, value in context.params.items()
        if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
    }
    taken = ("models", "qualities", "device", "sizes", "precisions", "modes", "threads", "seconds")
    strange = given.keys() - {*taken, "calls", "isa", "json_file"}
    names = {one.name: one.opts[0] for one in context.command.params}
    if strange:
        others = ", ".join(sorted(names[name] for name in strange))
        raise UsageError(f"--calls does not go with {others}; leave one of them out")
    if len(given.get("models", ())) > 1:
        raise UsageError("--calls measures one --model; run it once for each")
    if len(precisions := _split(given.get("precisions", ""))) > 1:
        raise UsageError("--calls measures one --precision; run it once for each")
    from ovsharp import benchmarks
    from ovsharp.terminal import output, progress, show

    model = next(iter(given.get("models", ())), None)
    qualities = _split(given.get("qualities", "" if model else "fast,balanced"))
    with progress() as bars:
        bar = _Bar(bars)
        report = benchmarks.measure_calls(
            model,
            sizes=_split(given.get("sizes", "360p,720p")),
            qualities=qualities or (None,),
            modes=benchmarks.parse_modes(_split(context.params["modes"])),
            fps=fps,
            seconds=context.params["seconds"],
            device=context.params["device"],
            precision=next(iter(precisions), None),
            threads=context.params["threads"],
            step=bar.step,
        )
    if context.params["json_file"]:
        write_json(context.params["json_file"], report.to_dict())
    console = output()
    for line in benchmarks.calls_lines(report):
        console.print(line, markup=False, soft_wrap=True)
    show(console, benchmarks.calls_table(report))
    show(console, benchmarks.forecast_table(report))


def _hold_to(isa: str) -> None:
    """Hold oneDNN to an instruction set; it reads the variable once, when OpenVINO is loaded."""
    from ovsharp.errors import UsageError

    if "openvino" in sys.modules:
        raise UsageError(
            f"--isa comes too late in this process, where OpenVINO is loaded already; set "
            f"{_ISA_VARIABLE}={isa} before it starts"
        )
    os.environ[_ISA_VARIABLE] = isa


def _accepted(old: Report, new: Report, limit: float) -> bool:
    """Compare with the baseline, print what got worse, and tell whether nothing did."""
    from ovsharp import benchmarks
    from ovsharp.terminal import output, show

    comparison = benchmarks.compare(old, new, limit)
    console = output()
    for line in comparison.warnings:
        console.print(f"WARNING: {line}", style="bold red", markup=False)
    if comparison.regressions:
        show(console, benchmarks.regression_table(comparison))
        return False
    console.print(
        f"baseline: {comparison.compared} figures compared, none worse by more than {limit:.3g}"
    )
    return True


def _read_baseline(path: Path) -> Report:
    from ovsharp.errors import UsageError
    from ovsharp.measuring import Report

    try:
        return Report.from_json(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is no report that ovsharp bench wrote: it is no text") from error
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from error


def _split(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _share(text: str) -> float:
    from ovsharp.errors import UsageError

    try:
        number = float(text.removesuffix("%"))
    except ValueError:
        number = -1.0
    if not 0 <= number < 100 or (not text.endswith("%") and number >= 1):
        raise UsageError(f"--max-regress must be like 5% or 0.05, got '{text}'")
    return number / 100 if text.endswith("%") else number


class _Bar:
    """Shows a run on a progress bar; its units are seconds."""

    def __init__(self, bar: RichProgress) -> None:
        self._bar = bar
        self._task = bar.add_task("reading models", total=None)

    def plan(self, total: float) -> None:
        self._bar.update(self._task, total=round(total))

    def step(self, text: str) -> None:
        self._bar.update(self._task, description=text)

    def advance(self, amount: float) -> None:
        self._bar.advance(self._task, amount)
