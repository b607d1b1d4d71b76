"""Pair comparison (ITU-T P.910): from choices to shares won and a common scale."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

from ovsharp.errors import UsageError
from ovsharp.opinions.found import Found

_Z95 = 1.959963984540054
_MAX_STEP = 1.0
_ROUNDS = 200


@dataclass(frozen=True)
class Choice:
    """A rater preferred one of two conditions of a picture."""

    rater: str
    content: str
    winner: str
    loser: str


@dataclass(frozen=True)
class Chooser:
    """Somebody who compared everything."""

    name: str
    agreement: float | None
    """Share of pairs on which they chose as most others did; ties of the others left out."""


@dataclass(frozen=True)
class Duel:
    """Two conditions against each other."""

    first: str
    second: str
    n: int
    wins: int
    """Of the first."""
    low: float
    """Wilson's 95 % interval of the share that the first won."""
    high: float
    p: float
    """Two-sided exact binomial test against one half."""

    @property
    def share(self) -> float:
        """Of its comparisons that the first won."""
        return self.wins / self.n


@dataclass(frozen=True)
class Strength:
    """A condition on the scale of Bradley and Terry, in log-odds; the mean of all is 0."""

    condition: str
    value: float
    low: float
    """Ends of the 95 % interval, from the curvature of the likelihood."""
    high: float


@dataclass(frozen=True)
class Choices(Found):
    """What a study of pairs found."""

    METHOD = "pairs"

    raters: tuple[Chooser, ...]
    duels: tuple[Duel, ...]
    strengths: tuple[Strength, ...] | None
    """Best first; None where the choices do not tie all conditions together."""

    @property
    def used(self) -> int:
        """How many raters the figures rest on."""
        return len(self.raters)


def analyse_choices(
    choices: Sequence[Choice], *, study: str = "study", unfinished: Sequence[str] = ()
) -> Choices:
    """Count wins, with Wilson's intervals, and put the conditions on one scale.

    Every choice counts as one independent trial.

    Args:
        choices: of raters who compared every pair.
        study: name for the reports.
        unfinished: raters whose choices are left out, to be told.

    Raises:
        UsageError: no choice, or one of a condition against itself.

    Example:
        >>> found = analyse_choices([Choice("a", "photo", "sharp", "input")] * 3)
        >>> found.duels[0].first, found.duels[0].share, found.strengths
        ('sharp', 1.0, None)
    """
    if not choices:
        raise UsageError("there are no choices to analyse")
    for choice in choices:
        if choice.winner == choice.loser:
            raise UsageError(f"{choice.winner} was compared with itself")
    names = sorted({name for choice in choices for name in (choice.winner, choice.loser)})
    wins = np.zeros((len(names), len(names)), np.int64)
    for choice in choices:
        wins[names.index(choice.winner), names.index(choice.loser)] += 1
    # Whoever wins the larger share stands first.
    played = np.maximum(1, (wins + wins.T).sum(axis=1))
    ranked = sorted(range(len(names)), key=lambda i: -wins[i].sum() / played[i])
    duels = [
        _duel(names[i], names[j], int(wins[i, j]), int(wins[i, j] + wins[j, i]))
        for i, j in combinations(ranked, 2)
        if wins[i, j] + wins[j, i]
    ]
    raters = dict.fromkeys(choice.rater for choice in choices)
    agreement = _agreements(choices)
    fit = bradley_terry(wins)
    strengths = None
    if fit is not None:
        strengths = tuple(
            sorted(
                (
                    Strength(name, value, value - _Z95 * error, value + _Z95 * error)
                    for name, value, error in zip(names, *fit, strict=True)
                ),
                key=lambda strength: -strength.value,
            )
        )
    return Choices(
        study,
        tuple(unfinished),
        tuple(Chooser(name, agreement.get(name)) for name in raters),
        tuple(duels),
        strengths,
    )


def wilson(wins: int, n: int) -> tuple[float, float]:
    """Give the 95 % interval of a share (E. B. Wilson, 1927).

    Args:
        wins: 0..n.
        n: 1 or more.

    Example:
        >>> low, high = wilson(8, 10)
        >>> print(f"{low:.3f} {high:.3f}")
        0.490 0.943
    """
    share, z2 = wins / n, _Z95**2
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = _Z95 / (1 + z2 / n) * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)


def bradley_terry(wins: npt.ArrayLike) -> tuple[list[float], list[float]] | None:
    """Fit strengths s by which i beats j with probability 1 / (1 + exp(s_j - s_i)).

    The likelihood of R. A. Bradley and M. E. Terry (1952) at its maximum, by Newton's method.

    Args:
        wins: conditions x conditions; how often the row beat the column.

    Returns:
        Strengths in log-odds with mean 0, and their standard errors. None where there is no
        maximum: some conditions never lost against any of the rest (L. R. Ford, 1957).

    Example:
        >>> strengths, errors = bradley_terry([[0, 3], [1, 0]])
        >>> round(strengths[0] - strengths[1], 4)  # log(3)
        1.0986
    """
    from scipy.sparse.csgraph import connected_components

    table = np.asarray(wins, np.float64)
    if connected_components(table > 0, directed=True, connection="strong")[0] > 1:
        return None
    played, won = table + table.T, table.sum(axis=1)
    strengths = np.zeros(len(table))
    for _ in range(_ROUNDS):
        chance = 1 / (1 + np.exp(strengths[None, :] - strengths[:, None]))
        weight = played * chance * (1 - chance)
        # Only differences are determined: the pseudo-inverse keeps the mean at 0.
        covariance = np.linalg.pinv(np.diag(weight.sum(axis=1)) - weight, hermitian=True)
        step = covariance @ (won - (played * chance).sum(axis=1))
        strengths += np.clip(step, -_MAX_STEP, _MAX_STEP)
        strengths -= strengths.mean()
        if np.abs(step).max() < 1e-10:
            break
    return strengths.tolist(), np.sqrt(np.diag(covariance)).tolist()


def _duel(first: str, second: str, wins: int, n: int) -> Duel:
    from scipy.stats import binomtest

    return Duel(first, second, n, wins, *wilson(wins, n), float(binomtest(wins, n).pvalue))


def _agreements(choices: Sequence[Choice]) -> dict[str, float]:
    lead: dict[tuple[str, str, str], int] = {}  # of the condition that is first in the alphabet
    for choice in choices:
        key, sign = _pair(choice)
        lead[key] = lead.get(key, 0) + sign
    agreed: dict[str, list[bool]] = {}
    for choice in choices:
        key, sign = _pair(choice)
        others = lead[key] - sign
        if others:
            agreed.setdefault(choice.rater, []).append((others > 0) == (sign > 0))
    return {rater: float(np.mean(same)) for rater, same in agreed.items()}


def _pair(choice: Choice) -> tuple[tuple[str, str, str], int]:
    first, second = sorted((choice.winner, choice.loser))
    return (choice.content, first, second), 1 if choice.winner == first else -1
