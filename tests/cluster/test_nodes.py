"""A Ray cluster of two nodes on this machine, one CPU each: slow, and only where Ray is."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from ovsharp.cli.video import video
from ovsharp.cluster import Cluster
from ovsharp.errors import MediaError, UsageError
from tests.cluster import tasks
from tests.media.clips import clip

pytest.importorskip("av")
ray = pytest.importorskip("ray", reason='needs Ray: pip install "ovsharp[cluster]"')
pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def nodes() -> Iterator[Any]:
    from ray.cluster_utils import Cluster as Nodes

    with pytest.MonkeyPatch.context() as patch:
        # Nodes import ovsharp and these tests from where they are imported here.
        patch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        head = {"num_cpus": 1, "include_dashboard": False}
        try:
            nodes = Nodes(initialize_head=True, head_node_args=head)
            nodes.add_node(num_cpus=1)
            nodes.wait_for_nodes()
        except Exception as error:  # noqa: BLE001 - Ray raises nothing more special
            pytest.skip(f"Ray's nodes do not start here within its 30 s: {error}")
        yield nodes
        nodes.shutdown()


@pytest.fixture
def address(nodes: Any) -> str:
    return str(nodes.address)


@pytest.fixture
def cluster(address: str) -> Iterator[Cluster]:
    with Cluster(address) as opened:
        yield opened


def test_each_item_is_done_once(cluster: Cluster) -> None:
    assert sorted(cluster.results(tasks.square, range(9))) == [(n, n * n) for n in range(9)]
    assert cluster.label == "2 nodes of a cluster"
    assert cluster.threads == 1


def test_a_killed_task_is_begun_again(cluster: Cluster, tmp_path: Path) -> None:
    assert list(cluster.results(tasks.killed_once, [tmp_path])) == [(0, "done")]


def test_an_error_is_raised_as_it_was(cluster: Cluster) -> None:
    with pytest.raises(MediaError, match="the second is no good"):
        list(cluster.results(tasks.refused, [0, 1, 2]))


def test_what_kills_every_task_is_given_up(cluster: Cluster) -> None:
    with pytest.raises(MediaError, match="lost 4 times in the cluster"):
        list(cluster.results(tasks.killed, [1]))


def test_no_cluster_and_too_many_threads_are_told(address: str) -> None:
    with pytest.raises(UsageError, match=r"there is no Ray cluster at '127\.0\.0\.1:1'"):
        Cluster("127.0.0.1:1")
    with pytest.raises(UsageError, match="no node of the cluster has 64 CPUs for a task"):
        Cluster(address, threads=64)


def test_a_video_is_that_of_one_process(address: str, tmp_path: Path) -> None:
    source = clip(tmp_path / "in.mp4", tuple(range(0, 40 * 500, 40)), sound=True)
    for name, more in (("one", []), ("many", ["--cluster", address])):
        out = str(tmp_path / f"{name}.mp4")
        told = CliRunner().invoke(video, [str(source), "-o", out, "--steady", *more])
        assert told.exit_code == 0, told.exception
    assert "by 2 nodes of a cluster" in told.stdout
    digests = [
        hashlib.sha256((tmp_path / f"{name}.mp4").read_bytes()).hexdigest()
        for name in ("one", "many")
    ]
    assert digests[0] == digests[1]


def test_work_of_a_lost_node_is_done_by_another(nodes: Any, cluster: Cluster) -> None:
    results = cluster.results(tasks.process, [0.5] * 6)
    done = [next(results)[0]]
    lost = nodes.list_all_nodes()[-1]
    nodes.remove_node(lost, allow_graceful=False)
    try:
        done += [place for place, _ in results]
    finally:
        nodes.add_node(num_cpus=1)
    assert sorted(done) == list(range(6))
