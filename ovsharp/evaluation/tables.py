"""Tables for the console and for spreadsheets."""

from __future__ import annotations

import csv
import io

from rich import box
from rich.table import Table

from ovsharp.evaluation.changes import Changes
from ovsharp.evaluation.results import ALL, MEASURES, Evaluation, Group
from ovsharp.reports import add_numbers, add_words, interval_text, p_text

_SHOWN = ("psnr", "ms_ssim", "edge_truth", "overshoot")


def result_table(evaluation: Evaluation, degradation: str) -> Table:
    """Every category and method under one degradation."""
    table = Table(title=degradation, box=box.SIMPLE_HEAD, title_justify="left")
    titles = {measure.name: measure for measure in MEASURES}
    add_words(table, "category", "method")
    add_numbers(table, "n", "SSIM", "std", "95 % interval", "> 0.90", "better", "worst change")
    add_numbers(table, *(titles[name].title for name in _SHOWN))
    previous = ""
    for group in sorted(
        (g for g in evaluation.groups if g.degradation == degradation),
        key=lambda g: (g.category != ALL, g.category),
    ):
        if previous not in ("", group.category):
            table.add_section()
        ssim = group.measures["ssim"]
        table.add_row(
            "" if group.category == previous else group.category,
            group.method,
            str(group.n),
            f"{ssim.mean:.4f}",
            "-" if ssim.std is None else f"{ssim.std:.4f}",
            interval_text(ssim, 4),
            str(group.good),
            str(group.better),
            f"{group.worst_change:+.4f}",
            *(
                f"{group.measures[name].mean:.{titles[name].digits}f}"
                if name in group.measures
                else "-"
                for name in _SHOWN
            ),
        )
        previous = group.category
    return table


def luma_table(evaluation: Evaluation) -> Table:
    """PSNR and SSIM of Y, of all images of each category: a paper's table."""
    table = Table(title="PSNR / SSIM of Y", box=box.SIMPLE_HEAD, title_justify="left")
    methods = [method.name for method in evaluation.methods]
    add_words(table, "degradation", "category")
    add_numbers(table, "n", *methods)
    groups = {(g.degradation, g.category, g.method): g for g in evaluation.groups}
    for damage in evaluation.degradations:
        for category in (*evaluation.categories, ALL):
            found = [groups.get((damage.name, category, method)) for method in methods]
            there = [group for group in found if group is not None]
            if there:
                table.add_row(damage.name, category, str(there[0].n), *map(_luma, found))
    return table


def _luma(group: Group | None) -> str:
    if group is None:
        return "-"
    return f"{group.measures['psnr_y'].mean:.2f} / {group.measures['ssim_y'].mean:.4f}"


def pair_table(evaluation: Evaluation) -> Table:
    """Which differences are more than chance."""
    table = Table(title="Paired on the same images", box=box.SIMPLE_HEAD, title_justify="left")
    add_words(table, "degradation", "method", "against")
    add_numbers(table, "n", "SSIM", "wins", "Wilcoxon p")
    for pair in evaluation.pairs:
        table.add_row(
            pair.degradation,
            pair.first,
            pair.second,
            str(pair.n),
            f"{pair.difference:+.4f}",
            str(pair.wins),
            p_text(pair.p),
        )
    return table


def change_table(changes: Changes) -> Table:
    """What changed between two evaluations."""
    table = Table(box=box.SIMPLE_HEAD)
    add_words(table, "method", "degradation", "category")
    add_numbers(table, "n", "SSIM then", "now", "change", "PSNR dB", "Wilcoxon p", "")
    for change in changes.changes:
        table.add_row(
            change.method,
            change.degradation,
            change.category,
            str(change.n),
            f"{change.before:.4f}",
            f"{change.after:.4f}",
            f"{change.ssim:+.4f}",
            f"{change.psnr:+.2f}",
            p_text(change.p),
            "WORSE" if change.worse else "",
            style="bold red" if change.worse else "",
        )
    return table


def summary_csv(evaluation: Evaluation) -> str:
    """Statistics: a line per degradation, category, method and measure."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    heads = ("degradation", "category", "method", "images", "above_0.90", "better_than_input")
    stats = ("worst_change", "worst_image", "measure", "n", "mean", "std", "low95", "high95")
    writer.writerow((*heads, *stats))
    for group in evaluation.groups:
        for name, stat in group.measures.items():
            writer.writerow(
                (
                    group.degradation,
                    group.category,
                    group.method,
                    group.n,
                    group.good,
                    group.better,
                    group.worst_change,
                    group.worst_image,
                    name,
                    stat.n,
                    stat.mean,
                    stat.std,
                    stat.low,
                    stat.high,
                )
            )
    return text.getvalue()


def image_csv(evaluation: Evaluation) -> str:
    """A line per image, degradation and method, with every measure."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = [measure.name for measure in MEASURES]
    writer.writerow(("image", "category", "degradation", "method", "width", "height", *names))
    for row in evaluation.rows:
        about = (row.image, row.category, row.degradation, row.method, row.width, row.height)
        writer.writerow((*about, *(row.measures.get(name) for name in names)))
    return text.getvalue()
