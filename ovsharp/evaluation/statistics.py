"""From rows to means, intervals and tests."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from ovsharp.evaluation.results import (
    ALL,
    BICUBIC,
    GOOD_SSIM,
    INPUT,
    MEASURES,
    Group,
    Pair,
    Row,
)
from ovsharp.reports import Stat, summarise


def group_rows(rows: Sequence[Row]) -> tuple[Group, ...]:
    """Summarise rows by degradation, category and method; category `all` comes first."""
    before = {(row.degradation, row.image): row for row in rows if row.method == INPUT}
    members: dict[tuple[str, str, str], list[Row]] = {}
    several = len({row.category for row in rows}) > 1
    for row in rows:
        for category in (ALL, row.category) if several else (ALL,):
            members.setdefault((row.degradation, category, row.method), []).append(row)
    groups = []
    for (degradation, category, method), group in members.items():
        changes = [row.ssim - before[row.degradation, row.image].ssim for row in group]
        worst = int(np.argmin(changes))
        groups.append(
            Group(
                degradation,
                category,
                method,
                len(group),
                _stats(group),
                good=sum(row.ssim > GOOD_SSIM for row in group),
                better=sum(change > 0 for change in changes),
                worst_change=changes[worst],
                worst_image=group[worst].image,
            )
        )
    return tuple(groups)


def _stats(rows: Sequence[Row]) -> dict[str, Stat]:
    found = {
        measure.name: [
            value for row in rows if (value := row.measures.get(measure.name)) is not None
        ]
        for measure in MEASURES
    }
    return {name: summarise(values) for name, values in found.items() if values}


def compare_pairs(rows: Sequence[Row]) -> tuple[Pair, ...]:
    """Test every two methods on the images that both have, by degradation. Bicubic is left out."""
    scores: dict[str, dict[str, dict[str, float]]] = {}
    for row in rows:
        if row.method != BICUBIC:
            methods = scores.setdefault(row.degradation, {})
            methods.setdefault(row.method, {})[row.image] = row.ssim
    pairs = []
    for degradation, methods in scores.items():
        # The later of two is the first here: models are compared with the input, not it with them.
        for second, first in combinations(methods, 2):
            images = sorted(methods[first].keys() & methods[second].keys())
            changes = [methods[first][image] - methods[second][image] for image in images]
            if changes:
                wins, p = sum(change > 0 for change in changes), wilcoxon(changes)
                difference = float(np.mean(changes))
                pairs.append(Pair(degradation, first, second, len(images), difference, wins, p))
    return tuple(pairs)


def wilcoxon(changes: Sequence[float]) -> float | None:
    """Two-sided p of the signed-rank test (F. Wilcoxon, 1945), of SciPy.

    Returns:
        None where no value differs from 0: there is nothing to rank.
    """
    if not any(changes):
        return None
    from scipy.stats import wilcoxon as test

    return float(test(changes).pvalue)
