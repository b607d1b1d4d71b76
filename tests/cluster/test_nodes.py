"""A Ray cluster of two nodes on this machine, one CPU each: slow, and only where Ray is."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from skimage import data

from ovsharp.cli.frames import frames
from ovsharp.cli.image import image
from ovsharp.cli.video import video
from ovsharp.cluster import Cluster
from ovsharp.degrade import parse
from ovsharp.errors import MediaError, UsageError
from ovsharp.lab.degrade import degrade
from ovsharp.lab.eval import eval as evaluate
from tests.cluster import tasks
from tests.cluster.conftest import node, workers
from tests.interrupt import interrupted
from tests.media.clips import clip
from tests.networks import write_frame_model
from tests.waiting import until

pytest.importorskip("av")
pytestmark = pytest.mark.slow


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


@pytest.fixture
def away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Files that nodes do not see under their path: their current folder is another one."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    for index in range(6):
        crop = np.ascontiguousarray(data.astronaut()[40 * index :][:90, 100:220, ::-1])
        damaged = parse("jpeg(quality=15)")(crop, seed=index) if index % 2 else crop
        cv2.imwrite(str(tmp_path / "photos" / f"{index}.png"), damaged)
    (tmp_path / "photos" / "no.png").write_bytes(b"no image")
    clip(tmp_path / "a.mp4", tuple(range(0, 40 * 300, 40)))
    return Path("/proc/self/cwd")


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith(".")
    }


@pytest.mark.skipif(not Path("/proc/self/cwd").is_dir(), reason="needs Linux's /proc")
def test_folders_are_those_of_one_process_where_nodes_see_no_file(
    address: str, away: Path, tmp_path: Path
) -> None:
    model = write_frame_model(tmp_path / "mine", unshuffle=2)
    own = away / model.relative_to(tmp_path)
    for verb, options in (
        (image, [away / "photos"]),
        (image, [away / "photos", "--model", own]),
        (degrade, [away / "photos", "--degrade", "jpeg(quality=10..60)"]),
        (frames, [away / "a.mp4", "--every", "1s", "--tolerance", 3]),
        (evaluate, ["--data", away / "photos", "--degrade", "gla", "--model", own]),
        (video, [away / "a.mp4", "--model", own]),
    ):
        told = []
        for name, more in (("one", []), ("many", ["--cluster", address])):
            out = tmp_path / name / ("out.mp4" if verb is video else "")
            arguments = [str(one) for one in (*options, "-o", out, *more)]
            told.append(CliRunner().invoke(verb, arguments))
        assert str(told[0].exception) == str(told[1].exception)
        one, many = contents(tmp_path / "one"), contents(tmp_path / "many")
        if verb is evaluate:
            one, many = ({"images.csv": each["images.csv"]} for each in (one, many))
        assert one == many
        assert one
        for name in ("one", "many"):
            shutil.rmtree(tmp_path / name)


def losing(nodes: Any) -> list[str]:
    """Kill a worker in the middle of its work, then lose a node, and say what was done."""
    done: list[str] = []
    until = time.monotonic() + 300
    while not done and time.monotonic() < until:
        time.sleep(0.02)
        for worker in workers("work_away")[:1]:
            time.sleep(0.3)
            worker.kill()
            done.append("worker")
    nodes.remove_node(nodes.list_all_nodes()[-1], allow_graceful=False)
    done.append("node")
    return done


@pytest.mark.timeout(900)
@pytest.mark.parametrize("verb", [video, image])
def test_a_killed_worker_and_a_lost_node_change_no_byte(
    verb: Any, nodes: Any, address: str, tmp_path: Path
) -> None:
    if verb is video:
        source = clip(tmp_path / "in.mp4", tuple(range(0, 40 * 1500, 40)), sound=True)
        options = [str(source), "--steady"]
    else:
        (tmp_path / "photos").mkdir()
        for index in range(120):
            crop = np.ascontiguousarray(data.astronaut()[2 * index :][:256, 60:400, ::-1])
            cv2.imwrite(str(tmp_path / "photos" / f"{index}.jpg"), crop, [1, 20])
        options = [str(tmp_path / "photos")]
    for name, more in (("one", []), ("many", ["--cluster", address])):
        out = tmp_path / name / ("out.mp4" if verb is video else "")
        out.parent.mkdir(exist_ok=True)
        with ThreadPoolExecutor() as pool:
            lost = pool.submit(losing, nodes) if more else None
            told = CliRunner().invoke(verb, [*options, "-o", str(out), *more])
            assert told.exit_code == 0, told.output
            if lost is not None:
                try:
                    assert lost.result() == ["worker", "node"]
                finally:
                    nodes.add_node(**node())
    assert contents(tmp_path / "one") == contents(tmp_path / "many")


@pytest.mark.timeout(900)
def test_an_interrupted_video_leaves_no_task_and_goes_on(address: str, tmp_path: Path) -> None:
    source = clip(tmp_path / "in.mp4", tuple(range(0, 40 * 1500, 40)), sound=True)
    work = tmp_path / ".ovsharp-many.mp4.work"
    many = [str(source), "-o", str(tmp_path / "many.mp4"), "--cluster", address]
    code, said = interrupted(["video", *many], lambda: any(work.glob("segment-*")))
    assert code == 130
    assert "continue with --resume" in said
    assert not (tmp_path / "many.mp4").exists()
    until(lambda: not workers("work_away"))
    told = CliRunner().invoke(video, [*many, "--resume", "--json", str(tmp_path / "told.json")])
    assert told.exit_code == 0, told.output
    (facts,) = json.loads((tmp_path / "told.json").read_text())
    assert 0 < facts["resumed_frames"] < facts["frames"] == 1500
    assert CliRunner().invoke(video, [str(source), "-o", str(tmp_path / "one.mp4")]).exit_code == 0
    assert (tmp_path / "many.mp4").read_bytes() == (tmp_path / "one.mp4").read_bytes()


def test_work_of_a_lost_node_is_done_by_another(nodes: Any, cluster: Cluster) -> None:
    results = cluster.results(tasks.process, [0.5] * 6)
    done = [next(results)[0]]
    lost = nodes.list_all_nodes()[-1]
    nodes.remove_node(lost, allow_graceful=False)
    try:
        done += [place for place, _ in results]
    finally:
        nodes.add_node(**node())
    assert sorted(done) == list(range(6))
