"""What ovsharp aims at, and how much of it the results of `benchmark_page.py` reach."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ovsharp.engine import get_core, read_ir
from ovsharp.evaluation import Evaluation
from ovsharp.evaluation.results import ALL, INPUT, MEASURES
from ovsharp.runtime import shipped_models
from ovsharp.spec import Quantization

PSNR_LOSS, SSIM_LOSS = 0.02, 0.0005
"""The most that INT8 may cost a model."""


@dataclass(frozen=True)
class Aim:
    """A figure that a method is to reach on one damage."""

    task: str
    """Of benchmark_page.py, as are the names of damages and methods."""
    damage: str
    method: str
    measure: str
    wanted: float
    over: str = INPUT
    """The method that it is to be above by this much; empty for the figure itself."""


@dataclass(frozen=True)
class Reached:
    """What was measured of an aim, in words, but for whether it holds."""

    damage: str
    method: str
    measure: str
    wanted: str
    found: str
    holds: bool


def _both(
    task: str, damage: str, measure: str, balanced: float, best: float, over: str = INPUT
) -> tuple[Aim, Aim]:
    return (
        Aim(task, damage, "call balanced", measure, balanced, over),
        Aim(task, damage, "call best", measure, best, over),
    )


def _paper(scale: int, model: str, *wanted: float) -> tuple[Aim, ...]:
    names = ("Set5", "Set14", "BSD100", "Urban100")
    return tuple(
        Aim(f"{name}-x{scale}", "pairs", model, "psnr_y", figure, over="")
        for name, figure in zip(names, wanted, strict=False)
    )


UNSHARP = "--unsharp 0.7"
"""What the task `crisp` asks of `ovsharp eval` beside the others."""
HALF = ("x264 250k 1/2", "vp8 300k 1/2")
AIMS = (
    *_both("clips", "x264 crf 36", "psnr", 0.45, 0.60),
    *(aim for sent in HALF for aim in _both("clips", sent, "psnr", 0.35, 0.50)),
    *(aim for sent in HALF for aim in _both("clips", sent, "ssim", 0.007, 0.010)),
    # A faithful picture has edges at least as sharp as the input's.
    *(aim for sent in ("x264 crf 36", *HALF) for aim in _both("clips", sent, "edge_truth", 0, 0)),
    *(aim for sent in HALF for aim in _both("crisp", sent, "vmaf", 8, 11)),
    *(aim for sent in HALF for aim in _both("crisp", sent, "vmaf_neg", 6, 8)),
    *(aim for sent in HALF for aim in _both("crisp", sent, "edge_truth", 0.80, 0.85, over="")),
    *(aim for sent in HALF for aim in _both("crisp", sent, "psnr", 0, 0)),
    *_both("router", "h264 half size", "psnr", 0.8, 0.8),
    *_both("router", "h264 half size", "ssim", 0.02, 0.02),
    *_both("router", "h264", "psnr", 0.5, 0.5),
    *_both("router", "h264", "ssim", 0.008, 0.008),
    *_both("router", "jpeg", "psnr", 1.1, 1.4),
    *_both("router", "noise", "ssim", 0.30, 0.30),
    *_both("router", "gla", "ssim", 0.085, 0.085),
    *_both("router", "edsr", "ssim", 0.015, 0.020),
    # SESR-M5 and IMDN at x2, FSRCNN and IMDN at x4, as published.
    *_paper(2, "x2-clean", 37.39, 32.84, 31.70, 30.33),
    *_paper(2, "x2-clean-quality", 37.8),
    *_paper(4, "x4-clean", 30.71, 27.59, 26.98, 24.62),
    *_paper(4, "x4-clean", 31.8),
    *(
        Aim(f"x{scale}-luma", "OpenCV", own, "psnr_y", 0, f"{other}_x{scale}-fp32")
        for scale, own in ((2, "x2-quality"), (4, "x4"))
        for other in ("ESPCN", "FSRCNN")
    ),
)
"""All but that of INT8, see `int8_costs`."""


def key(row: Reached) -> tuple[str, ...]:
    """Give what tells an aim from the others."""
    return row.damage, row.method, row.measure, row.wanted


def reach(
    aims: Iterable[Aim],
    found: Mapping[str, Evaluation | None],
    kept: Mapping[tuple[str, ...], Reached],
) -> list[Reached]:
    """Set the aims beside what was measured, or else beside what was kept; leave out the others."""
    rows = []
    measures = {measure.name: measure for measure in MEASURES}
    for aim in aims:
        evaluation = found.get(aim.task)
        value = _mean(evaluation, aim, aim.method)
        base = _mean(evaluation, aim, aim.over) if aim.over else 0.0
        measure = measures[aim.measure]
        sign = "+" if aim.over else ""
        over = "" if aim.over in ("", INPUT) else f" over {aim.over.removesuffix('-fp32')}"
        gain = None if value is None or base is None else value - base
        row = Reached(
            damage=_title(aim),
            method=aim.method,
            measure=measure.title + over,
            wanted=f"{aim.wanted:{sign}.{measure.digits}f}",
            found="" if gain is None else f"{gain:{sign}.{measure.digits}f}",
            # As the table shows it: half a unit of its last digit is no miss.
            holds=gain is not None and round(gain - aim.wanted, measure.digits) >= 0,
        )
        if gain is not None:
            rows.append(row)
        elif key(row) in kept:
            rows.append(kept[key(row)])
    return rows


def _title(aim: Aim) -> str:
    if aim.damage == "pairs":
        return aim.task
    return f"{aim.damage}, {UNSHARP}" if aim.task == "crisp" else aim.damage


def _mean(evaluation: Evaluation | None, aim: Aim, method: str) -> float | None:
    group = evaluation.group(aim.damage, ALL, method) if evaluation else None
    stat = group.measures.get(aim.measure) if group else None
    return stat.mean if stat else None


def int8_costs() -> dict[str, Quantization]:
    """Give what INT8 cost each shipped model, dearest first in dB, as its gate measured it."""
    costs = {}
    for name, storages in shipped_models().items():
        made = read_ir(storages["int8"], get_core())[1].quantization if "int8" in storages else None
        if made is not None:
            costs[name] = made
    return dict(sorted(costs.items(), key=lambda item: -item[1].psnr_drop))


def reach_int8(costs: Mapping[str, Quantization]) -> Reached:
    """Set the aim of INT8 beside the dearest models."""
    dear = [
        f"{name} {made.psnr_drop:.2f} dB, {made.ssim_drop:.4f}"
        for name, made in costs.items()
        if round(made.psnr_drop, 2) > PSNR_LOSS or round(made.ssim_drop, 4) > SSIM_LOSS
    ]
    kept = f"{len(costs) - len(dear)} of {len(costs)}"
    return Reached(
        damage="INT8 against FP32",
        method="all shipped",
        measure="PSNR dB, SSIM lost",
        wanted=f"{PSNR_LOSS:.2f}, {SSIM_LOSS:.4f} at most",
        found=f"{kept}; not {'; '.join(dear)}" if dear else kept,
        holds=not dear,
    )
