"""The server as a Ray Serve application, on the two nodes of `conftest.py`."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from skimage import data

from ovsharp.cli.image import image
from tests.cluster.conftest import START, free_port, node, workers

pytest.importorskip("ray.serve", reason='needs Ray Serve: pip install "ovsharp[cluster]"')
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

QUEUE = 2
AGAIN = {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE, 500}
"""What is worth asking again: too much to do, nobody is up, a replica died over it."""


@pytest.fixture(scope="module")
def server(nodes: Any) -> Iterator[str]:
    """Run a replica on each node; give the address."""
    import ray
    from ray import serve

    from ovsharp.cluster.serve import Settings, app

    port = free_port()
    ray.init(address=nodes.address, log_to_driver=False)
    patch = pytest.MonkeyPatch()
    for module in ("api", "client"):
        patch.setattr(f"ray.serve._private.{module}.HTTP_PROXY_TIMEOUT", START)
    try:
        serve.start(
            proxy_location="HeadOnly",
            http_options={"host": "127.0.0.1", "port": port, "request_timeout_s": 300},
        )
        settings = Settings(cores=1, min_replicas=2, max_replicas=2, queue=QUEUE, local=True)
        serve.run(app(settings))
        yield f"127.0.0.1:{port}"
        serve.shutdown()
    finally:
        patch.undo()
        ray.shutdown()


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> dict[Path, bytes]:
    """Damaged pictures, and what `ovsharp image` makes of each."""
    folder = tmp_path_factory.mktemp("pictures")
    sources = []
    for index in range(4):
        crop = np.ascontiguousarray(data.astronaut()[60 * index :][:180, 100:420, ::-1])
        sources.append(folder / f"{index}.jpg")
        cv2.imwrite(str(sources[-1]), crop, [cv2.IMWRITE_JPEG_QUALITY, 20])
    out = folder / "out"
    told = CliRunner().invoke(image, [*map(str, sources), "-o", str(out)])
    assert told.exit_code == 0, told.output
    return {source: (out / source.name).read_bytes() for source in sources}


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    content: bytes


def ask(server: str, path: str, content: bytes | None = None) -> Answer:
    connection = HTTPConnection(server, timeout=300)
    connection.request("GET" if content is None else "POST", path, content)
    response = connection.getresponse()
    headers = {name.lower(): value for name, value in response.getheaders()}
    return Answer(response.status, headers, response.read())


def persist(server: str, picture: Path) -> bytes:
    """Ask until there is an answer, as a client should."""
    until = time.monotonic() + 600
    while True:
        with suppress(OSError, HTTPException):
            answer = ask(server, "/v1/sharpen", picture.read_bytes())
            if answer.status not in AGAIN:
                assert answer.status == HTTPStatus.OK, answer.content
                return answer.content
        assert time.monotonic() < until, "no answer in time"
        time.sleep(0.2)


def served(server: str, pictures: dict[Path, bytes], times: int) -> Iterator[None]:
    """Ask for all pictures, over and over, four at a time; see that each is as it must be."""
    work = list(pictures) * times
    with ThreadPoolExecutor(4) as pool:
        for picture, got in zip(
            work, pool.map(lambda one: persist(server, one), work), strict=True
        ):
            assert got == pictures[picture]
            yield


def test_pictures_are_those_of_the_command_line(server: str, pictures: dict[Path, bytes]) -> None:
    assert len(list(served(server, pictures, times=2))) == 8
    assert json.loads(ask(server, "/healthz").content)["status"] == "ok"


def test_too_much_to_do_is_told(server: str, pictures: dict[Path, bytes]) -> None:
    picture = next(iter(pictures))
    with ThreadPoolExecutor(40) as pool:
        content = picture.read_bytes()
        answers = list(pool.map(lambda _: ask(server, "/v1/sharpen", content), range(40)))
    busy = [one for one in answers if one.status == HTTPStatus.TOO_MANY_REQUESTS]
    assert busy
    assert busy[0].headers["retry-after"] == "1"
    good = [one for one in answers if one.status == HTTPStatus.OK]
    assert good
    assert {one.content for one in good} == {pictures[picture]}


def test_a_video_needs_a_session(server: str) -> None:
    answer = ask(server, "/v1/jobs", b"x")
    assert answer.status == HTTPStatus.BAD_REQUEST
    assert "x-session-id" in json.loads(answer.content)["error"]


def test_a_killed_replica_and_a_lost_node_cost_no_picture(
    nodes: Any, server: str, pictures: dict[Path, bytes]
) -> None:
    asked = served(server, pictures, times=6)
    next(asked)
    os.kill(workers("ServeReplica")[0].pid, signal.SIGKILL)
    next(asked)
    nodes.remove_node(nodes.list_all_nodes()[-1], allow_graceful=False)
    try:
        assert len(list(asked)) == 22
    finally:
        nodes.add_node(**node())
