"""`batches`: many small pieces of work, some at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

_Item = TypeVar("_Item")

BATCH = 50
"""Items of a batch, usually, at most: what is lost where a worker is killed."""
_TURNS = 4
"""Batches for each place at least, so that all end at about the same time."""


def batches(items: Sequence[_Item], places: int, most: int = BATCH) -> list[tuple[_Item, ...]]:
    """Cut a list into batches, in order.

    Args:
        items: what there is to do.
        places: how many batches are worked on at a time.
        most: items of a batch.

    Example:
        >>> [len(batch) for batch in batches(range(10), places=1)]
        [3, 3, 3, 1]
        >>> max(len(batch) for batch in batches(range(1000), places=2))
        50
    """
    size = min(most, max(1, -(-len(items) // (_TURNS * places))))
    return [tuple(items[at : at + size]) for at in range(0, len(items), size)]
