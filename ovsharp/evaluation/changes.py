"""Two evaluations side by side: what changed on the images that both have."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ovsharp.errors import UsageError
from ovsharp.evaluation.results import ALL, BICUBIC, INPUT, Evaluation, Row
from ovsharp.evaluation.statistics import wilcoxon


@dataclass(frozen=True)
class Change:
    """A method on one category and degradation, then and now."""

    method: str
    degradation: str
    category: str
    n: int
    before: float
    """Mean SSIM of the older evaluation."""
    after: float
    psnr: float
    """Change of the mean PSNR in dB."""
    p: float | None
    """Two-sided Wilcoxon test of the SSIM; None where nothing changed."""
    worse: bool
    """Whether the mean SSIM fell by more than the tolerance."""

    @property
    def ssim(self) -> float:
        """Change of the mean SSIM."""
        return self.after - self.before


@dataclass(frozen=True)
class Changes:
    """What changed between two evaluations."""

    changes: tuple[Change, ...]
    notes: tuple[str, ...]
    """What only one of the two has, and other reasons for care."""

    @property
    def regressed(self) -> bool:
        """Whether anything got worse by more than the tolerance."""
        return any(change.worse for change in self.changes)


def compare_evaluations(old: Evaluation, new: Evaluation, tolerance: float) -> Changes:
    """Compare row by row.

    Args:
        old: the baseline.
        new: what is judged.
        tolerance: SSIM by which the mean of a category may fall.

    Raises:
        UsageError: the two have no model's row in common.
    """
    before, after = _rows(old), _rows(new)
    common = [key for key in after if key in before]
    if not common:
        raise UsageError(
            "the two evaluations have no image, degradation and method in common; compare runs "
            "on the same images"
        )
    if all(method in (INPUT, BICUBIC) for _, _, method in common):
        models = [_models(one) for one in (before, after)]
        raise UsageError(
            f"the two evaluations have no model in common: {models[0]} then, {models[1]} now; "
            f"evaluate the same model twice"
        )
    groups: dict[tuple[str, str, str], list[tuple[Row, Row]]] = {}
    several = len({row.category for row in after.values()}) > 1
    for key in common:
        row = after[key]
        for category in (ALL, row.category) if several else (ALL,):
            group = groups.setdefault((row.method, row.degradation, category), [])
            group.append((before[key], row))
    changes = []
    for (method, degradation, category), pairs in groups.items():
        differences = [new_row.ssim - old_row.ssim for old_row, new_row in pairs]
        then = float(np.mean([old_row.ssim for old_row, _ in pairs]))
        now = float(np.mean([new_row.ssim for _, new_row in pairs]))
        psnr = [_psnr(new_row) - _psnr(old_row) for old_row, new_row in pairs]
        changes.append(
            Change(
                method,
                degradation,
                category,
                len(pairs),
                then,
                now,
                psnr=float(np.mean(psnr)),
                p=wilcoxon(differences),
                worse=now - then < -tolerance,
            )
        )
    return Changes(tuple(changes), tuple(_notes(old, new, len(common))))


def _rows(evaluation: Evaluation) -> dict[tuple[str, str, str], Row]:
    recipes = {damage.name: damage.recipe for damage in evaluation.degradations}
    return {(row.image, recipes[row.degradation], row.method): row for row in evaluation.rows}


def _models(rows: dict[tuple[str, str, str], Row]) -> str:
    names = {method for _, _, method in rows} - {INPUT, BICUBIC}
    return ", ".join(sorted(names)) or "none"


def _psnr(row: Row) -> float:
    return row.measures["psnr"] or 0.0


def _notes(old: Evaluation, new: Evaluation, common: int) -> list[str]:
    notes = []
    for title, one, other in (("older", old, new), ("newer", new, old)):
        alone = _rows(one).keys() - _rows(other).keys()
        if alone:
            methods = ", ".join(sorted({method for _, _, method in alone}))
            notes.append(f"{len(alone)} rows are in the {title} evaluation only ({methods})")
    if old.crop != new.crop:
        notes.append(f"images were cropped differently: to {old.crop} and to {new.crop} pixels")
    if old.version != new.version:
        notes.append(f"ovsharp {old.version} then, {new.version} now")
    notes.append(f"{common} rows compared")
    return notes
