"""`ovsharp video --watch`, and jobs that are stopped, killed and continued."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from ovsharp.apps import Arrivals
from ovsharp.cli.video import video
from ovsharp.errors import UsageError
from ovsharp.media import read_video, write_video
from ovsharp.media.pipe import Pipe
from tests.interrupt import interrupted
from tests.media.clips import clip
from tests.networks import write_frame_model

pytest.importorskip("av")
LONG = tuple(range(0, 6000, 10))


def started(*arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "ovsharp", "video", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 60
    while not path.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)


def test_files_count_once_nobody_writes_to_them(tmp_path: Path) -> None:
    now = [0.0]
    arrivals = Arrivals(
        tmp_path, lambda path: path.suffix == ".mp4", settled=2, clock=lambda: now[0]
    )
    (tmp_path / "sub").mkdir()
    call, hidden = tmp_path / "sub" / "call.mp4", tmp_path / ".part.mp4"
    for content in (b"a", b"ab"):
        call.write_bytes(content)
        assert arrivals.ready() == []
        now[0] += 1.5
    for path in (hidden, tmp_path / "notes.txt"):
        path.write_bytes(b"a")
    (tmp_path / "empty.mp4").touch()
    assert arrivals.ready() == []
    now[0] += 1
    assert arrivals.ready() == [call]
    now[0] += 10
    assert arrivals.ready() == []
    call.write_bytes(b"abc")
    assert arrivals.ready() == []
    now[0] += 2
    assert arrivals.ready() == [call]


def test_what_comes_is_sharpened_and_what_fails_is_named(tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    (source / "a.mp4").write_bytes(b"no video" * 9)
    clip(source / "b.mp4", (0, 40))
    out = tmp_path / "out"
    model = write_frame_model(tmp_path / "model")

    def done() -> bool:
        return out.is_dir() and [path.name for path in out.iterdir()] == ["b.mp4"]

    arguments: list[str | Path] = ["video", "--watch", source, "-o", out, "--model", str(model)]
    code, errors = interrupted(arguments, done)
    assert code == 130
    assert f"watching {source}; Ctrl-C ends it" in errors
    assert f"failed: {source / 'a.mp4'} is no video" in errors
    assert done()


def test_wrong_use_is_told(tmp_path: Path) -> None:
    for arguments, message in (
        ((clip(tmp_path / "a.mp4", (0, 40)), "-o", tmp_path / "out"), "looks at one folder"),
        ((tmp_path, "-o", tmp_path / "out.mp4"), "writes into a folder"),
        ((tmp_path, "-o", tmp_path / "out"), "would be watched itself"),
    ):
        result = CliRunner().invoke(video, ["--watch", *map(str, arguments)])
        assert isinstance(result.exception, UsageError)
        assert message in str(result.exception)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_killed_job_goes_on_to_the_same_file(tmp_path: Path) -> None:
    source = clip(tmp_path / "in.mp4", LONG)
    model = write_frame_model(tmp_path / "model")
    target = tmp_path / "out.mp4"
    process = started(source, "-o", target, "--model", model)
    wait_for(tmp_path / ".ovsharp-out.mp4.work" / "segment-000000", process)
    process.kill()
    process.communicate()
    assert not target.exists()
    arguments = [str(source), "-o", str(target), "--model", str(model)]
    rest = CliRunner().invoke(video, [*arguments, "--resume"])
    assert rest.exit_code == 0, rest.output
    whole = tmp_path / "whole.mp4"
    arguments[2] = str(whole)
    assert CliRunner().invoke(video, arguments).exit_code == 0
    assert target.read_bytes() == whole.read_bytes()


def test_a_job_that_was_cut_off_before_its_first_word_begins_anew(tmp_path: Path) -> None:
    source = clip(tmp_path / "in.mp4", (0, 40))
    (tmp_path / ".ovsharp-out.mp4.work").mkdir()
    arguments = [str(source), "-o", str(tmp_path / "out.mp4"), "--resume", "--strength", "0"]
    result = CliRunner().invoke(video, arguments)
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.mp4", "out.mp4"]


def test_what_a_file_is_made_of_goes_when_it_is_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "out.mp4"
    settled = []

    def fsync(descriptor: int) -> None:
        name = Path(f"/proc/self/fd/{descriptor}").readlink().name
        settled.append((name, target.exists(), (tmp_path / ".ovsharp-out.mp4.work").exists()))

    if not Path("/proc/self/fd").exists():
        pytest.skip("there is no /proc to name files by")
    monkeypatch.setattr(os, "fsync", fsync)
    with read_video(clip(tmp_path / "in.mp4", (0, 40))) as shots, write_video(target) as sink:
        for shot in shots:
            sink.write(shot)
    assert settled[-2:] == [("out.mp4", True, True), (tmp_path.name, True, True)]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no Ctrl-Z")
def test_a_job_that_is_paused_goes_on(tmp_path: Path) -> None:
    process = started(clip(tmp_path / "in.mp4", LONG), "-o", tmp_path / "out.mp4")
    wait_for(tmp_path / ".ovsharp-out.mp4.work" / "segment-000000", process)
    process.send_signal(signal.SIGSTOP)
    time.sleep(0.3)
    process.send_signal(signal.SIGCONT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
def test_a_pause_is_no_stall(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "pipe")
    pipe = Pipe(tmp_path / "pipe", stall=1.0)
    writer = os.open(tmp_path / "pipe", os.O_WRONLY)
    wait, waits = select.select, []

    def paused(*arguments: object) -> object:
        waits.append(time.monotonic())
        if len(waits) == 2:  # the terminal stopped both ends for an hour
            monkeypatch.setattr(time, "monotonic", lambda: waits[0] + 3600)
            os.write(writer, b"on")
        return wait(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(select, "select", paused)
    assert pipe.read(9) == b"on"
    os.close(writer)
    pipe.close()
