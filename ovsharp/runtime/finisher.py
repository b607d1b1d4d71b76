"""`Finisher`: waits for what was started, in order, in a thread of its own.

Made for a main thread in which Ctrl-C may come between any two lines of Python. `Future` and
`ThreadPoolExecutor` wait in Python, and an interrupt inside of them can leave a lock taken that the
other thread then waits for: a stream that is interrupted all the time hangs within seconds. Here
both threads meet in objects that are written in C: they are interrupted before or after.
"""

from __future__ import annotations

import _thread
import os
import weakref
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue

from ovsharp.engine import Frame


class Outcome:
    """The result of one piece of work, for one thread that waits for it."""

    def __init__(self) -> None:
        self._ready = _thread.allocate_lock()
        self._ready.acquire()
        self._settled = False
        self._frame: Frame | None = None
        self._error: BaseException | None = None

    def done(self) -> bool:
        """Tell whether `result` returns at once."""
        return self._settled

    def wait(self) -> None:
        """Wait until it is settled."""
        if not self._settled:
            self._ready.acquire()

    def result(self) -> Frame:
        """Wait, and give the result or raise what the work raised."""
        self.wait()
        if self._error is not None:
            raise self._error
        return self._frame  # type: ignore[return-value]

    def set_running_or_notify_cancel(self) -> bool:
        """As a `Future`: the work is about to begin, always."""
        return True

    def set_result(self, result: Frame) -> None:
        """Settle it."""
        self._frame = result
        self._settle()

    def set_exception(self, error: BaseException | None) -> None:
        """Settle it by an error."""
        self._error = error
        self._settle()

    def _settle(self) -> None:
        self._settled = True
        self._ready.release()


_Item = tuple["Future[Frame] | Outcome", Callable[[], Frame], Callable[[], None]]


class Finisher:
    """Runs pieces of work one after the other. `put` them from one thread at a time."""

    def __init__(self) -> None:
        self._work: SimpleQueue[_Item | None] = SimpleQueue()
        self._first, self._gone = _thread.allocate_lock(), _thread.allocate_lock()
        self._gone.acquire()
        self._started: list[int] = []
        # Also at the end of a program that forgets to close.
        self._end = weakref.finalize(self, _end, self._work, self._gone, self._started)

    def put(
        self,
        outcome: Future[Frame] | Outcome,
        work: Callable[[], Frame],
        after: Callable[[], None],
    ) -> None:
        """Queue a piece of work; `after` is called behind it, or instead if it was cancelled."""
        if not self._started:
            # Not `Thread.start`, which waits in Python. Interrupted before the next line, a second
            # thread starts another time, and leaves at once; `close` waits for none that never was.
            _thread.start_new_thread(_run, (self._work, self._first, self._gone))
            self._started.append(os.getpid())
        self._work.put((outcome, work, after))

    def close(self) -> None:
        """Wait for all work, and end. May be called again."""
        self._end()


def _run(queue: SimpleQueue[_Item | None], first: _thread.LockType, gone: _thread.LockType) -> None:
    if not first.acquire(blocking=False):
        return
    try:
        while (item := queue.get()) is not None:
            _one(*item)
            del item
    finally:
        gone.release()


def _one(
    outcome: Future[Frame] | Outcome, work: Callable[[], Frame], after: Callable[[], None]
) -> None:
    if not outcome.set_running_or_notify_cancel():
        after()
        return
    try:
        result = work()
    except BaseException as error:  # noqa: BLE001 - raised again by whoever asks for the result
        after()
        outcome.set_exception(error)
    else:
        after()
        outcome.set_result(result)


def _end(queue: SimpleQueue[_Item | None], gone: _thread.LockType, started: list[int]) -> None:
    if started and started[0] != os.getpid():
        return  # of a process that was forked: the thread is not here, and nobody to wait for
    queue.put(None)
    if started:
        gone.acquire()
        gone.release()
