"""`ovsharp quantize`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ovsharp.lab.following import bench_line
from ovsharp.terminal import options, write_json

if TYPE_CHECKING:
    from ovsharp.benchmarks import Speed
    from ovsharp.calibration import LimitError, Quantized
    from ovsharp.reports import Size


@click.command()
@click.option(
    "--calib",
    "data",
    required=True,
    metavar="PATH",
    type=click.Path(path_type=Path),
    help="Folder of sharp images, folder with subfolders input and target of pairs, or a video.",
)
@click.option("--model", metavar="NAME|FILE", help="FP32 or FP16 IR. [default: the shipped FP32]")
@options.folder(
    "-o",
    "--output",
    what="Folder to write to. [default: that of the model, or this one for a shipped model]",
)
@click.option(
    "--max-drop",
    default=0.002,
    show_default=True,
    help="Largest loss of SSIM. Layers are given back to floating point until it holds.",
)
@click.option("--subset", default=128, show_default=True, help="Frames to calibrate on.")
@click.option(
    "--preset",
    type=click.Choice(["performance", "mixed"]),
    help="mixed quantizes signed activations asymmetrically. [default: mixed for networks with "
    "other activations than ReLU]",
)
@options.degrade(
    "What damages the sharp images; clean if they are damaged already. [default: what the model "
    "was trained to undo, else what it seems made for]"
)
@options.number("--seed", click.IntRange(0), "Of the sample and of the damages.", 0)
@options.only_device
@click.option(
    "--size",
    default="1080p",
    show_default=True,
    help="Size of the output that the speed is measured at: 480p, 720p, 1080p, HxW, ...",
)
@options.json_file("all figures")
def quantize(
    data: Path,
    model: str | None,
    output: Path | None,
    max_drop: float,
    subset: int,
    preset: str,
    degrade: str | None,
    seed: int,
    device: str,
    size: str,
    json_file: Path | None,
) -> None:
    """Make an INT8 model and measure what that costs.

    A fourth of the images is held apart from calibration. The drop in SSIM is measured on one
    half of them with the execution precision that will run; if it is over --max-drop, layers are
    given back to floating point, the most harmful ones first, as the other half asks for. If that
    does not help, nothing is written, and a table shows what was tried.
    """
    from ovsharp import calibration
    from ovsharp.benchmarks import compare_speed
    from ovsharp.engine import resolve_execution
    from ovsharp.reports import Size
    from ovsharp.runtime import find_model, shipped_models
    from ovsharp.terminal import console

    at = Size.parse(size)
    path = find_model(model, "f32")
    if output is None and any(path in files.values() for files in shipped_models().values()):
        output = Path()
    with console.stages() as progress:
        try:
            done = calibration.quantize(
                path,
                data,
                folder=output,
                max_drop=max_drop,
                subset=subset,
                preset=preset,
                degrade=degrade,
                seed=seed,
                device=device,
                progress=progress,
            )
        except calibration.LimitError as error:
            _show_trades(error, path, at, device)
            raise
        progress("timing", 0, 1)
        float_execution = resolve_execution(
            device, done.parent_spec.storage, "f32" if done.quantization.fallback else None
        )
        before, after = compare_speed(
            [(done.parent, float_execution), (done.model, done.execution)],
            done.spec,
            at,
            device=device,
        )
        progress("timing", 1, 1)
    if json_file is not None:
        write_json(json_file, _figures(done, at.name, before, after))
    for line in _lines(done, at.name, before, after):
        console.output().print(line, soft_wrap=True, markup=False)


def _show_trades(error: LimitError, path: Path, size: Size, device: str) -> None:
    """Print what each model that was tried loses and how fast it is."""
    from rich import box
    from rich.table import Table

    from ovsharp.benchmarks import compare_speed
    from ovsharp.engine import get_core, read_ir, resolve_execution
    from ovsharp.terminal import console

    parent, spec = read_ir(path, get_core())
    table = Table(box=box.SIMPLE_HEAD)
    for heading in (
        "run as",
        "in float",
        "SSIM drop",
        "worst drawn",
        "levels",
        f"at {size.name}",
    ):
        table.add_column(heading, justify="right")
    subjects = [(parent, resolve_execution(device, spec.storage, None))]
    subjects += [(trade.model, trade.execution) for trade in error.trades]
    base, *speeds = compare_speed(subjects, spec, size, device=device)
    for trade, speed in zip(error.trades, speeds, strict=True):
        verdict = trade.verdict
        table.add_row(
            trade.execution.label,
            str(len(trade.float_layers)),
            f"{verdict.ssim_drop:+.4f}",
            verdict.extreme_frame,
            f"{verdict.extreme_levels} of {verdict.extreme_limit}",
            f"x{speed.fps / base.fps:.2f}",
        )
    table.add_row(base.execution, "all", "0", "-", "0", f"{base.fps:.1f} FPS")
    console.output(stderr=True).print(table)


def _lines(done: Quantized, size: str, before: Speed, after: Speed) -> list[str]:
    from ovsharp.engine import megabytes

    images, verdict, verdict_f32 = done.images, done.verdict, done.verdict_f32
    parent, own, ran = done.parent_quality, done.before, verdict.execution
    small, large = megabytes(done.files[0]), megabytes(done.parent_path)
    against = "ground truth" if images.has_truth else "the parent's own output"
    skipped = f", {len(images.skipped)} skipped" if images.skipped else ""
    return [
        f"size    {large:.2f} MB -> {small:.2f} MB ({small / large:.0%})",
        f"speed   {before.fps:.1f} FPS ({before.execution}) -> {after.fps:.1f} FPS "
        f"({after.execution}), x{after.fps / before.fps:.2f}; the model alone at {size}, medians "
        f"of {before.count} and {after.count} frames in turns",
        f"SSIM    {parent.ssim:.4f} (f32) -> {verdict.quality.ssim:.4f} ({ran}), "
        f"{verdict_f32.quality.ssim:.4f} (int8+f32); the input's own {own.ssim:.4f}",
        f"PSNR    {parent.psnr:.2f} dB (f32) -> {verdict.quality.psnr:.2f} dB ({ran}), "
        f"{verdict_f32.quality.psnr:.2f} dB (int8+f32); the input's own {own.psnr:.2f} dB",
        f"drop    SSIM {verdict.ssim_drop:+.4f} (limit {done.quantization.max_drop:g}), PSNR "
        f"{verdict.psnr_drop:+.2f} dB, against {against} of {len(images.validation)} images held "
        f"apart, chosen on {len(images.choosing)} others; of white, black, flat and gradient "
        f"frames {verdict.extreme_frame} fares worst, off by {verdict.extreme_levels} levels "
        f"(limit {verdict.extreme_limit})",
        f"worth   {_worth(done)}",
        f"ran     {done.parent_spec.storage} -> {done.spec.storage} storage, {ran} on "
        f"{done.quantization.device}; calibrated on {len(images.calibration)} crops of "
        f"{images.calibration_images} images{skipped}; layers given back to floating point: "
        f"{', '.join(done.quantization.float_layers) or 'none'}",
        *_fallback(done),
        f"files   {', '.join(str(file) for file in done.files)}",
        f"next: {bench_line(done.parent_path, done.files[0])}",
    ]


def _worth(done: Quantized) -> str:
    """Say whether the model is any help on these images: if not, the drop says little."""
    from ovsharp.calibration import likely

    images, own, parent = done.images, done.before.ssim, done.parent_quality.ssim
    if not images.has_truth:
        return "not known: the images are damaged already, and there is no truth to compare with"
    worse = f"worse than its own input on {done.worse} of {len(images.validation)} images"
    made, best = done.parent_spec.degradation, likely(done.trials)
    seems = f"made for {best.text}" if best else "made for none of the damages that were tried"
    if parent >= own:
        return worse if made or best is None else f"{worse}; nobody says so, but it seems {seems}"
    recipe = images.recipe
    damage = recipe.name if recipe is not None else "the pairs"
    return (
        f"WORSE THAN ITS OWN INPUT on average, SSIM {own:.4f} -> {parent:.4f}: {worse}, so this "
        f"drop is a poor yardstick. It was made for {made or 'a damage that nobody names'} and "
        f"measured on {damage}"
        + (f"; of others it seems {seems}: name its own with --degrade" if done.trials else "")
    )


def _fallback(done: Quantized) -> list[str]:
    """Say so where the model does not run with the best precision of the device."""
    reason = done.quantization.fallback
    if not reason:
        return []
    return [
        f"note    it runs as {done.spec.precision} by itself: {reason}; run its FP32 and FP16 "
        f"files with --precision f32, too"
    ]


def _figures(done: Quantized, size: str, before: Speed, after: Speed) -> dict[str, Any]:
    from dataclasses import asdict

    from ovsharp.engine import megabytes

    return {
        "schema": 1,
        "megabytes": {"before": megabytes(done.parent_path), "after": megabytes(done.files[0])},
        "speed": {"size": size, "before": asdict(before), "after": asdict(after)},
        "quality": {
            "input": asdict(done.before),
            "before": asdict(done.parent_quality),
            "after": asdict(done.verdict),
            "after_f32": asdict(done.verdict_f32),
            "has_truth": done.images.has_truth,
            "worse_than_input": done.worse,
            "damages_tried": [asdict(trial) for trial in done.trials],
        },
        "quantization": asdict(done.quantization),
        "calibration_crops": len(done.images.calibration),
        "skipped": {skipped.image: skipped.reason for skipped in done.images.skipped},
        "files": [str(file) for file in done.files],
    }
