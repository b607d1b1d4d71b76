"""`Recorder`: the live loop never waits, and the file is complete or absent."""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ovsharp.errors import MediaError, UsageError
from ovsharp.media import Recorder, VideoWriter, read_video
from tests.media.clips import draw

pytest.importorskip("av")


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Nothing is encoded before this is set."""
    event = threading.Event()
    write = VideoWriter.write

    def held(self: VideoWriter, shot: Any) -> None:
        assert event.wait(30)
        write(self, shot)

    monkeypatch.setattr(VideoWriter, "write", held)
    return event


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    yield
    assert not [t.name for t in threading.enumerate() if t.name == "ovsharp-recorder"]


def frames(path: Path) -> list[Any]:
    with read_video(path) as video:
        return [shot.frame for shot in video]


def test_what_the_encoder_cannot_keep_up_with_is_left_out_and_counted(
    tmp_path: Path, gate: threading.Event
) -> None:
    with Recorder(tmp_path / "out.mp4", waiting=4) as recorder:
        while not recorder.dropped:  # one is in the encoder's hands, four wait
            recorder.write(draw(0))
        recorder.write(draw(0))
        assert (recorder.written, recorder.dropped) == (0, 2)
        gate.set()
    assert recorder.written == len(frames(tmp_path / "out.mp4")) in (4, 5)
    assert [path.name for path in tmp_path.iterdir()] == ["out.mp4"]


def test_the_buffer_may_be_reused(tmp_path: Path, gate: threading.Event) -> None:
    buffer = np.zeros((64, 96, 3), np.uint8)
    with Recorder(tmp_path / "out.mp4") as recorder:
        for level in (40, 120, 200):
            buffer[:] = level
            recorder.write(buffer)
        buffer[:] = 0
        gate.set()
    assert [round(frame.mean(), -1) for frame in frames(tmp_path / "out.mp4")] == [40, 120, 200]


def test_pictures_keep_their_times(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter((7.0, 7.04, 7.0404, 8.0))
    monkeypatch.setattr(time, "perf_counter", lambda: next(clock))
    with Recorder(tmp_path / "out.mp4", rate=25) as recorder:
        for index in range(4):
            recorder.write(draw(index))
    monkeypatch.undo()
    with read_video(tmp_path / "out.mp4") as video:
        assert [round(shot.seconds, 4) for shot in video] == [0, 0.04, 0.041, 1.0]


@pytest.mark.parametrize("notice", ["later", "at the end"])
@pytest.mark.parametrize(
    "failure", [OSError(errno.ENOSPC, "No space left on device"), MediaError("the encoder failed")]
)
def test_a_failure_is_raised_and_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, notice: str, failure: Exception
) -> None:
    def fail(_self: VideoWriter, _shot: Any) -> None:
        raise failure

    monkeypatch.setattr(VideoWriter, "write", fail)
    recorder = Recorder(tmp_path / "new" / "out.mp4")
    with pytest.raises(type(failure)) as caught, recorder:
        recorder.write(draw(0))
        if notice == "later":
            recorder._thread.join(30)
            recorder.write(draw(0))
            pytest.fail("the failure was not noticed")
    assert caught.value is failure
    assert not list(tmp_path.iterdir())


def test_a_disk_that_fills_at_the_end_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace = os.replace

    def full(source: Any, target: Any) -> None:
        if str(target).endswith(".mp4"):
            raise OSError(errno.ENOSPC, "No space left on device")
        replace(source, target)

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space left"), Recorder(tmp_path / "out.mp4") as recorder:
        recorder.write(draw(0))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("when", ["in the loop", "while it ends"])
def test_what_is_broken_off_leaves_nothing(
    tmp_path: Path, gate: threading.Event, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    (tmp_path / "out.mp4").write_text("an earlier one")
    recorder = Recorder(tmp_path / "out.mp4", overwrite=True)
    if when == "while it ends":
        join = recorder._thread.join

        def interrupted(timeout: float | None = None) -> None:
            gate.set()
            if timeout is None:
                raise KeyboardInterrupt
            join(timeout)

        monkeypatch.setattr(recorder._thread, "join", interrupted)
    with pytest.raises(KeyboardInterrupt), recorder:
        for index in range(8):
            recorder.write(draw(index))
        if when == "in the loop":
            gate.set()
            raise KeyboardInterrupt
    assert recorder.written <= 1 or when == "in the loop"
    assert [path.name for path in tmp_path.iterdir()] == ["out.mp4"]
    assert (tmp_path / "out.mp4").read_text() == "an earlier one"


def test_a_session_without_a_picture_says_so(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="no frame to write"), Recorder(tmp_path / "out.mp4"):
        pass
    assert not list(tmp_path.iterdir())


def test_existing_files_are_kept(tmp_path: Path) -> None:
    (tmp_path / "out.mp4").touch()
    with pytest.raises(UsageError, match="--overwrite"):
        Recorder(tmp_path / "out.mp4")
