"""The pictures of the benchmark page: SSIM over time, and FPS by instruction set."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from benchmark_results import Results, fastest, fps_text, is_own, short
from benchmark_tasks import NATIVE, TASKS

from ovsharp.evaluation.results import ALL, BICUBIC
from ovsharp.reports import WIDTH, axis_ticks, draw_line, draw_text

_STYLE = (
    "<style>svg{background:#fff}text{font:12px sans-serif;fill:#444}.name{fill:#111}"
    ".axis{stroke:#ddd}.mark{stroke:#888;stroke-dasharray:4 4}"
    ".own{fill:#d9730d}.rival{fill:#5b6ee1}.i0{fill:#0f9a8c}.i1{fill:#8a5cc2}.i2{fill:#d9730d}.i3{fill:#8b9099}</style>"
)


def _svg(height: float, parts: Sequence[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" '
        f'width="{WIDTH}" height="{height:.0f}">{_STYLE}{"".join(parts)}</svg>\n'
    )


def quality_svg(results: Results) -> str:
    """SSIM gain over the input against the time per frame, on the first damage of each task.

    Times are those of the largest size of the native run, on a logarithmic axis.
    """
    native = results.speeds[NATIVE]
    parts: list[str] = []
    offset, left, right, deep = 0.0, 70, 20, 300
    for name, found in results.evaluations.items():
        if native is None or found is None or TASKS[name].pairs:
            continue
        damage = found.degradations[0].name
        before = found.group(damage, ALL, BICUBIC)
        points = []
        for group in found.groups:
            row = fastest(native, short(group.method))
            speed = row.speed(native.sizes[-1]) if row else None
            timing = speed.frame_sync if speed else None
            if (
                (group.degradation, group.category) != (damage, ALL)
                or row is None
                or before is None
            ):
                continue
            if timing and timing.latency:
                gain = group.measures["ssim"].mean - before.measures["ssim"].mean
                points.append((short(group.method), row.role, timing.latency.p50, gain))
        if not points:
            continue
        times = [math.log10(time) for _, _, time, _ in points]
        gains = [0.0, *(gain for *_, gain in points)]
        span = max(0.005, max(gains) - min(gains))
        low, high = min(gains) - span * 0.1, max(gains) + span * 0.1
        start, end = min(times) - 0.1, max(times) + 0.75
        top, floor = offset + 34, offset + deep - 40

        def x(time: float, start: float = start, end: float = end) -> float:
            return left + (math.log10(time) - start) / (end - start) * (WIDTH - left - right)

        def y(
            gain: float,
            low: float = low,
            high: float = high,
            top: float = top,
            floor: float = floor,
        ) -> float:
            return floor - (gain - low) / (high - low) * (floor - top)

        over = "the input" if TASKS[name].scale == 1 else "bicubic"
        title = f"{TASKS[name].title}, {damage}: SSIM gain over {over}"
        parts.append(draw_text(left, offset + 18, title, anchor="start", kind="name"))
        for tick in axis_ticks(low, high):
            parts.append(draw_line(left, y(tick), WIDTH - right, y(tick)))
            parts.append(draw_text(left - 6, y(tick) + 4, f"{tick:+.3f}", anchor="end"))
        parts.append(draw_line(left, y(0), WIDTH - right, y(0), "mark"))
        for power in range(math.floor(start), math.ceil(end) + 1):
            for part in (1, 2, 5):
                if start <= math.log10(part * 10**power) <= end:
                    place = part * 10**power
                    parts.append(draw_text(x(place), floor + 16, f"{place:g}"))
        caption = f"median ms per frame, {native.sizes[-1]} out"
        parts.append(draw_text((left + WIDTH) / 2, floor + 33, caption))
        taken: list[tuple[float, float]] = []
        for method, role, time, gain in sorted(points, key=lambda point: -point[3]):
            parts.append(
                f'<circle cx="{x(time):.1f}" cy="{y(gain):.1f}" r="5" class="{role}"><title>'
                f"{escape(method)}</title></circle>"
            )
            level = y(gain) + 4
            while any(
                abs(level - other) < 12 and abs(x(time) - across) < 90 for across, other in taken
            ):
                level += 12
            taken.append((x(time), level))
            parts.append(draw_text(x(time) + 9, level, method, anchor="start", kind="name"))
        offset += deep
    return _svg(offset or 20, parts)


def isa_svg(results: Results) -> str:
    """Bars of end-to-end FPS by instruction set, own models, at the largest size."""
    reports = [(isa, report) for isa, report in results.speeds.items() if report]
    first = reports[0][1]
    size, left = first.sizes[-1], 120.0
    rows = [
        (
            model,
            [
                (isa, float(text.split()[0]))
                for isa, report in reports
                if (text := fps_text(fastest(report, model), size)) != "-"
            ],
        )
        for model in first.models
        if is_own(first, model)
    ]
    most = max((rate for _, rates in rows for _, rate in rates), default=1.0)
    names = [isa for isa, _ in reports]
    parts = [draw_text(left, 14, f"end-to-end FPS, {size} out:", anchor="start", kind="name")]
    for index, isa in enumerate(names):
        parts.append(
            f'<rect x="{left + 150 * index:.0f}" y="22" width="10" height="10" class="i{index}"/>'
        )
        parts.append(draw_text(left + 150 * index + 15, 31, isa, anchor="start"))
    top = 44.0
    for model, rates in rows:
        parts.append(
            draw_text(left - 8, top + 7 * len(rates) + 3, model, anchor="end", kind="name")
        )
        for isa, rate in rates:
            width = rate / most * (WIDTH - left - 60)
            parts.append(
                f'<rect x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="12" '
                f'class="i{names.index(isa)}"/>'
            )
            parts.append(draw_text(left + width + 4, top + 10, f"{rate:.0f}", anchor="start"))
            top += 14
        top += 8
    return _svg(top, parts)
