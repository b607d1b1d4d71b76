"""A mean with what is known of it, and how such figures are written."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Stat:
    """Mean of one measure, with Student's t interval of 95 % around it."""

    n: int
    mean: float
    std: float | None
    """Sample standard deviation (n - 1); None for one image."""
    low: float | None
    high: float | None


def summarise(values: Sequence[float]) -> Stat:
    """Mean, sample standard deviation and the 95 % interval of Student's t.

    Args:
        values: one or more.

    Example:
        >>> summarise([1.0, 2.0, 3.0]).std
        1.0
    """
    n, mean = len(values), float(np.mean(values))
    if n < 2:
        return Stat(n, mean, None, None, None)
    from scipy.stats import t

    std = float(np.std(values, ddof=1))
    half = float(t.ppf(0.975, n - 1)) * std / math.sqrt(n)
    return Stat(n, mean, std, mean - half, mean + half)


def p_text(p: float | None) -> str:
    """Give a p in as many digits as mean something.

    Example:
        >>> p_text(0.0312), p_text(1e-9), p_text(None)
        ('0.031', '< 0.001', '-')
    """
    return "-" if p is None else "< 0.001" if p < 0.001 else f"{p:.3f}"


def interval_text(stat: Stat, digits: int) -> str:
    """Give the 95 % interval, or a dash for one image."""
    if stat.low is None or stat.high is None:
        return "-"
    return f"{stat.low:.{digits}f}..{stat.high:.{digits}f}"
