"""`Workers`: what does many pieces of work at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

TRIES = 4
"""How often a piece of work is begun whose workers are killed."""


class Workers(Protocol):
    """Processes or machines. Whatever one of them has begun, another can do instead."""

    @property
    def label(self) -> str:
        """What they are, for people."""
        ...

    @property
    def places(self) -> int:
        """How many items they work on at a time."""
        ...

    @property
    def threads(self) -> int:
        """CPU threads that each should use."""
        ...

    def results(
        self, task: Callable[[Item], Result], items: Sequence[Item]
    ) -> Iterator[tuple[int, Result]]:
        """Do a task for each item, several at a time, and give results as they come.

        Where a worker is killed, another one begins its item again.

        Args:
            task: a function of a module, that depends on nothing but its item.
            items: can be pickled, as the results.

        Yields:
            (place of the item, result), in any order.

        Raises:
            MediaError: workers were killed over one item again and again.
            Exception: the first one that a task raises; the others are given up.
        """
        ...
