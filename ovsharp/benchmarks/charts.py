"""Charts of a report as inline SVG; their colours come from the page's style sheet."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from ovsharp.measuring import Report, Row
from ovsharp.reports import WIDTH, Axis, draw_axes, draw_line, draw_svg, draw_text

_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 18, 16, 46
_PLOT_HEIGHT = 340
_MIN_SPAN = 0.01
"""Smallest span of the SSIM axis: less would make noise look like a difference."""
RATES = (30, 60)
_NO_TIMES = "<p>No times of single frames were measured.</p>"
_Point = tuple[Row, float, float, float]
"""A row, its milliseconds, its SSIM and that of its input."""


def quality_plot(report: Report, model: str) -> str:
    """SSIM over median end-to-end milliseconds of every row, at the largest size measured.

    Colours are execution precisions; circles FP32 storage, squares FP16, diamonds INT8.
    """
    rows = [row for row in report.rows if row.model == model]
    size, points = _points(rows, report.sizes)
    if not points:
        return f"<h3>{escape(model)}</h3>{_NO_TIMES}"
    return f"<h3>{escape(model)} at {escape(size)}</h3>" + _plot(points)


def task_plot(report: Report, scale: int) -> str:
    """SSIM over median end-to-end milliseconds of all models of one scale, at the largest size.

    They were given the same frames. Circles are one's own models, squares rivals, diamonds
    textbook conversions.
    """
    task = "Same size" if scale == 1 else f"x{scale}"
    rows = [row for row in report.rows if row.scale == scale]
    size, points = _points(rows, report.sizes)
    if not points:
        return f"<h3>{task}</h3>{_NO_TIMES}"
    return f"<h3>{task}, {escape(size)} out</h3>" + _plot(points, named=True)


def _points(rows: Sequence[Row], sizes: Sequence[str]) -> tuple[str, list[_Point]]:
    """Give the largest size that rows were measured at, and a point for each of these rows."""
    for size in reversed(sizes):
        points = [
            (row, speed.frame_sync.latency.p50, row.quality.ssim, row.quality.input_ssim)
            for row in rows
            if row.quality
            and (speed := row.speed(size))
            and speed.frame_sync
            and speed.frame_sync.latency
        ]
        if points:
            return size, points
    return "", []


def _plot(points: list[_Point], *, named: bool = False) -> str:
    times = [time for _, time, _, _ in points] + [1000 / rate for rate in RATES]
    values = [value for _, _, ssim, before in points for value in (ssim, before)]
    left, right = math.log10(min(times)) - 0.1, math.log10(max(times)) + 0.1
    middle, span = (max(values) + min(values)) / 2, max(_MIN_SPAN, max(values) - min(values)) * 1.2
    bottom, top = middle - span / 2, middle + span / 2

    floor = _PLOT_HEIGHT - _BOTTOM
    across, y = Axis(left, right, _LEFT, WIDTH - _RIGHT), Axis(bottom, top, floor, _TOP)

    def x(time: float) -> float:
        return across(math.log10(time))

    parts = draw_axes(_LEFT, WIDTH - _RIGHT, _TOP, floor, y.ticks(".3f"))
    for time in _log_ticks(10**left, 10**right):
        parts.append(draw_text(x(time), floor + 16, f"{time:g}"))
    for rate in RATES:
        parts.append(draw_line(x(1000 / rate), _TOP, x(1000 / rate), floor, "mark"))
        parts.append(draw_text(x(1000 / rate) + 4, _TOP + 10, f"{rate} FPS", anchor="start"))
    before = points[0][3]
    parts.append(draw_line(_LEFT, y(before), WIDTH - _RIGHT, y(before), "mark"))
    parts.append(draw_text(_LEFT + 6, y(before) - 5, "input", anchor="start"))
    for row, time, ssim, _ in points:
        tip = f"{row.storage.upper()}, {row.execution}: {time:.3g} ms, SSIM {ssim:.4f}"
        mark = _role_marker if named else _marker
        tip = f"{row.model}: {tip}" if named else tip
        parts.append(f"<g>{mark(row, x(time), y(ssim))}<title>{escape(tip)}</title></g>")
    if named:
        parts += _names([(row, x(time), y(ssim)) for row, time, ssim, _ in points])
    parts.append(draw_text((_LEFT + WIDTH) / 2, _PLOT_HEIGHT - 8, "median end-to-end ms per frame"))
    parts.append(draw_text(14, floor / 2, "SSIM", turn=True))
    svg = draw_svg(_PLOT_HEIGHT, parts)
    return svg + (_ROLES if named else _legend([row for row, *_ in points]))


_ROLES = (
    '<p class="soft small">Circles: ovsharp. Squares: rivals. Diamonds: the same networks '
    "converted the textbook way (point at them for their names).</p>"
)


def _role_marker(row: Row, x: float, y: float) -> str:
    kind = {"own": "int8", "rival": "f32", "textbook": "bf16"}[row.role]
    if row.role == "own":
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="6" class="{kind}"/>'
    if row.role == "rival":
        return f'<rect x="{x - 5:.1f}" y="{y - 5:.1f}" width="10" height="10" class="{kind}"/>'
    corners = f"{x:.1f},{y - 7:.1f} {x + 7:.1f},{y:.1f} {x:.1f},{y + 7:.1f} {x - 7:.1f},{y:.1f}"
    return f'<polygon points="{corners}" class="{kind}"/>'


def _names(points: list[tuple[Row, float, float]]) -> list[str]:
    """Names beside the markers, where no other name or marker lies. Textbook forms have none."""
    parts: list[str] = []
    taken = [(x - 7, x + 7, y) for _, x, y in points]
    for row, x, y in sorted(points, key=lambda point: point[2]):
        if row.role == "textbook":
            continue
        width = 6.6 * len(row.model)
        places = [
            (start, y + shift)
            for shift in (0, -9, 9, -16, 16, -26, 26, -38, 38, -50, 50)
            for start in (x + 10, x - 10 - width, x - width / 2)
            if _LEFT < start < WIDTH - width and (shift or start != x - width / 2)
        ]
        left, middle = next(
            (place for place in places if _is_free(*place, width, taken)), places[0]
        )
        taken.append((left, left + width, middle))
        parts.append(draw_text(left, middle + 4, row.model, anchor="start", kind="name"))
    return parts


def _is_free(
    left: float, middle: float, width: float, taken: list[tuple[float, float, float]]
) -> bool:
    return not any(
        abs(middle - other) < 11 and left < end and start < left + width
        for start, end, other in taken
    )


def _legend(rows: list[Row]) -> str:
    parts, left, top = [], 10.0, 14.0
    for row in rows:
        label = f"{row.storage.upper()}, {row.execution}"
        width = 26 + 7.0 * len(label)
        if left + width > WIDTH:
            left, top = 10.0, top + 22
        parts.append(_marker(row, left + 6, top))
        parts.append(draw_text(left + 17, top + 4, label, anchor="start"))
        left += width
    return draw_svg(top + 14, parts)


def fps_bars(report: Report, size: str) -> str:
    """End-to-end frames per second of every row at one size; streamed in a paler tone."""
    rows = [(row, speed) for row in report.rows if (speed := row.speed(size))]
    rates = [
        timing.fps
        for _, speed in rows
        for timing in (speed.frame_sync, speed.frame_stream)
        if timing
    ]
    heading = f"<h3>{escape(size)}</h3>"
    if not rates:
        return f"{heading}<p>Nothing was measured at this size.</p>"
    several = len(report.models) > 1
    names = [_bar_name(row, several) for row, _ in rows]
    left = 14 + 6.6 * max(map(len, names))
    limit = max(*rates, 66.0)
    height = 30 * len(rows) + 34

    def x(rate: float) -> float:
        return left + rate / limit * (WIDTH - left - 80)

    parts = []
    for rate in RATES:
        parts.append(draw_line(x(rate), 16, x(rate), height - 10, "mark"))
        parts.append(draw_text(x(rate), 11, f"{rate} FPS"))
    for index, ((row, speed), name) in enumerate(zip(rows, names, strict=True)):
        top = 24 + 30 * index
        parts.append(draw_text(left - 8, top + 14, name, anchor="end", kind="name"))
        shown = []
        for timing, pale in ((speed.frame_stream, " pale"), (speed.frame_sync, "")):
            if timing:
                width = max(1.0, x(timing.fps) - left)
                parts.append(
                    f'<rect x="{left:.1f}" y="{top}" width="{width:.1f}" height="20" rx="3" '
                    f'class="{_kind(row)}{pale}"/>'
                )
                shown.append(timing.fps)
        if shown:
            label = " | ".join(f"{rate:.3g}" for rate in reversed(shown))
            parts.append(draw_text(x(max(shown)) + 6, top + 14, label, anchor="start", kind="name"))
    note = '<p class="soft small">Full: one frame at a time. Pale, second figure: streamed.</p>'
    return heading + draw_svg(height, parts) + note


def _bar_name(row: Row, with_model: bool) -> str:
    name = row.execution if row.is_eager else f"{row.storage.upper()} {row.execution}"
    return f"{row.model} {name}" if with_model else name


def _kind(row: Row) -> str:
    return row.execution.partition("+")[0].partition(" ")[0]


def _marker(row: Row, x: float, y: float) -> str:
    kind = _kind(row)
    if row.storage == "fp16":
        return f'<rect x="{x - 5:.1f}" y="{y - 5:.1f}" width="10" height="10" class="{kind}"/>'
    if row.storage == "int8":
        corners = f"{x:.1f},{y - 7:.1f} {x + 7:.1f},{y:.1f} {x:.1f},{y + 7:.1f} {x - 7:.1f},{y:.1f}"
        pale = "" if row.execution == "int8+f32" else ' fill-opacity="0.65"'
        return f'<polygon points="{corners}" class="{kind}"{pale}/>'
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="6" class="{kind}"/>'


def _log_ticks(low: float, high: float) -> list[float]:
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)))
    ticks = [part * 10**decade for decade in decades for part in (1, 2, 5)]
    return [tick for tick in ticks if low <= tick <= high]
