"""`/v1/jobs`: the same bytes as the command line; progress, cancelling, a bounded queue."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import pytest
from click.testing import CliRunner

from ovsharp.cli.main import main
from ovsharp.media import VideoReader
from ovsharp.serve import Limits, Models, jobs, videos
from tests.media.clips import clip
from tests.serve.rooms import encoded, photo, server, uploads
from tests.waiting import until


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Keeps every video behind its second frame until it is set, or one is cancelled."""
    go, plain = threading.Event(), jobs.within

    def held(*arguments: Any) -> Iterator[Any]:
        for place, shot in enumerate(plain(*arguments)):
            if place == 2:
                go.wait()
            yield shot

    monkeypatch.setattr(jobs, "within", held)
    monkeypatch.setattr(VideoReader, "interrupt", lambda clip: go.set())
    yield go
    go.set()


def post(client: Any, path: Path, query: str = "") -> Any:
    return client.post(f"/v1/jobs?name={path.name}{query}", content=path.read_bytes())


def ended(client: Any, identity: str) -> dict[str, Any]:
    """The last of a job's events."""
    told = [json.loads(line[6:]) for line in client.get(f"/v1/jobs/{identity}/events").iter_lines()
            if line.startswith("data: ")]  # fmt: skip
    last: dict[str, Any] = told[-1]
    return last


@pytest.mark.parametrize("name", ["clip.mp4", "clip.mov"])  # Matroska has a random number
def test_the_same_bytes_as_the_command_line(
    client: Any, model: Path, tmp_path: Path, name: str
) -> None:
    clip(tmp_path / name, sound=True)
    created = post(client, tmp_path / name, "&strength=0.7")
    assert created.status_code == 202
    where = created.headers["Location"]
    status = ended(client, created.json()["id"])
    assert status["state"] == "done", status
    assert status["frames"] == 12
    assert sum(status["made"].values()) == 12
    result = client.get(f"{where}/result")
    assert f'filename="clip-sharp{Path(name).suffix}"' in result.headers["Content-Disposition"]
    options = ["--model", str(model), "--precision", "f32", "--strength", "0.7"]
    command = ["video", str(tmp_path / name), "-o", str(tmp_path / "out"), *options]
    assert CliRunner().invoke(main, command).exit_code == 0
    assert result.content == (tmp_path / "out" / name).read_bytes()
    part = client.get(f"{where}/result", headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, result.content[10:20])
    assert client.delete(where).status_code == 204
    assert client.get(where).status_code == client.get(f"{where}/result").status_code == 404
    assert not uploads(client)


@pytest.mark.parametrize(
    "name", ["../../../etc/cron.d/job.mp4", "/etc/passwd", "a\0b.mp4", "x" * 150, "ünï.mkv", ""]
)
def test_a_name_never_becomes_a_path(client: Any, tmp_path: Path, name: str) -> None:
    data = clip(tmp_path / "c.mp4").read_bytes()
    created = client.post("/v1/jobs", params={"name": name}, content=data)
    assert created.status_code == 202
    identity = created.json()["id"]
    assert ended(client, identity)["state"] == "done"
    files = sorted(path.name for path in uploads(client)[0].iterdir())
    assert files[0].removesuffix(Path(files[0]).suffix) == "result"
    assert len(files) == 1  # the upload has gone
    disposition = client.get(f"/v1/jobs/{identity}/result").headers["Content-Disposition"]
    assert "/" not in disposition.replace("%2F", "")


@pytest.mark.parametrize(
    ("body", "query", "status"),
    [
        (b"", "", 400),
        (b"no video", "", 422),
        (encoded(photo(), ".jpg")[:100], "", 422),
        (b"\0\0\0\x18ftypisom" + bytes(500), "", 422),
        (b"x", "&model=nobody", 400),
        (b"x", "&crf=99", 400),
        (b"x", "&codec=h264", 400),
    ],
)
def test_what_is_wrong_is_told_at_once(client: Any, body: bytes, query: str, status: int) -> None:
    answer = client.post(f"/v1/jobs?name=a.mp4{query}", content=body)
    assert answer.status_code == status
    assert answer.json()["error"]
    assert str(client.app.state.shop.room.path) not in answer.text
    assert not uploads(client)
    assert client.app.state.shop.jobs.counts()["waiting"] == 0


def test_a_playlist_reads_no_file_of_this_machine(client: Any, tmp_path: Path) -> None:
    secret = clip(tmp_path / "secret.mp4")
    for text in (
        f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile://{secret}\n#EXT-X-ENDLIST\n",
        f"ffconcat version 1.0\nfile '{secret}'\n",
    ):
        for name in ("a.mp4", "a.m3u8", "a.txt"):
            answer = client.post(f"/v1/jobs?name={name}", content=text.encode())
            assert answer.status_code == 422, text


