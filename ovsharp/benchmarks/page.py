"""A report as one HTML page that needs nothing else: no script, no font, no request."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from ovsharp.benchmarks.charts import fps_bars, quality_plot, task_plot
from ovsharp.benchmarks.report import NOTES, flicker_text, header_lines, likeness_text, p99_text
from ovsharp.benchmarks.rivals import OTHER_TASK, ratio_grid, ratios
from ovsharp.benchmarks.samples import Sample
from ovsharp.measuring import Report, Row, Speed, Timing
from ovsharp.reports import LOSSLESS, bullets, cards, html_page, picture_url


def to_html(report: Report, samples: Sequence[Sample]) -> str:
    """Make the page.

    Args:
        report: what was measured.
        samples: crops to look at; may be empty.
    """
    own = ", ".join(dict.fromkeys(row.model for row in report.rows if row.role == "own"))
    rivals = ", ".join(dict.fromkeys(row.model for row in report.rows if row.role == "rival"))
    title = f"ovsharp bench: {own} on {report.device_name}"
    parts = [
        f"<h1>{escape(own)}</h1>",
        f"<p>against {escape(rivals)}</p>" if rivals else "",
        f'<p class="soft">{escape(report.device_name)}, {escape(report.date)}</p>',
        *(f'<div class="card advice">{escape(line)}</div>' for line in report.recommendations),
        "<h2>Quality against time, and frames per second end to end</h2>",
        cards([*_quality_plots(report), *(fps_bars(report, size) for size in report.sizes)]),
        *(_ratios(report, size) for size in report.sizes),
        "<h2>Before and after</h2>" if samples else "",
        *(_pictures(same) for same in _alike(samples)),
        "<h2>Size and quality</h2>",
        f'<div class="card">{_quality_table(report)}</div>',
        *(
            f'<h2>Speed at {escape(size)}</h2><div class="card">{_speed_table(report, size)}</div>'
            for size in report.sizes
        ),
        "<h2>How it was measured</h2>",
        f'<div class="card small">{bullets([*header_lines(report), *NOTES])}</div>',
    ]
    return html_page(title, parts)


def _quality_plots(report: Report) -> list[str]:
    """One for every model or, where models are compared with others, for every task."""
    if all(row.role == "own" for row in report.rows):
        return [quality_plot(report, model) for model in report.models]
    return [task_plot(report, scale) for scale in sorted({row.scale for row in report.rows})]


def _ratios(report: Report, size: str) -> str:
    heads, grid = ratio_grid(report, size)
    if not grid:
        return ""
    text = '<table><thead><tr><th class="text">times faster than</th>'
    text += "".join(f"<th>{escape(head)}</th>" for head in heads) + "</tr></thead><tbody>"
    for other, cells in grid.items():
        row = "".join(_cell(cell) for cell in cells)
        text += f'<tr><td class="text">{escape(other)}</td>{row}</tr>'
    lines = [ratio.sentence for ratio in ratios(report, size) if ratio.same_task]
    return (
        f"<h2>Against others at {escape(size)}</h2>"
        f'<div class="card">{text}</tbody></table><p class="soft small">{OTHER_TASK}</p></div>'
        f'<div class="card small">{bullets(lines)}</div>'
    )


def _alike(samples: Sequence[Sample]) -> list[list[Sample]]:
    """Put models together that were given the same, so that it stands there once."""
    found: dict[tuple[str, bytes, bytes], list[Sample]] = {}
    for one in samples:
        (_, given), *_, (_, truth) = one.pictures
        found.setdefault((one.photo, given.tobytes(), truth.tobytes()), []).append(one)
    return list(found.values())


def _pictures(samples: Sequence[Sample]) -> str:
    first = samples[0]
    alone = len(samples) == 1
    made = [
        (caption if alone else f"{one.model}: {caption}", image)
        for one in samples
        for caption, image in one.pictures[1:-1]
    ]
    figures = "".join(
        f'<figure><img alt="{escape(caption)}" src="{picture_url(image, ".webp", LOSSLESS)}">'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
        for caption, image in (first.pictures[0], *made, first.pictures[-1])
    )
    heading = escape(f"{first.model}: {first.photo}" if alone else first.photo)
    return f'<div class="card"><h3>{heading}</h3><div class="crops">{figures}</div></div>'


def _quality_table(report: Report) -> str:
    heads = ("scale", "parameters", "file MB", "SSIM", "std", "input", "gain", "PSNR dB", "input")
    rows = []
    for row in report.rows:
        quality = row.quality
        cells = [f"x{row.scale}", f"{row.parameters:,}", f"{row.megabytes:.3f}"]
        if quality is None:
            cells += ["-"] * 10
        else:
            cells += [
                f"{quality.ssim:.4f}",
                f"{quality.ssim_std:.4f}",
                f"{quality.input_ssim:.4f}",
                f"{quality.ssim - quality.input_ssim:+.4f}",
                f"{quality.psnr:.2f}",
                f"{quality.input_psnr:.2f}",
                likeness_text(quality.reference_psnr),
                f"{quality.improved:.0%}",
                flicker_text(quality.flicker),
                str(quality.images),
            ]
        rows.append((row, cells))
    return _table(
        (*heads, "against FP32 dB", "better than input", "flicker", "photos"), report, rows
    )


def _speed_table(report: Report, size: str) -> str:
    model = ("model p50 ms", "p90", "p99", "n", "FPS", "async FPS")
    frame = ("end-to-end p50 ms", "p90", "p99", "n", "FPS", "stream FPS")
    rest = ("× PyTorch", "× FP32", "peak MB", "compile ms", "first ms", "30 FPS", "60 FPS")
    rows = [
        (row, _speed_cells(speed)) for row in report.rows if (speed := row.speed(size)) is not None
    ]
    return _table((*model, *frame, *rest), report, rows)


def _speed_cells(speed: Speed) -> list[str]:
    startup = speed.startup
    return [
        *_latency(speed.model_sync),
        _number(speed.model_sync.fps if speed.model_sync else None),
        _number(speed.model_async.fps if speed.model_async else None),
        *_latency(speed.frame_sync),
        _number(speed.frame_sync.fps if speed.frame_sync else None),
        _number(speed.frame_stream.fps if speed.frame_stream else None),
        _number(speed.speedup_pytorch),
        _number(speed.speedup_fp32),
        _number(startup.memory_mb if startup else None),
        _number(startup.compile_ms if startup else None),
        _number(startup.first_frame_ms if startup else None),
        speed.reaches(30),
        speed.reaches(60),
    ]


def _latency(timing: Timing | None) -> list[str]:
    if timing is None or timing.latency is None:
        return ["-"] * 4
    latency = timing.latency
    return [_number(latency.p50), _number(latency.p90), p99_text(latency), str(latency.n)]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def _table(heads: Sequence[str], report: Report, rows: Sequence[tuple[Row, Sequence[str]]]) -> str:
    names = (
        ("storage", "execution") if len(report.models) == 1 else ("model", "storage", "execution")
    )
    text = "<table><thead><tr>"
    text += "".join(f'<th class="text">{name}</th>' for name in names)
    text += "".join(f"<th>{escape(head)}</th>" for head in heads) + "</tr></thead><tbody>"
    previous = ""
    for row, cells in rows:
        fresh = bool(previous) and row.model != previous
        previous = row.model
        text += '<tr class="next">' if fresh else "<tr>"
        labels = (row.model, row.storage.upper(), row.execution)[-len(names) :]
        text += "".join(f'<td class="text">{escape(label)}</td>' for label in labels)
        text += "".join(_cell(cell) for cell in cells) + "</tr>"
    return text + "</tbody></table>"


def _cell(text: str) -> str:
    kind = f' class="{text}"' if text in ("yes", "no", "stream") else ""
    return f"<td{kind}>{escape(text)}</td>"
