"""`Child`: a process of our own at the other end of a pipe."""

from __future__ import annotations

import pickle
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import get_context, resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

_TAKEN = frozenset({signal.SIGINT, signal.SIGTERM})


class Child:
    """A process, and the pipe to it.

    Args:
        work: what it does: a function of a module, called with the other end of the pipe.
    """

    def __init__(self, work: Callable[[Connection], None]) -> None:
        # Not forked: threads of OpenVINO and FFmpeg do not go along.
        context = get_context("spawn")
        self.pipe, other = context.Pipe()
        self.process: BaseProcess = context.Process(target=_work, args=(work, other), daemon=True)
        with _held_back():
            self.process.start()
            other.close()

    def end(self) -> None:
        """Kill it: whatever it leaves in memory is nobody's."""
        self.pipe.close()
        self.process.kill()
        self.process.join()


@contextmanager
def _held_back() -> Iterator[None]:
    """Let signals wait while a process is started: with half of its data it ends in a traceback.

    A terminal sends Ctrl-C to it as well, while it still imports: it is born with them blocked.
    """
    came: list[int] = []
    # Only the main thread takes signals.
    taken = _TAKEN if threading.current_thread() is threading.main_thread() else ()
    handlers = {one: handler for one in taken if callable(handler := signal.getsignal(one))}
    for one in handlers:
        signal.signal(one, lambda number, _: came.append(number))
    try:
        with _blocked():
            yield
    finally:
        for one, handler in handlers.items():
            signal.signal(one, handler)
        if came:
            signal.raise_signal(came[0])


@contextmanager
def _blocked() -> Iterator[None]:
    if sys.platform == "win32":
        yield
        return
    # A part of multiprocessing that it starts once, and lets signals in again behind.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _TAKEN)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _work(work: Callable[[Connection], None], pipe: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends us
    if sys.platform != "win32":
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _TAKEN)
    work(pipe)


def portable(error: Exception) -> Exception:
    """Give an error that can be sent: that one, or where it cannot be, one with its words."""
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - what this process has just written
    except Exception:  # noqa: BLE001 - whatever its class makes of it
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error
