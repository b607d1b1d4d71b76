"""A Ray cluster of two nodes on this machine, one CPU each: slow, and only where Ray is."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import partialmethod
from pathlib import Path
from typing import Any

import psutil
import pytest

ROOT = Path(__file__).parents[2]
START = 240
"""Seconds that a node may take to start: Ray's own 30 are too few for a machine with other work."""


class SlowClock:
    """The module `time`, by whose clock Ray's 30 s take as long as they may."""

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)

    def monotonic(self) -> float:
        return time.monotonic() * 30 / START


def node() -> dict[str, Any]:
    """Give the arguments of a node; for its port see `_expect_no_agent`."""
    return {"num_cpus": 1, "object_store_memory": 150 << 20, "runtime_env_agent_port": free_port()}


def free_port() -> int:
    """Find a port that nobody listens at."""
    with socket.socket() as listener:
        listener.bind(("", 0))
        return int(listener.getsockname()[1])


def workers(doing: str) -> list[psutil.Process]:
    """Find the processes of these nodes that do something now, by its name."""
    found = []
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            if " ".join(process.cmdline()).startswith(f"ray::{doing}"):
                found.append(process)
    return found


def _expect_no_agent(patch: pytest.MonkeyPatch) -> None:
    """Let a node start without its agents: it aborts where one takes more than 15 s to tell a port.

    https://github.com/ray-project/ray/issues/65983; the port of the other agent is given.
    """
    from ray import _raylet
    from ray._private.node import Node

    start = Node.start_raylet

    def started(node: Any, *arguments: Any, **options: Any) -> None:
        for agent in ("METRICS_AGENT", "METRICS_EXPORT", "DASHBOARD_AGENT_LISTEN"):
            name = getattr(_raylet, f"{agent}_PORT_NAME")
            _raylet.persist_port(node._session_dir, node._node_id, name, -1)  # -1: there is none
        start(node, *arguments, **options)

    patch.setattr(Node, "start_raylet", started)


@pytest.fixture(scope="session")
def nodes() -> Iterator[Any]:
    pytest.importorskip("ray", reason='needs Ray: pip install "ovsharp[cluster]"')
    from ray.cluster_utils import Cluster as Nodes

    with pytest.MonkeyPatch.context() as patch:
        # Nodes import ovsharp and these tests from where they are imported here.
        patch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_worker_register_timeout_seconds", str(START))
        patch.setenv("RAY_SERVE_PROXY_READY_CHECK_TIMEOUT_S", str(START))
        patch.setenv("RAY_SERVE_PROXY_HEALTH_CHECK_TIMEOUT_S", str(START))
        patch.setenv("RAY_prestart_worker_first_driver", "0")
        patch.setenv("RAY_worker_niceness", "0")  # else everybody else on the machine comes first
        _expect_no_agent(patch)
        for name in ("_wait_for_node", "wait_for_nodes"):
            patch.setattr(Nodes, name, partialmethod(getattr(Nodes, name), timeout=START))
        patch.setattr("ray._private.node.time", SlowClock())
        head = {**node(), "include_dashboard": False}
        nodes = Nodes(initialize_head=True, head_node_args=head)
        try:
            nodes.add_node(**node())
            nodes.wait_for_nodes()
            yield nodes
        finally:
            nodes.shutdown()


@pytest.fixture
def address(nodes: Any) -> str:
    return str(nodes.address)
