"""Opinions as tables for the console and for spreadsheets."""

from __future__ import annotations

import csv
import io

from rich import box
from rich.table import Table

from ovsharp.opinions.choices import Choices
from ovsharp.opinions.ratings import Ratings
from ovsharp.reports import Stat, add_numbers, interval_text, p_text

_ODD = 0.5
"""Correlation with the other raters below which one is pointed out; BT.500 misses some."""


def headlines(found: Ratings | Choices) -> list[str]:
    """Say what it comes to in a few lines."""
    lines = []
    if isinstance(found, Ratings):
        for difference in found.differences:
            better = "better" if difference.stat.mean > 0 else "no better"
            lines.append(
                f"{difference.first} is rated {abs(difference.stat.mean):.2f} {better} than "
                f"{difference.second} (95 % interval {_signed_interval(difference.stat)}, "
                f"p {p_text(difference.p)})"
            )
    else:
        for duel in found.duels:
            lines.append(
                f"{duel.first} is preferred to {duel.second} in {duel.wins} of {duel.n} "
                f"comparisons: {duel.share:.0%} (95 % interval {duel.low:.0%}..{duel.high:.0%}, "
                f"p {p_text(duel.p)})"
            )
    return lines


def people(found: Ratings | Choices) -> str:
    """Say on how many raters it rests."""
    parts = [f"{found.used} raters"]
    if isinstance(found, Ratings):
        rejected = [rater.name for rater in found.raters if rater.rejected]
        if rejected:
            parts.append(f"{len(rejected)} rejected by BT.500 ({', '.join(rejected)})")
        odd = [
            f"{rater.name} {rater.correlation:.2f}"
            for rater in found.raters
            if not rater.rejected and rater.correlation is not None and rater.correlation < _ODD
        ]
        if odd:
            parts.append(f"kept but unlike the others (correlation: {', '.join(odd)})")
    if found.unfinished:
        parts.append(f"{len(found.unfinished)} not finished ({', '.join(found.unfinished)})")
    return ", ".join(parts)


def tables(found: Ratings | Choices) -> list[Table]:
    """Give the tables for the console."""
    return _rating_tables(found) if isinstance(found, Ratings) else _choice_tables(found)


def summary_csv(found: Ratings | Choices) -> str:
    """Give the figures of every condition, or of every pair, as CSV."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    if isinstance(found, Ratings):
        heads = ("condition", "content", "n", "mean", "std", "low95", "high95")
        writer.writerow(heads)
        rows = [(score.condition, "all", score.stat) for score in found.scores]
        rows += [(item.condition, item.content, item.stat) for item in found.stimuli]
        for condition, content, stat in rows:
            writer.writerow((condition, content, stat.n, stat.mean, stat.std, stat.low, stat.high))
    else:
        writer.writerow(("first", "second", "n", "wins", "share", "low95", "high95", "p"))
        for duel in found.duels:
            writer.writerow(
                (
                    duel.first,
                    duel.second,
                    duel.n,
                    duel.wins,
                    duel.share,
                    duel.low,
                    duel.high,
                    duel.p,
                )
            )
    return text.getvalue()


def _rating_tables(found: Ratings) -> list[Table]:
    table = _table(
        "mean opinion score",
        "condition",
        ("raters", "MOS", "std", "95 % interval", "bad", "poor", "fair", "good", "excellent"),
    )
    for score in found.scores:
        stat = score.stat
        std = "-" if stat.std is None else f"{stat.std:.2f}"
        votes = map(str, score.votes)
        table.add_row(
            score.condition, str(stat.n), f"{stat.mean:.2f}", std, interval_text(stat, 2), *votes
        )
    return [table]


def _choice_tables(found: Choices) -> list[Table]:
    table = _table("pairs", "preferred", ("to", "wins", "of", "share", "95 % interval", "p"))
    for duel in found.duels:
        table.add_row(
            duel.first,
            duel.second,
            str(duel.wins),
            str(duel.n),
            f"{duel.share:.2f}",
            f"{duel.low:.2f}..{duel.high:.2f}",
            p_text(duel.p),
        )
    if found.strengths is None:
        return [table]
    scale = _table("Bradley-Terry, log-odds", "condition", ("strength", "95 % interval"))
    for strength in found.strengths:
        interval = f"{strength.low:+.2f}..{strength.high:+.2f}"
        scale.add_row(strength.condition, f"{round(strength.value, 2) + 0.0:+.2f}", interval)
    return [table, scale]


def _table(title: str, first: str, heads: tuple[str, ...]) -> Table:
    table = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left")
    table.add_column(first)
    add_numbers(table, *heads)
    return table


def _signed_interval(stat: Stat) -> str:
    if stat.low is None or stat.high is None:
        return "-"
    return f"{stat.low:+.2f}..{stat.high:+.2f}"
