"""Absolute category ratings (ITU-T P.910): from votes of 1..5 to mean opinion scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

from ovsharp.errors import UsageError
from ovsharp.opinions.found import Found
from ovsharp.opinions.screening import screen
from ovsharp.reports import Stat, summarise

BEST, WORST = 5, 1


@dataclass(frozen=True)
class Rating:
    """A vote."""

    rater: str
    condition: str
    """What was done to the picture: a model's name, `input`, ..."""
    content: str
    """Which picture."""
    score: int
    """1 bad, 2 poor, 3 fair, 4 good, 5 excellent."""


@dataclass(frozen=True)
class Rater:
    """Somebody who rated everything."""

    name: str
    mean: float
    correlation: float | None
    """Pearson's, with the mean of the other raters used; None where one side never varies."""
    high: int
    """Votes far above those of the others; see `screen`."""
    low: int
    rejected: bool


@dataclass(frozen=True)
class Score:
    """Mean opinion score of a condition."""

    condition: str
    stat: Stat
    """Over raters: each gives the mean of their votes. n is the number of raters."""
    means: tuple[float, ...]
    """Of each rater."""
    votes: tuple[int, int, int, int, int]
    """How often it was bad, poor, fair, good, excellent."""


@dataclass(frozen=True)
class Difference:
    """Two conditions as the same raters saw them."""

    first: str
    second: str
    stat: Stat
    """First less second, over raters."""
    p: float | None
    """Two-sided paired t test; None where it cannot be told."""


@dataclass(frozen=True)
class StimulusScore:
    """One picture under one condition."""

    content: str
    condition: str
    stat: Stat


@dataclass(frozen=True)
class Ratings(Found):
    """What a rating study found."""

    METHOD = "acr"

    raters: tuple[Rater, ...]
    scores: tuple[Score, ...]
    """Best first."""
    differences: tuple[Difference, ...]
    stimuli: tuple[StimulusScore, ...]

    @property
    def used(self) -> int:
        """How many raters the figures rest on."""
        return sum(not rater.rejected for rater in self.raters)


def analyse_ratings(
    ratings: Sequence[Rating], *, study: str = "study", unfinished: Sequence[str] = ()
) -> Ratings:
    """Screen the raters, then take mean opinion scores with 95 % intervals.

    The interval of a condition is Student's t over the raters' own means: votes of one rater
    depend on each other, so that counting each of them would promise too much. That of a single
    stimulus is over its votes, one of each rater, as BT.500 has it.

    Args:
        ratings: of raters who rated every stimulus, each once.
        study: name for the reports.
        unfinished: raters whose votes are left out, to be told.

    Raises:
        UsageError: no vote, a score that is not 1..5, or a rater who did not rate everything.

    Example:
        >>> votes = [Rating(r, c, "photo", s) for r, c, s in
        ...          [("a", "input", 2), ("a", "sharp", 4), ("b", "input", 3), ("b", "sharp", 4)]]
        >>> [(score.condition, score.stat.mean) for score in analyse_ratings(votes).scores]
        [('sharp', 4.0), ('input', 2.5)]
    """
    names = list(dict.fromkeys(rating.rater for rating in ratings))
    stimuli = sorted({(rating.content, rating.condition) for rating in ratings})
    table = _table(ratings, names, stimuli)
    verdicts = screen(table)
    kept = [index for index, verdict in enumerate(verdicts) if not verdict.rejected]
    raters = tuple(
        Rater(
            name,
            float(table[index].mean()),
            _correlation(table, index, kept),
            verdict.high,
            verdict.low,
            verdict.rejected,
        )
        for index, (name, verdict) in enumerate(zip(names, verdicts, strict=True))
    )
    used = table[kept]
    conditions = sorted({condition for _, condition in stimuli})
    scores = sorted(
        (_score(used, stimuli, condition) for condition in conditions),
        key=lambda score: -score.stat.mean,
    )
    return Ratings(
        study,
        tuple(unfinished),
        raters,
        tuple(scores),
        tuple(_difference(one, other) for one, other in combinations(scores, 2)),
        tuple(
            StimulusScore(content, condition, summarise(used[:, column].tolist()))
            for column, (content, condition) in enumerate(stimuli)
        ),
    )


def _table(
    ratings: Sequence[Rating], names: Sequence[str], stimuli: Sequence[tuple[str, str]]
) -> npt.NDArray[np.float64]:
    """Raters x stimuli."""
    if not ratings:
        raise UsageError("there are no votes to analyse")
    table = np.full((len(names), len(stimuli)), np.nan)
    rows = {name: row for row, name in enumerate(names)}
    columns = {stimulus: column for column, stimulus in enumerate(stimuli)}
    for rating in ratings:
        if not WORST <= rating.score <= BEST:
            raise UsageError(f"expected a score of 1 to 5, got {rating.score} of {rating.rater}")
        table[rows[rating.rater], columns[rating.content, rating.condition]] = rating.score
    for name, row in rows.items():
        if np.isnan(table[row]).any():
            raise UsageError(f"the rater {name} has not rated every stimulus; leave them out")
    return table


def _correlation(table: npt.NDArray[np.float64], index: int, kept: Sequence[int]) -> float | None:
    others = [row for row in kept if row != index]
    if not others:
        return None
    own, mean = table[index], table[others].mean(axis=0)
    if np.ptp(own) == 0 or np.ptp(mean) == 0:
        return None
    return float(np.corrcoef(own, mean)[0, 1])


def _score(
    table: npt.NDArray[np.float64], stimuli: Sequence[tuple[str, str]], condition: str
) -> Score:
    columns = [column for column, (_, own) in enumerate(stimuli) if own == condition]
    means = tuple(table[:, columns].mean(axis=1).tolist())
    bad, poor, fair, good, excellent = (
        int(np.sum(table[:, columns] == score)) for score in range(WORST, BEST + 1)
    )
    return Score(condition, summarise(means), means, (bad, poor, fair, good, excellent))


def _difference(one: Score, other: Score) -> Difference:
    changes = [first - second for first, second in zip(one.means, other.means, strict=True)]
    stat, p = summarise(changes), None
    if stat.std is not None and stat.std > 1e-9:
        from scipy.stats import ttest_1samp

        p = float(ttest_1samp(changes, 0).pvalue)
    return Difference(one.condition, other.condition, stat, p)
