"""A report for people: tables of the console, and CSV for spreadsheets."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from rich import box
from rich.table import Table

from ovsharp.benchmarks.profile import Profile
from ovsharp.benchmarks.rivals import OTHER_TASK, ratio_grid
from ovsharp.benchmarks.verdict import Comparison
from ovsharp.measuring import P99_CALLS, Latency, Report, Row, Speed, Timing
from ovsharp.quality import PSNR_CAP
from ovsharp.reports import add_numbers, add_words

NOTES = (
    "storage: what the weights are kept as; execution: what the device computes in, as read back.",
    "SSIM after Wang et al. 2004 (Gaussian window, sigma 1.5, per colour channel) against the "
    "truth; 'input' is the frame before the model, or its bicubic upscale.",
    "flicker: change between frames of a still scene whose grain changes, over that of the input: "
    "1 adds none.",
    "model: the compiled model alone; frame: end to end, numpy frame in, owned numpy frame out; "
    "ms: median (p50) and percentiles of one call; * of fewer than 100 calls: near the worst.",
    "FPS: one at a time; async, stream: several in flight; 30/60 FPS: whether a camera of that "
    "rate is kept up with end to end ('stream': only with several frames in flight).",
    "x torch, x FP32: times faster end to end (medians) than PyTorch eager, than FP32 in f32.",
    "MB: peak memory of a fresh process beyond Python and OpenVINO; start: reading, compiling "
    "and the first frame there.",
    "Rows were measured in turns, single frames (ms, FPS) before frames in flight (async, stream): "
    "on a busy machine trust ratios between the rows of a column more than absolute times.",
)

NAME_WIDTH = 16
"""Longest name of a model in a table."""


def quality_table(report: Report) -> Table:
    """What every row is and how good its pictures are."""
    table = _table("Size and quality", report)
    add_numbers(table, "scale", "file MB", "SSIM", "std", "input", "gain", "PSNR dB", "input")
    add_numbers(table, "gain", "vs FP32 dB", "better", "flicker", "n")
    for row in report.rows:
        table.add_row(
            *_name_cells(report, row),
            f"x{row.scale}",
            f"{row.megabytes:.3f}",
            *_quality_cells(row),
            end_section=_last_of_model(report, row),
        )
    return table


def kind_table(profile: Profile) -> Table:
    """Where the time goes, by kind of node."""
    table = Table(title="By kind", title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("kind")
    add_numbers(table, "ms", "share", "nodes", "GMAC", "GMAC/s", "of peak", "MB written")
    for kind, ms in profile.kinds().items():
        nodes = [node for node in profile.nodes if node.kind == kind]
        work = sum(node.gmac for node in nodes)
        table.add_row(
            kind,
            f"{ms:.2f}",
            f"{ms / profile.total_ms:.0%}",
            str(len(nodes)),
            *_rate_cells(work, ms, profile),
            f"{sum(node.megabytes for node in nodes):.1f}",
        )
    return table


def node_table(profile: Profile, top: int) -> Table:
    """The slowest nodes, and what runs them."""
    table = Table(title=f"The {top} slowest nodes", title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("node", overflow="fold", max_width=32)
    add_numbers(table, "ms", "share", "GMAC", "GMAC/s", "of peak")
    add_words(table, "kind", "implementation", "layout", "output")
    for node in sorted(profile.nodes, key=lambda node: -node.ms)[:top]:
        table.add_row(
            node.name,
            f"{node.ms:.2f}",
            f"{node.ms / profile.total_ms:.0%}",
            *_rate_cells(node.gmac, node.ms, profile),
            f"{node.kind} ({node.type})",
            node.primitive,
            node.layout,
            node.shape,
        )
    return table


def _rate_cells(gmac: float, ms: float, profile: Profile) -> list[str]:
    if not gmac or not ms:
        return ["-", "-", "-"]
    rate = 1000 * gmac / ms
    return [f"{gmac:.2f}", f"{rate:.0f}", f"{rate / profile.peak_gmacs:.0%}"]


def _quality_cells(row: Row) -> list[str]:
    quality = row.quality
    if quality is None:
        return ["-"] * 11
    return [
        f"{quality.ssim:.4f}",
        f"{quality.ssim_std:.3f}",
        f"{quality.input_ssim:.4f}",
        f"{quality.ssim - quality.input_ssim:+.4f}",
        f"{quality.psnr:.2f}",
        f"{quality.input_psnr:.2f}",
        f"{quality.psnr - quality.input_psnr:+.2f}",
        likeness_text(quality.reference_psnr),
        f"{quality.improved:.0%}",
        flicker_text(quality.flicker),
        str(quality.images),
    ]


def likeness_text(value: float | None) -> str:
    """PSNR in dB against the outputs of FP32, or that they are the same."""
    return "-" if value is None else "same" if value >= PSNR_CAP else f"{value:.1f}"


def flicker_text(value: float | None) -> str:
    """Flicker over that of the input."""
    return "-" if value is None else f"{value:.2f}"


def speed_table(report: Report, size: str) -> Table:
    """How fast every row is at one size of the output."""
    measured = [speed for row in report.rows if (speed := row.speed(size))]
    shape = f" ({measured[0].width}x{measured[0].height} out)" if measured else ""
    table = _table(f"Speed at {size}{shape}", report)
    add_numbers(table, "model ms", "p90", "p99", "n", "FPS", "async", "frame ms", "FPS", "stream")
    add_numbers(table, "x torch", "x FP32", "MB", "start ms", "30/60 FPS")
    for row in report.rows:
        speed = row.speed(size)
        if speed is not None:
            table.add_row(
                *_name_cells(report, row),
                *_speed_cells(speed),
                end_section=_last_of_model(report, row),
            )
    return table


def ratio_table(report: Report, size: str) -> Table | None:
    """How many times faster one's own models are than others; None where nothing compares."""
    heads, grid = ratio_grid(report, size)
    if not grid:
        return None
    table = _table(f"Times faster at {size}, end to end ({OTHER_TASK})")
    table.add_column("than")
    add_numbers(table, *heads)
    for other, cells in grid.items():
        table.add_row(other, *cells)
    return table


