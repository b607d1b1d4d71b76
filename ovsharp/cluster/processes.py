"""`Processes`: a task in several processes of this machine."""

from __future__ import annotations

import os
import pickle
import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, cast

from ovsharp.closing import Closing
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


class _Worker:
    """A process, the pipe to it, and the place of what it does."""

    def __init__(self) -> None:
        # Not forked: threads of OpenVINO and FFmpeg do not go along.
        context = get_context("spawn")
        self.pipe, other = context.Pipe()
        self.place: int | None = None
        self._process: BaseProcess = context.Process(target=_serve, args=(other,), daemon=True)
        self._process.start()
        other.close()

    def end(self) -> None:
        """Kill it: whatever it leaves in memory is nobody's."""
        self.pipe.close()
        self._process.kill()
        self._process.join()


def _serve(pipe: Connection) -> None:
    """Work in the process until nobody is at the other end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends us
    with suppress(EOFError, OSError):
        while True:
            task, item = pipe.recv()
            try:
                answer = (True, task(item))
            except Exception as error:  # noqa: BLE001 - raised again by the parent
                answer = (False, _portable(error))
            pipe.send(answer)


def _portable(error: Exception) -> Exception:
    """Give an error that can be sent: that one, or where it cannot be, one with its words."""
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - what this process has just written
    except Exception:  # noqa: BLE001 - whatever its class makes of it
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


def _cores() -> int:
    usable = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else ()
    return len(usable) or os.cpu_count() or 1
