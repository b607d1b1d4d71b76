"""Tasks for workers: functions of a module, as they must be."""

from __future__ import annotations

import os
import signal
import time
from multiprocessing.connection import Connection
from pathlib import Path

from ovsharp.errors import MediaError, MissingExtraError, UsageError
from ovsharp.progress import Progress


def square(number: int) -> int:
    return number * number


def process(seconds: float) -> int:
    time.sleep(seconds)
    return os.getpid()


def tell(pipe: Connection) -> None:
    pipe.send(os.getpid())


def killed_once(folder: Path) -> str:
    """Die hard the first time, as where memory runs out."""
    mark = folder / "killed"
    if not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return "done"


def killed(item: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def refused(item: int) -> int:
    if item == 1:
        raise MediaError("the second is no good")
    return item


class StrangeError(Exception):
    def __init__(self, one: str, two: str) -> None:
        super().__init__(f"{one} and {two}")


def strange(kind: str) -> None:
    if kind == "extra":
        raise MissingExtraError("ray", "cluster")
    raise StrangeError("one", "two")


def told(number: int, progress: Progress) -> tuple[int, int]:
    progress("squaring", 0, 1)
    if number < 0:
        raise UsageError(f"not {number}")
    return number * number, os.getpid()


def endless(progress: Progress) -> None:
    progress("turning", 0, 1)
    while True:
        pass


def growing(progress: Progress) -> None:
    progress("growing", 0, 1)
    held = []
    while True:
        held.append(b"x" * (1 << 20))
        time.sleep(0.001)


def dying(progress: Progress) -> None:
    progress("dying", 0, 1)
    os.kill(os.getpid(), signal.SIGKILL)


def crashing(progress: Progress) -> None:
    progress("dying", 0, 1)
    os.abort()
