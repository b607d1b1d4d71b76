from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="the extra 'serve' is not installed")

from fastapi.testclient import TestClient

from ovsharp.serve import Models
from tests.networks import write_frame_model
from tests.serve.rooms import server


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_frame_model(tmp_path_factory.mktemp("model"), unshuffle=2)


@pytest.fixture(scope="session")
def models(model: Path) -> Iterator[Models]:
    with Models(str(model), precision="f32", threads=1) as models:
        yield models


@pytest.fixture
def room(tmp_path: Path) -> Path:
    path = tmp_path / "room"
    path.mkdir()
    return path


@pytest.fixture
def client(models: Models, room: Path) -> Iterator[TestClient]:
    with server(models, room) as client:
        yield client


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real server, in a process of its own; without the last slash."""
    command = [sys.executable, "-m", "ovsharp", "serve", "--port", "0", "--no-open"]
    room = str(tmp_path_factory.mktemp("temporary"))
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "TMPDIR": room}
    ) as server:
        assert server.stdout is not None
        found = re.search(r"http://[\d.]+:\d+", server.stdout.readline())
        assert found is not None
        yield found[0]
        server.terminate()
        assert server.wait(60) == 0