def _speed_cells(speed: Speed) -> list[str]:
    startup = speed.startup
    return [
        *_latency_cells(speed.model_sync),
        _fps(speed.model_sync),
        _fps(speed.model_async),
        _latency_cells(speed.frame_sync)[0],
        _fps(speed.frame_sync),
        _fps(speed.frame_stream),
        _times(speed.speedup_pytorch),
        _times(speed.speedup_fp32),
        "-" if startup is None or startup.memory_mb is None else f"{startup.memory_mb:.0f}",
        "-" if startup is None else f"{startup.compile_ms:.0f}+{startup.first_frame_ms:.0f}",
        f"{speed.reaches(30)}/{speed.reaches(60)}",
    ]


def _latency_cells(timing: Timing | None) -> list[str]:
    if timing is None or timing.latency is None:
        return ["-"] * 4
    latency = timing.latency
    return [_ms(latency.p50), _ms(latency.p90), p99_text(latency), str(latency.n)]


def p99_text(latency: Latency) -> str:
    """The 99th percentile in milliseconds, marked where there are too few calls for one."""
    return _ms(latency.p99) + ("*" if latency.n < P99_CALLS else "")


def _ms(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}" if value >= 1 else f"{value:.2f}"


def _fps(timing: Timing | None) -> str:
    return (
        "-" if timing is None else f"{timing.fps:.3g}" if timing.fps < 100 else f"{timing.fps:.0f}"
    )


def _times(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}" if value < 10 else f"{value:.1f}"


def _last_of_model(report: Report, row: Row) -> bool:
    return [other for other in report.rows if other.model == row.model][-1] is row


def header_lines(report: Report) -> list[str]:
    """The machine, the photos and what was left out, one line each."""
    machine = report.environment
    lines = [
        f"ovsharp {report.version}, {report.date}, device {report.device} ({report.device_name})",
        f"{machine.logical_cores} logical cores, {machine.usable_cores:g} usable, threads "
        f"{report.options['threads'] or 'auto'}; {machine.memory_gib:g} GiB; {machine.system}",
        f"instruction sets {' '.join(machine.instructions) or 'unknown'}; in use "
        f"{machine.used_isa or 'unknown'}"
        + (f"; ONEDNN_MAX_CPU_ISA={machine.onednn_max_isa}" if machine.onednn_max_isa else ""),
        f"Python {machine.python}, "
        + ", ".join(f"{name} {version}" for name, version in machine.versions.items()),
        f"load average before {_load(machine.load_before)}, after {_load(machine.load_after)}",
    ]
    for photos in report.photos:
        lines.append(
            f"{photos.model}: {len(photos.names)} photos of {photos.source}, damaged by "
            f"{photos.recipe} ({photos.why})"
            + (f"; left out: {', '.join(photos.skipped)}" if photos.skipped else "")
        )
    return [*lines, *report.notes]


