"""Tables of clips for the console, 80 columns wide."""

from __future__ import annotations

from rich import box
from rich.table import Table

from ovsharp.evaluation.results import ALL, INPUT, Evaluation, Group, Row
from ovsharp.reports import add_numbers

_CHANGES = (("ssim", "SSIM", 4), ("psnr", "PSNR", 2), ("vmaf", "VMAF", 1), ("vmaf_neg", "NEG", 1))
"""Shown as they are for the input, and as a change for all others."""
_PLAIN = (("edge_truth", "edges", 2), ("flicker", "flicker", 2), ("harmed", "harmed %", 1))
_NAME = 22
"""Longest name of a clip that is shown whole."""


def sending_table(evaluation: Evaluation, degradation: str) -> Table:
    """Means over all clips that were sent one way: the input, and what each method changes."""
    groups = [
        group
        for group in evaluation.groups
        if (group.degradation, group.category) == (degradation, ALL)
    ]
    before = next(group for group in groups if group.method == INPUT)
    changes = [item for item in _CHANGES if item[0] in before.measures]
    plain = [item for item in _PLAIN if item[0] in before.measures]
    n, recipe = before.n, evaluation.damage(degradation).recipe
    name = degradation if degradation == recipe else f"{degradation}: {recipe}"
    table = _table(f"{name}, {n} clip{'s' if n > 1 else ''}")
    table.add_column("")
    add_numbers(table, *(title for _, title, _ in (*changes, *plain)), "better", "worst")
    for group in groups:
        cells = [_change(group, before, measure, digits) for measure, _, digits in changes]
        cells += [_mean(group, measure, digits) for measure, _, digits in plain]
        share = ["", ""]
        if group is not before:
            share = [f"{group.better}/{group.n}", f"{group.worst_change:+.4f}"]
        table.add_row(group.method, *cells, *share)
    return table


def clip_table(evaluation: Evaluation, degradation: str, method: str) -> Table:
    """Every clip: the input's figures and what a method changes."""
    table = _table(f"{degradation}: {method} on each clip")
    pairs = _pairs(evaluation, degradation, method)
    changes = [
        item for item in _CHANGES[:3] if any(item[0] in before.measures for before, _ in pairs)
    ]
    table.add_column("")
    for _, title, _ in changes:
        add_numbers(table, title, "")
    add_numbers(table, "edges", "", "flicker")
    for before, row in pairs:
        cells = [_short(row.image)]
        for name, _, digits in changes:
            old, new = before.measures.get(name), row.measures.get(name)
            cells.append(_figure(old, digits))
            cells.append("-" if old is None or new is None else f"{new - old:+.{digits}f}")
        for one in (before, row):
            cells.append(_figure(one.measures.get("edge_truth"), 2))
        table.add_row(*cells, _figure(row.measures.get("flicker"), 2))
    return table


def colour_table(evaluation: Evaluation, degradation: str, method: str) -> Table:
    """Every clip: how far the mean of each channel is from the truth's, and which models ran."""
    table = _table(f"{degradation}: {method}, shift of the channels' means, frames by model")
    table.add_column("")
    add_numbers(table, "input B G R", "output B G R")
    table.add_column("frames", overflow="fold", max_width=24)
    for before, row in _pairs(evaluation, degradation, method):
        made = ", ".join(f"{name} {count}" for name, count in row.made.items())
        table.add_row(_short(row.image), _shift(before), _shift(row), made)
    return table


def _table(title: str) -> Table:
    return Table(
        title=title,
        box=box.SIMPLE_HEAD,
        title_justify="left",
        show_edge=False,
        pad_edge=False,
        padding=0,
    )


def _pairs(evaluation: Evaluation, degradation: str, method: str) -> list[tuple[Row, Row]]:
    rows = [row for row in evaluation.rows if row.degradation == degradation]
    before = {row.image: row for row in rows if row.method == INPUT}
    return [(before[row.image], row) for row in rows if row.method == method]


def _change(group: Group, before: Group, measure: str, digits: int) -> str:
    if measure not in group.measures:
        return "-"
    mean = group.measures[measure].mean
    if group is before:
        return f"{mean:.{digits}f}"
    return f"{mean - before.measures[measure].mean:+.{digits}f}"


def _mean(group: Group, measure: str, digits: int) -> str:
    return f"{group.measures[measure].mean:.{digits}f}" if measure in group.measures else "-"


def _figure(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _shift(row: Row) -> str:
    values = [row.measures.get(f"shift_{channel}") for channel in "bgr"]
    return " ".join(f"{value or 0.0:+.1f}" for value in values)


def _short(name: str) -> str:
    return name if len(name) <= _NAME else f"{name[: _NAME - 3]}..."
