"""Charts of an evaluation as inline SVG."""

from __future__ import annotations

from html import escape

import numpy as np

from ovsharp.evaluation.results import ALL, INPUT, Evaluation
from ovsharp.reports import (
    WIDTH,
    Axis,
    colour,
    draw_axes,
    draw_line,
    draw_svg,
    draw_text,
)

_LEFT, _RIGHT, _TOP, _BOTTOM, _HEIGHT = 62, 24, 16, 46, 320
_LANE = 44


def scatter(evaluation: Evaluation, degradation: str) -> str:
    """Mean SSIM with its interval over the time per frame; the input as a dashed line."""
    points = []
    for index, method in enumerate(evaluation.models):
        group = evaluation.group(degradation, ALL, method.name)
        if group:
            points.append((index, method, group.measures["ssim"]))
    before = evaluation.group(degradation, ALL, INPUT)
    if not points or not before:
        return ""
    base = before.measures["ssim"].mean
    values = [base]
    for _, _, stat in points:
        values += [value for value in (stat.low, stat.mean, stat.high) if value is not None]
    span = max(0.01, max(values) - min(values))
    bottom, top = min(values) - span * 0.12, max(values) + span * 0.12
    longest = max(method.milliseconds for _, method, _ in points) * 1.25

    floor = _HEIGHT - _BOTTOM
    x, y = Axis(0, longest, _LEFT, WIDTH - _RIGHT), Axis(bottom, top, floor, _TOP)
    parts = draw_axes(_LEFT, WIDTH - _RIGHT, _TOP, floor, y.ticks(".3f"))
    for across, time in x.ticks("g").items():
        parts.append(draw_text(across, floor + 16, time))
    parts.append(draw_line(_LEFT, y(base), WIDTH - _RIGHT, y(base), "mark"))
    parts.append(draw_text(_LEFT + 6, y(base) - 5, "input", anchor="start"))
    for index, method, stat in points:
        across = x(method.milliseconds)
        if stat.low is not None and stat.high is not None:
            parts.append(draw_line(across, y(stat.low), across, y(stat.high), "whisker"))
        tip = f"{method.name}: {method.milliseconds:.1f} ms, SSIM {stat.mean:.4f}"
        parts.append(
            f'<g><circle cx="{across:.1f}" cy="{y(stat.mean):.1f}" r="6" class="{colour(index)}"/>'
            f"<title>{escape(tip)}</title></g>"
        )
        end = across > WIDTH * 0.7
        parts.append(
            draw_text(
                across + (-11 if end else 11),
                y(stat.mean) - 7,
                method.name,
                anchor="end" if end else "start",
                kind="name",
            )
        )
    note = f"median ms per frame at {evaluation.latency_size} out"
    parts.append(draw_text((_LEFT + WIDTH) / 2, _HEIGHT - 8, note))
    parts.append(draw_text(14, floor / 2, "mean SSIM", turn=True))
    return f"<h3>{escape(degradation)}</h3>" + draw_svg(_HEIGHT, parts)


def distribution(evaluation: Evaluation, degradation: str) -> str:
    """SSIM gain over the input of every image: a dot each, quartiles as a box."""
    rows = [row for row in evaluation.rows if row.degradation == degradation]
    before = {row.image: row.ssim for row in rows if row.method == INPUT}
    lanes = [
        (index, method.name, gains)
        for index, method in enumerate(evaluation.models)
        if (
            gains := [
                (row.ssim - before[row.image], row.image)
                for row in rows
                if row.method == method.name
            ]
        )
    ]
    if not lanes:
        return ""
    values = [0.0, *(gain for _, _, gains in lanes for gain, _ in gains)]
    span = max(0.01, max(values) - min(values))
    low, high = min(values) - span * 0.05, max(values) + span * 0.05
    left = 20 + 6.8 * max(len(name) for _, name, _ in lanes)
    floor = _TOP + _LANE * len(lanes)

    x = Axis(low, high, left, WIDTH - _RIGHT)
    parts = [draw_line(left, floor, WIDTH - _RIGHT, floor)]
    for across, tick in x.ticks("+.2f" if span > 0.05 else "+.3f").items():
        parts.append(draw_line(across, _TOP, across, floor))
        parts.append(draw_text(across, floor + 16, tick))
    parts.append(draw_line(x(0), _TOP - 6, x(0), floor, "mark"))
    parts.append(
        draw_text((left + WIDTH) / 2, floor + 38, "SSIM gain over the input, an image a dot")
    )
    for lane, (index, name, gains) in enumerate(lanes):
        middle = _TOP + _LANE * (lane + 0.5)
        parts.append(draw_text(left - 8, middle + 4, name, anchor="end", kind="name"))
        first, median, third = np.percentile([gain for gain, _ in gains], (25, 50, 75))
        parts.append(
            f'<rect x="{x(first):.1f}" y="{middle - 14:.1f}" width="{x(third) - x(first):.1f}" '
            f'height="28" rx="3" class="{colour(index)} pale"/>'
        )
        for number, (gain, image) in enumerate(gains):
            shifted = middle + (number * 7 % 17) - 8  # spread, the same every time
            parts.append(
                f'<g><circle cx="{x(gain):.1f}" cy="{shifted:.1f}" r="3" class="{colour(index)}"/>'
                f"<title>{escape(f'{image}: {gain:+.4f}')}</title></g>"
            )
        parts.append(draw_line(x(median), middle - 14, x(median), middle + 14, "whisker"))
    return f"<h3>{escape(degradation)}</h3>" + draw_svg(floor + 48, parts)