def _load(values: Sequence[float]) -> str:
    return " ".join(f"{value:g}" for value in values) or "unknown"


def regression_table(comparison: Comparison) -> Table:
    """What got worse than the baseline."""
    table = _table("Worse than the baseline")
    add_words(table, "row", "figure")
    add_numbers(table, "before", "now", "change")
    for item in comparison.regressions:
        relative = item.figure != "SSIM"
        table.add_row(
            item.row,
            item.figure,
            f"{item.before:.4g}",
            f"{item.now:.4g}",
            f"{item.change:+.1%}" if relative else f"{item.change:+.4f}",
        )
    return table


def _table(title: str, report: Report | None = None) -> Table:
    """Make a table; with a report, its first columns say which row it is."""
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    if report is not None:
        for name in ("model", "storage", "execution")[len(report.models) == 1 :]:
            table.add_column(name)
    return table


def _name_cells(report: Report, row: Row) -> list[str]:
    """Storage and execution, and the model where there are several."""
    return [shortened(row.model), row.storage.upper(), row.execution][len(report.models) == 1 :]


def shortened(name: str) -> str:
    """Cut the middle out of a long name: its ends tell it from others.

    Example:
        >>> shortened("single-image-super-resolution-1032")
        'single-…ion-1032'
    """
    if len(name) <= NAME_WIDTH:
        return name
    half = NAME_WIDTH // 2
    return f"{name[: NAME_WIDTH - half - 1]}…{name[-half:]}"


CSV_COLUMNS = (
    "model",
    "storage",
    "execution",
    "scale",
    "parameters",
    "megabytes",
    "images",
    "ssim",
    "ssim_std",
    "input_ssim",
    "psnr",
    "input_psnr",
    "reference_psnr",
    "improved",
    "flicker",
    "size",
    "width",
    "height",
    "model_n",
    "model_p50_ms",
    "model_p90_ms",
    "model_p99_ms",
    "model_fps",
    "model_async_fps",
    "frame_n",
    "frame_p50_ms",
    "frame_p90_ms",
    "frame_p99_ms",
    "frame_fps",
    "frame_stream_fps",
    "speedup_pytorch",
    "speedup_fp32",
    "memory_mb",
    "compile_ms",
    "first_frame_ms",
    "reaches_30_fps",
    "reaches_60_fps",
)
"""One line per row and size."""


def to_csv(report: Report) -> str:
    """Give the report as CSV with a header line; empty cells where nothing was measured."""
    text = io.StringIO()
    writer = csv.DictWriter(text, CSV_COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in report.rows:
        for speed in row.speeds:
            writer.writerow(csv_record(row, speed))
    return text.getvalue()


def csv_record(row: Row, speed: Speed) -> dict[str, object]:
    """Give one line of the CSV by column; None becomes an empty cell."""
    quality, startup = row.quality, speed.startup
    record: dict[str, object] = {
        "model": row.model,
        "storage": row.storage,
        "execution": row.execution,
        "scale": row.scale,
        "parameters": row.parameters,
        "megabytes": row.megabytes,
        "size": speed.size,
        "width": speed.width,
        "height": speed.height,
        "speedup_pytorch": speed.speedup_pytorch,
        "speedup_fp32": speed.speedup_fp32,
        "model_async_fps": speed.model_async.fps if speed.model_async else None,
        "frame_stream_fps": speed.frame_stream.fps if speed.frame_stream else None,
        "reaches_30_fps": speed.reaches(30),
        "reaches_60_fps": speed.reaches(60),
    }
    for prefix, timing in (("model", speed.model_sync), ("frame", speed.frame_sync)):
        if timing and timing.latency:
            record |= {
                f"{prefix}_n": timing.latency.n,
                f"{prefix}_p50_ms": timing.latency.p50,
                f"{prefix}_p90_ms": timing.latency.p90,
                f"{prefix}_p99_ms": timing.latency.p99,
                f"{prefix}_fps": timing.fps,
            }
    names = ("images", "ssim", "ssim_std", "input_ssim", "psnr", "input_psnr", "reference_psnr")
    if quality:
        record |= {name: getattr(quality, name) for name in (*names, "improved", "flicker")}
    if startup:
        record |= {
            name: getattr(startup, name) for name in ("memory_mb", "compile_ms", "first_frame_ms")
        }
    return record
