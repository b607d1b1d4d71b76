"""`Processes`: a task in several processes of this machine."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from typing import Any, cast

from ovsharp.closing import Closing
from ovsharp.cluster.child import Child, portable
from ovsharp.cluster.workers import TRIES, Item, Result
from ovsharp.errors import MediaError, UsageError


class Processes(Closing):
    """Worker processes, started when they are needed; see `Workers`.

    Not `concurrent.futures`: there, one killed process breaks the pool, and Ctrl-C waits for what
    runs.

    Args:
        count: how many, 1 or more.

    Raises:
        UsageError: fewer.

    Example:
        >>> with Processes(2) as workers:
        ...     sorted(workers.results(abs, [-3, -1, -2]))
        [(0, 3), (1, 1), (2, 2)]
    """

    def __init__(self, count: int) -> None:
        if count < 1:
            raise UsageError(f"workers must be 1 or more, got {count}")
        self._count = count
        self._workers: list[_Worker] = []

    @property
    def label(self) -> str:
        """What they are, for people."""
        return f"{self._count} process{'es' * (self._count > 1)}"

    @property
    def places(self) -> int:
        """How many items they work on at a time."""
        return self._count

    @property
    def threads(self) -> int:
        """CPU threads for each, so that all together have one for each core."""
        return max(1, _cores() // self._count)

    def results(
        self, task: Callable[[Item], Result], items: Sequence[Item]
    ) -> Iterator[tuple[int, Result]]:
        """Do a task for each item; see `Workers.results`."""
        waiting, tries = deque(range(len(items))), [0] * len(items)
        while waiting or any(worker.place is not None for worker in self._workers):
            self._begin(task, items, waiting, tries)
            busy = {one.pipe: (one, one.place) for one in self._workers if one.place is not None}
            for pipe in wait(list(busy)):
                worker, place = busy[cast("Connection", pipe)]
                worker.place = None
                try:
                    good, result = worker.pipe.recv()
                except (EOFError, OSError):  # it was killed
                    self._drop(worker)
                    waiting.appendleft(place)
                    continue
                if not good:
                    raise result
                yield place, result

    def close(self) -> None:
        """End the processes, whatever they do. May be called again."""
        for worker in self._workers:
            worker.end()
        self._workers.clear()

    def _begin(
        self,
        task: Callable[[Any], Any],
        items: Sequence[Any],
        waiting: deque[int],
        tries: list[int],
    ) -> None:
        """Give work to those that have none."""
        idle = [worker for worker in self._workers if worker.place is None]
        while waiting:
            place = waiting[0]
            if tries[place] == TRIES:
                raise MediaError(
                    f"{TRIES} processes were killed over the same piece of work, perhaps for want "
                    f"of memory; take fewer --workers"
                )
            if not idle and len(self._workers) < self._count:
                idle.append(_Worker())
                self._workers.append(idle[-1])
            if not idle:
                return
            worker = idle.pop()
            try:
                worker.pipe.send((task, items[place]))
            except OSError:  # it was killed while it had nothing to do
                self._drop(worker)
                continue
            tries[place] += 1
            worker.place = waiting.popleft()

    def _drop(self, worker: _Worker) -> None:
        self._workers.remove(worker)
        worker.end()


class _Worker(Child):
    """A process, the pipe to it, and the place of what it does."""

    def __init__(self) -> None:
        super().__init__(_serve)
        self.place: int | None = None


def _serve(pipe: Connection) -> None:
    """Work in the process until nobody is at the other end."""
    with suppress(EOFError, OSError):
        while True:
            task, item = pipe.recv()
            try:
                answer = (True, task(item))
            except Exception as error:  # noqa: BLE001 - raised again by the parent
                answer = (False, portable(error))
            pipe.send(answer)


def _cores() -> int:
    usable = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else ()
    return len(usable) or os.cpu_count() or 1
