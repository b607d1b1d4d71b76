"""`guarded`: work on what a stranger made, in a process with limits of time and memory."""

from __future__ import annotations

import signal
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any, TypeVar

import psutil

from ovsharp.cluster.child import Child, portable
from ovsharp.errors import ModelLoadError
from ovsharp.limits import MEMORY, SECONDS
from ovsharp.progress import Progress

Result = TypeVar("Result")

_LOOK = 0.05
"""Seconds from one look at the process to the next."""
_STEPS = 20
"""More steps than any work has: the system itself ends what outlives us, after as many limits."""


def guarded(
    task: Callable[..., Result], *arguments: Any, what: str, progress: Progress, **options: Any
) -> Result:
    """Do a task in a process of its own, which is ended where it exceeds a limit.

    What it wrote until then stays: let it write into a folder that is cleared away.

    Args:
        task: a function of a module; its arguments and its result can be pickled, and it takes
            `progress`.
        arguments: of the task.
        what: it works on, for messages.
        progress: told of every step. Each may take `SECONDS` of the processor; where that is 0,
            the task is done in this process, without limits.
        options: of the task, by name.

    Raises:
        ModelLoadError: a limit was exceeded, or the process crashed.
        Exception: what the task raises.
    """
    seconds, megabytes = SECONDS.value, MEMORY.value
    if not seconds:
        return task(*arguments, progress=progress, **options)
    step, since = "starting", 0.0
    child = Child(_serve)
    try:
        # Told only now: if Ctrl-C came before, it ends without having done anything.
        child.pipe.send((task, arguments, options, seconds * _STEPS))
        process = psutil.Process(child.process.pid)
        while True:
            if child.pipe.poll(_LOOK):
                kind, value = child.pipe.recv()
                if kind == "done":
                    return value  # type: ignore[no-any-return]
                if kind == "failed":
                    raise value
                step, since = value[0], _used(process)
                progress(*value)
                continue
            if _used(process) - since > seconds:
                raise ModelLoadError(
                    f"{what} is too much: '{step}' took more than {seconds:g} s of the processor "
                    f"and was ended; {SECONDS.advice}"
                )
            taken = process.memory_info().rss / 1e6
            if taken > megabytes:
                raise ModelLoadError(
                    f"{what} is too much: '{step}' took more than {megabytes:g} MB of memory and "
                    f"was ended; {MEMORY.advice}"
                )
    except (EOFError, ConnectionError, psutil.Error) as error:
        child.process.join()
        raise ModelLoadError(_ended(what, step, child.process.exitcode or 0)) from error
    finally:
        child.end()


def _used(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _ended(what: str, step: str, code: int) -> str:
    """Say why a process is no more."""
    if code == -signal.SIGKILL:
        return f"the process that read {what} was killed ('{step}'), perhaps for want of memory"
    reason = signal.strsignal(-code) if code < 0 else f"exit code {code}"
    return f"{what} is no sound model: the process that read it crashed ('{step}', {reason})"


def _serve(pipe: Connection) -> None:
    try:
        task, arguments, options, seconds = pipe.recv()
    except EOFError:
        return
    _limit_processor(seconds)

    def told(*step: object) -> None:
        pipe.send(("told", step))

    try:
        answer = ("done", task(*arguments, progress=told, **options))
    except Exception as error:  # noqa: BLE001 - raised again by the parent
        answer = ("failed", portable(error))
    with suppress(OSError):  # nobody is there any more
        pipe.send(answer)


def _limit_processor(seconds: float) -> None:
    """Let the system end this process even if its parent was killed."""
    try:
        import resource
    except ImportError:  # Windows
        return
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    wanted = int(seconds) + 1
    if hard == resource.RLIM_INFINITY or wanted < hard:
        resource.setrlimit(resource.RLIMIT_CPU, (wanted, hard))
