"""`Cluster`: a task on the machines of a Ray cluster."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ovsharp.closing import Closing
from ovsharp.cluster.sending import Sending, work_away
from ovsharp.cluster.workers import TRIES, Item, Result
from ovsharp.errors import MediaError, UsageError
from ovsharp.extras import need

_WAIT = 10.0
"""Seconds for a cluster to answer."""


class Cluster(Closing):
    """Tasks on a Ray cluster that runs already, a few threads for each; see `Workers`.

    ovsharp must be installed on every node, in the same version. Files that a `Movable` item reads
    are read where they lie if every node sees them there, with the same size and time; else each
    node that needs one is sent it once. Files that it writes come back, and appear as a whole.

    Args:
        address: of the cluster, e.g. `10.0.0.1:6379`; `auto` for the one that this machine is in.
        threads: CPU threads for each task, 1 or more: as many as the cluster counts CPUs for it.

    Raises:
        MissingExtraError: Ray is not installed.
        UsageError: there is no such cluster, or none of its nodes has so many CPUs.
    """

    def __init__(self, address: str, threads: int = 1) -> None:
        need("ray", extra="cluster")
        ray = _ray()
        self._threads = threads
        try:
            _check_there(address)
            ray.init(address=address, logging_level=logging.ERROR, log_to_driver=False)
        except (OSError, ValueError, RuntimeError) as error:
            raise UsageError(
                f"there is no Ray cluster at '{address}' ({_first_line(error)}); start one with "
                f"'ray start --head', and name its address"
            ) from error
        most = max((node["Resources"].get("CPU", 0) for node in self._nodes()), default=0)
        if most < threads:
            ray.shutdown()
            raise UsageError(
                f"no node of the cluster has {threads} CPUs for a task, the most are {most:g}; "
                f"take fewer"
            )

    @property
    def label(self) -> str:
        """What it is, for people."""
        nodes = self._nodes()
        return f"{len(nodes)} node{'s' * (len(nodes) > 1)} of a cluster"

    @property
    def places(self) -> int:
        """How many items it works on at a time, with the nodes that it has now."""
        return max(1, int(_ray().cluster_resources().get("CPU", 1)) // self._threads)

    @property
    def threads(self) -> int:
        """CPU threads for each task."""
        return self._threads

    def results(
        self, task: Callable[[Item], Result], items: Sequence[Item]
    ) -> Iterator[tuple[int, Result]]:
        """Do a task for each item; see `Workers.results`. Ray begins again what a node loses."""
        ray: Any = _ray()
        remote: Any = ray.remote(num_cpus=self._threads, max_retries=TRIES - 1)(work_away)
        running: dict[Any, int] = {}
        place = 0
        sending = Sending(items, [node["NodeID"] for node in self._nodes()])
        try:
            while place < len(items) or running:
                # Two for each place in the cluster: one runs, the next one waits beside it.
                while place < len(items) and len(running) < 2 * self.places:
                    files = sending.begun(place)
                    running[remote.remote(task, items[place], files, sending.run)] = place
                    place += 1
                done, _ = ray.wait(list(running), num_returns=1)
                for one in done:
                    begun = running.pop(one)
                    result, files = _result(one)
                    sending.ended(begun, files)
                    yield begun, result
        finally:
            for one in running:
                ray.cancel(one, force=True)

    def close(self) -> None:
        """Leave the cluster, which goes on. May be called again."""
        _ray().shutdown()

    def _nodes(self) -> list[dict[str, Any]]:
        return [node for node in _ray().nodes() if node["Alive"]]


def _check_there(address: str) -> None:
    """Fail at once where nobody listens: Ray itself tries for minutes, and ends the process."""
    host, _, port = address.rpartition(":")
    if port.isdecimal() and "/" not in host:
        socket.create_connection((host.strip("[]"), int(port)), _WAIT).close()


def _ray() -> Any:
    """Give the library, which takes a second to import."""
    import ray

    return ray


def _result(reference: Any) -> Any:
    ray = _ray()
    try:
        return ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        raise error.cause from error
    except ray.exceptions.RayError as error:
        raise MediaError(
            f"a piece of work was lost {TRIES} times in the cluster ({_first_line(error)})"
        ) from error


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
