"""`Places`: a few at work, a bounded number in the queue, and a word to all others."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ovsharp.serve.limits import busy

_RECENT = 20
_FIRST_GUESS = 1.0
"""Seconds that a task takes, before one has ended."""


class Places:
    """Lets a few tasks of one event loop work at the same time, and some more wait.

    Args:
        at_work: tasks at the same time.
        waiting: tasks that may wait besides.
        what: there is too much of, for the message.

    Example:
        >>> places = Places(1, 0, "pictures")
        >>> async def one():
        ...     async with places.inside(), places.working():
        ...         await asyncio.sleep(0)
        >>> async def two():
        ...     results = await asyncio.gather(one(), one(), return_exceptions=True)
        ...     return [type(result).__name__ for result in results]
        >>> asyncio.run(two())
        ['NoneType', 'Refused']
    """

    def __init__(self, at_work: int, waiting: int, what: str) -> None:
        self._free = asyncio.Semaphore(at_work)
        self._at_work, self._limit, self._what = at_work, at_work + waiting, what
        self._took: deque[float] = deque([_FIRST_GUESS], maxlen=_RECENT)
        self.count = 0
        """Tasks inside: sending, waiting or at work."""

    @asynccontextmanager
    async def inside(self) -> AsyncIterator[None]:
        """Count as one of those that wait, for the block.

        Raises:
            Refused: as many as may wait do so.
        """
        if self.count >= self._limit:
            each = sum(self._took) / len(self._took)
            raise busy(f"{self.count} {self._what} are waiting", each * self.count / self._at_work)
        self.count += 1
        try:
            yield
        finally:
            self.count -= 1

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Wait for a place to work at, first come, first served, and hold it for the block."""
        async with self._free:
            began = time.monotonic()
            yield
            self._took.append(time.monotonic() - began)
