"""`spread`: some of many, from the first to the last."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

_Item = TypeVar("_Item")


def spread(items: Sequence[_Item], limit: int | None) -> list[_Item]:
    """Take so many of a list, evenly spread, in their order.

    Args:
        items: any number.
        limit: how many at most, 0 or more; all of them for None.

    Example:
        >>> spread("abcdefg", 3), spread("ab", 3), spread("ab", None)
        (['a', 'd', 'g'], ['a', 'b'], ['a', 'b'])
    """
    count = len(items) if limit is None else min(limit, len(items))
    places = np.linspace(0, len(items) - 1, count).round().astype(int)
    return [items[place] for place in places]
