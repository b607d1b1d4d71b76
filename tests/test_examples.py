"""The examples run as a user would run them."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from ovsharp.media import read_video
from tests.media.clips import clip

pytest.importorskip("av")
EXAMPLES = Path(__file__).parent.parent / "examples"


def run(name: str, *arguments: object) -> str:
    command = [sys.executable, str(EXAMPLES / name), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return clip(tmp_path_factory.mktemp("examples") / "call.mp4", tuple(range(0, 480, 40)))


def test_call_app(video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OVSHARP_CACHE", str(tmp_path / "cache"))
    out = tmp_path / "out.mp4"
    assert "call-" in run("call_app.py", video, out)
    with read_video(out) as reader:
        assert next(iter(reader)).frame.shape == (64, 96, 3)


def test_opencv_loop(video: Path, tmp_path: Path) -> None:
    assert "12 frames" in run("opencv_loop.py", video, tmp_path / "frames")
    assert len(list((tmp_path / "frames").glob("*.png"))) == 12


def test_webrtc_loop(
    video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("aiortc", reason="the extra 'webrtc' is not installed")
    import aioice.ice

    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda **_: ["127.0.0.1"])
    monkeypatch.setenv("OVSHARP_CACHE", str(tmp_path / "cache"))
    monkeypatch.syspath_prepend(str(EXAMPLES))
    import webrtc_loop  # type: ignore[import-not-found]

    frames = asyncio.run(webrtc_loop.main(str(video), str(tmp_path / "out.mp4")))
    assert frames > 0
    assert f"{frames} frames came; the last one was made by " in capsys.readouterr().out
    with read_video(tmp_path / "out.mp4") as reader:
        assert next(iter(reader)).frame.shape == (64, 96, 3)


def test_fastapi_upload_says_what_is_missing() -> None:
    script = "import sys; sys.modules['fastapi'] = None; import fastapi_upload"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=EXAMPLES, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1
    assert done.stderr.strip().endswith("pip install fastapi uvicorn")


def test_fastapi_upload(monkeypatch: pytest.MonkeyPatch) -> None:
    testclient = pytest.importorskip("fastapi.testclient", reason="fastapi is not installed")
    monkeypatch.syspath_prepend(str(EXAMPLES))
    import fastapi_upload  # type: ignore[import-not-found]

    client = testclient.TestClient(fastapi_upload.app)
    frame = np.full((32, 48, 3), 90, np.uint8)
    sent = cv2.imencode(".png", frame)[1].tobytes()
    answer = client.post("/sharpen", content=sent)
    assert answer.status_code == 200
    picture = cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_COLOR)
    assert picture.shape == frame.shape
    assert client.post("/sharpen", content=b"text").status_code == 415
    assert client.post("/sharpen", content=b"").status_code == 415
