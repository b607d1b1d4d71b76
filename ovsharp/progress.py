"""How slow work says where it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

Progress = Callable[[str, int, int], None]
"""Takes the name of a stage, the steps that are done and the steps in all."""


def silent(*_: object) -> None:
    """Say nothing."""


@contextmanager
def stage(progress: Progress, name: str) -> Iterator[None]:
    """Tell of a stage that has one step."""
    progress(name, 0, 1)
    yield
    progress(name, 1, 1)
