"""The page and its files, figures, the description; a real server and its end."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from ovsharp.errors import UsageError
from ovsharp.serve import listen
from ovsharp.serve.folder import Workroom
from tests.serve.rooms import encoded, photo


def test_the_page_loads_nothing_from_elsewhere(client: Any) -> None:
    page = client.get("/")
    assert page.headers["Content-Type"].startswith("text/html")
    names = re.findall(r'(?:src|href)="(/page/[^"]+)"', page.text)
    assert names
    folder = files("ovsharp.serve").joinpath("page")
    for file in folder.iterdir():
        answer = client.get(f"/page/{file.name}")
        assert answer.status_code == 200
        outside = set(re.findall(r"https?://[^\"'\s)]+", answer.text)) - {
            "http://www.w3.org/2000/svg"
        }
        assert not outside, file.name
    assert all(client.get(name).status_code == 200 for name in names)


@pytest.mark.parametrize(
    "path",
    [
        "/page/../app.py",
        "/page/%2e%2e/app.py",
        "/page/..%2f..%2ferrors.py",
        "/page//etc/passwd",
    ],
)
def test_nothing_outside_the_page_is_given(client: Any, path: str) -> None:
    assert client.get(path).status_code == 404


def test_figures_for_prometheus(client: Any) -> None:
    client.post("/v1/sharpen", content=encoded(photo()))
    client.get("/v1/nowhere/with/a/secret")
    text = client.get("/metrics").text
    assert 'ovsharp_requests_total{method="POST",route="/v1/sharpen",status="200"} 1.0' in text
    assert 'ovsharp_frames_total{source="picture"} 1.0' in text
    assert "ovsharp_picture_seconds_count 1.0" in text
    assert "secret" not in text


def test_the_description_and_its_page_are_local(client: Any) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    assert {"/v1/sharpen", "/v1/jobs", "/v1/jobs/{identity}/result", "/v1/models"} <= set(paths)
    docs = client.get("/docs").text
    assert not re.findall(r"""(?:src|href)=["']https?:""", docs)
    for name in re.findall(r'(?:src|href)="(/[^"]+)"', docs):
        assert client.get(name).status_code == 200


def test_models_and_limits(client: Any, model: Path) -> None:
    told = client.get("/v1/models").json()
    assert told["default"] == str(model)
    assert "call" in told["models"]
    assert told["limits"]["megabytes"] == 1024


def test_what_a_killed_server_left_is_cleared_away(room: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    left = room / f"ovsharp-serve-{ended.pid}-abc"
    left.mkdir()
    (left / "upload").write_bytes(b"x")
    alive = room / f"ovsharp-serve-{os.getpid()}-abc"
    foreign = room / "ovsharp-serve-notes"
    for other in (alive, foreign):
        other.mkdir()
    link = room / f"ovsharp-serve-{ended.pid}-link"
    link.symlink_to(foreign)
    with Workroom(room) as new:
        assert not left.exists()
        assert alive.is_dir()
        assert foreign.is_dir()
        assert link.is_symlink()
        (new.folder() / "upload").write_bytes(b"x")
    assert not new.path.exists()


def test_an_address_in_use_is_told() -> None:
    opened, address = listen("127.0.0.1", 0)
    with opened:
        port = int(address.rstrip("/").rpartition(":")[2])
        with pytest.raises(UsageError, match="--port"):
            listen("127.0.0.1", port)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_is_the_normal_end(model: Path, tmp_path: Path, number: signal.Signals) -> None:
    room = tmp_path / "temporary"
    room.mkdir()
    command = [sys.executable, "-m", "ovsharp", "serve", "--port", "0", "--no-open"]
    command += ["--model", str(model), "--threads", "1"]
    server = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "TMPDIR": str(room)}
    )
    try:
        assert server.stdout is not None
        said = server.stdout.readline()
        address = re.search(r"http://127\.0\.0\.1:\d+/", said)
        assert address is not None
        health = urllib.request.urlopen(f"{address[0]}healthz", timeout=30)
        assert json.load(health)["status"] == "ok"
        asked = urllib.request.Request(f"{address[0]}v1/sharpen", encoded(photo()))
        assert urllib.request.urlopen(asked, timeout=60).status == 200
        assert list(room.glob("ovsharp-serve-*"))
        server.send_signal(number)
        assert server.wait(30) == 0
    finally:
        server.kill()
    assert not list(room.glob("ovsharp-serve-*"))


def test_a_network_without_a_token_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from click.testing import CliRunner

    from ovsharp.cli.main import main

    monkeypatch.delenv("OVSHARP_TOKEN", raising=False)
    result = CliRunner().invoke(main, ["serve", "--host", "0.0.0.0", "--port", "0"])
    assert isinstance(result.exception, UsageError)
    assert "OVSHARP_TOKEN" in str(result.exception)
