"""`--workers` and `--cluster`: who shares the work of a verb."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, TypeVar

from ovsharp.errors import UsageError

if TYPE_CHECKING:
    from ovsharp.cluster import Workers

_Item = TypeVar("_Item")
_Batch = TypeVar("_Batch")
_Result = TypeVar("_Result")


def check_crew(workers: int | None, cluster: str | None) -> bool:
    """Say whether the work is split.

    Raises:
        UsageError: in two ways.
    """
    if workers is not None and cluster is not None:
        raise UsageError("--workers splits work on this machine, --cluster among many; choose one")
    return workers is not None or cluster is not None


def opened(stack: ExitStack, workers: int | None, cluster: str | None) -> Workers | None:
    """Give those that the work is split among; None where one process does it.

    Raises:
        MissingExtraError, UsageError: as `Cluster`.
    """
    if not check_crew(workers, cluster):
        return None
    from ovsharp.cluster import Cluster, Processes

    if cluster is not None:
        return stack.enter_context(Cluster(cluster))
    return stack.enter_context(Processes(workers or 1))


def in_batches(
    crew: Workers,
    task: Callable[[_Batch], Sequence[_Result]],
    items: Sequence[_Item],
    batch_of: Callable[[tuple[_Item, ...]], _Batch],
    *,
    most: int | None = None,
) -> Iterator[tuple[_Item, _Result]]:
    """Do a task for batches of items, and give (item, its result) in any order of the batches.

    Args:
        crew: who does it.
        task: gives a result for each item of a batch, in order.
        items: all of them.
        batch_of: makes a batch of some.
        most: items of a batch; None for the usual number.
    """
    from ovsharp.cluster import BATCH, batches

    parts = batches(items, crew.places, most or BATCH)
    for place, results in crew.results(task, [batch_of(part) for part in parts]):
        yield from zip(parts[place], results, strict=True)
