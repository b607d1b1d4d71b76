"""`Batch`: some of the work, wherever it is done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

_Item = TypeVar("_Item")


@dataclass(frozen=True)
class Batch(Generic[_Item]):
    """Some of the work: a task for any process or machine; see `ovsharp.cluster.Movable`."""

    origin: str
    """What results depend on, of the machine where the work is split: `ovsharp.runtime.origin`."""
    items: tuple[_Item, ...]
    threads: int
    """Of each worker."""
