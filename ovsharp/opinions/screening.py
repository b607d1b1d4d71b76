"""Which raters answer unlike everybody else, in no consistent direction."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ovsharp.errors import UsageError

_MAX_SHARE = 0.05
_MIN_LEAN = 0.3


@dataclass(frozen=True)
class Screening:
    """What the screening found of one rater."""

    high: int
    """P: votes far above those of the others."""
    low: int
    """Q: votes far below."""
    rejected: bool


def screen(scores: npt.ArrayLike) -> tuple[Screening, ...]:
    """Screen raters by the kurtosis-based method of ITU-R BT.500 (BT.500-13, annex 2, 2.3.1).

    Of each stimulus, the mean, the sample standard deviation S and the kurtosis m4 / m2^2 over
    all raters are taken. A vote is far off if it is 2 S or more from the mean where the kurtosis
    is within 2..4 (votes spread as a normal distribution), and sqrt(20) S or more elsewhere. A
    rater is rejected if more than 5 % of the votes are far off, and these lie on both sides:
    |P - Q| / (P + Q) < 0.3. Who is merely severe or mild stays, as BT.500 wants it.

    A stimulus on which all agree (S = 0) finds nobody far off. With fewer than 6 raters no vote
    can be 2 S from the mean, and nobody is ever rejected. BT.500 allows one pass only.

    Args:
        scores: raters x stimuli, every vote there.

    Returns:
        One for each rater, in their order.

    Raises:
        UsageError: no such table, or an empty one.

    Example:
        >>> [rater.rejected for rater in screen([[1, 5], [1, 5], [2, 4]])]
        [False, False, False]
    """
    table = np.asarray(scores, np.float64)
    if table.ndim != 2 or table.size == 0 or not np.isfinite(table).all():
        raise UsageError(
            f"screening takes a full table of raters x stimuli, got one of shape {table.shape}"
        )
    if len(table) < 2:
        return (Screening(0, 0, rejected=False),)
    away = table - table.mean(axis=0)
    second, fourth = (np.mean(away**power, axis=0) for power in (2, 4))
    spread = second > 1e-12
    kurtosis = fourth[spread] / second[spread] ** 2
    limit = np.where((kurtosis >= 2) & (kurtosis <= 4), 2.0, math.sqrt(20))
    # Whole votes can lie exactly on the limit, and count: rounding must not decide.
    reach = limit * np.std(table[:, spread], axis=0, ddof=1) - 1e-9
    high = np.sum(away[:, spread] >= reach, axis=1)
    low = np.sum(away[:, spread] <= -reach, axis=1)
    return tuple(_judge(int(p), int(q), table.shape[1]) for p, q in zip(high, low, strict=True))


def _judge(high: int, low: int, stimuli: int) -> Screening:
    far = high + low
    rejected = far / stimuli > _MAX_SHARE and abs(high - low) / far < _MIN_LEAN
    return Screening(high, low, rejected)
