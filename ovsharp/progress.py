"""How slow work says where it is."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, int, int], None]
"""Takes the name of a stage, the steps that are done and the steps in all."""


def silent(*_: object) -> None:
    """Say nothing."""