def test_limits_of_pixels_and_seconds(models: Models, room: Path, tmp_path: Path) -> None:
    short = clip(tmp_path / "short.mp4", (0, 40, 80))
    long = clip(tmp_path / "long.mp4", tuple(range(0, 4000, 40)))
    with server(models, room, limits=Limits(seconds=2, megapixels=0.1)) as client:
        assert post(client, long).status_code == 422
        wide = clip(tmp_path / "wide.mp4", (0,), size=(480, 320))
        assert post(client, wide).status_code == 413
        assert ended(client, post(client, short).json()["id"])["state"] == "done"


def test_progress_cancel_and_no_file_left(
    client: Any, tmp_path: Path, gate: threading.Event
) -> None:
    path = clip(tmp_path / "clip.mp4")
    running, waiting = (post(client, path).json()["id"] for _ in range(2))
    until(lambda: client.get(f"/v1/jobs/{running}").json()["frames"] >= 2)
    assert client.get(f"/v1/jobs/{running}").json()["state"] == "running"
    assert client.get(f"/v1/jobs/{running}/result").status_code == 409
    assert client.delete(f"/v1/jobs/{waiting}").status_code == 204
    assert client.delete(f"/v1/jobs/{running}").status_code == 204
    assert client.delete(f"/v1/jobs/{running}").status_code == 404
    until(lambda: not uploads(client))
    gate.set()
    assert ended(client, post(client, path).json()["id"])["state"] == "done"  # the next one


def test_a_full_queue_says_when_to_come_again(
    models: Models, room: Path, tmp_path: Path, gate: threading.Event
) -> None:
    path = clip(tmp_path / "clip.mp4")
    with server(models, room, limits=Limits(jobs=2)) as client:
        identities = [post(client, path).json()["id"] for _ in range(2)]
        refused = post(client, path)
        assert refused.status_code == 429
        assert int(refused.headers["Retry-After"]) >= 1
        gate.set()
        assert {ended(client, one)["state"] for one in identities} == {"done"}
        assert post(client, path).status_code == 202


def test_the_end_of_the_server_ends_videos_and_who_follows_them(
    models: Models, room: Path, tmp_path: Path, gate: threading.Event
) -> None:
    path = clip(tmp_path / "clip.mp4")
    with server(models, room) as client:
        running, waiting = (post(client, path).json()["id"] for _ in range(2))
        until(lambda: client.get(f"/v1/jobs/{running}").json()["frames"] >= 2)
        client.app.state.shop.jobs.cancel_all()
        assert ended(client, running)["state"] == "cancelled"
        assert ended(client, waiting)["state"] == "cancelled"
    # `server` sees that no file is left.


def test_the_last_that_is_told_is_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    job, look = jobs.Job(Path("in.mp4"), Path("out.mp4"), "in.mp4"), videos.JobStatus.of

    def ends(job: jobs.Job) -> videos.JobStatus:
        """It ends right after it was looked at."""
        seen = look(job)
        job.state = "done"
        return seen

    async def told() -> list[str]:
        return [event async for event in videos._told(job)]

    monkeypatch.setattr(videos.JobStatus, "of", ends)
    events = asyncio.run(told())
    assert [json.loads(event[6:])["state"] for event in events] == ["waiting", "done"]


def test_results_go_after_their_time_and_the_oldest_of_too_many(
    models: Models, room: Path, tmp_path: Path
) -> None:
    path = clip(tmp_path / "clip.mp4", (0, 40))
    with server(models, room, limits=Limits(jobs=2)) as client:
        first, *others = (
            created
            for _ in range(3)
            if ended(client, created := post(client, path).json()["id"])["state"] == "done"
        )
        until(lambda: client.get(f"/v1/jobs/{first}").status_code == 404)
        assert all(client.get(f"/v1/jobs/{one}/result").status_code == 200 for one in others)
    with server(models, room, limits=Limits(keep=-1)) as client:
        created = post(client, path).json()["id"]
        until(lambda: client.get(f"/v1/jobs/{created}").status_code == 404)
        assert not uploads(client)


def test_a_damaged_video_fails_with_a_sentence_and_the_next_one_runs(
    client: Any, tmp_path: Path
) -> None:
    path = clip(tmp_path / "clip.mkv", tuple(range(0, 2000, 20)))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * 2 // 3])
    created = post(client, path)
    assert created.status_code == 202
    status = ended(client, created.json()["id"])
    assert status["state"] == "failed"
    assert status["error"]
    assert str(client.app.state.shop.room.path) not in status["error"]
    assert not uploads(client)
    path.write_bytes(whole)
    assert ended(client, post(client, path).json()["id"])["state"] == "done"


def test_the_result_is_a_video(client: Any, tmp_path: Path) -> None:
    identity = post(client, clip(tmp_path / "odd.avi")).json()["id"]
    assert ended(client, identity)["state"] == "done"
    result = client.get(f"/v1/jobs/{identity}/result")
    assert result.headers["Content-Type"] == "video/mp4"  # AVI is read, not written
    (tmp_path / "result.mp4").write_bytes(result.content)
    with av.open(str(tmp_path / "result.mp4")) as container:
        assert sum(1 for _ in container.decode(video=0)) == 12
