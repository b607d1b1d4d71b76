"""How the slow parts of this room say where they are."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, int, int], None]
"""Takes the name of a stage, the steps that are done and the steps in all."""


def silent(stage: str, done: int, total: int) -> None:
    """Say nothing."""
