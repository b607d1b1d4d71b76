"""Frames out of videos that the tests draw themselves."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from ovsharp.errors import MediaError, UsageError
from ovsharp.media import is_video, video_frames


@pytest.fixture(params=["mp4v .mp4", "MJPG .avi", "MJPG .mkv"])
def video(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A video of 20 frames; frame i is a grey of level 10 * i."""
    codec, ending = request.param.split()
    path = tmp_path / f"levels{ending}"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), 25, (64, 48))
    assert writer.isOpened()
    for index in range(20):
        writer.write(np.full((48, 64, 3), 10 * index, np.uint8))
    writer.release()
    return path


def levels(path: Path, count: int) -> list[int]:
    frames = video_frames(path, count)
    assert all(frame.shape == (48, 64, 3) and frame.dtype == np.uint8 for frame in frames)
    return [round(float(frame.mean()) / 10) for frame in frames]


def test_frames_are_evenly_spaced(video: Path) -> None:
    assert levels(video, 5) == [2, 6, 10, 14, 18]
    assert levels(video, 1) == [10]


def test_seeking_finds_the_same_frames(video: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ovsharp.media.video._SEEK_FROM", 0)
    assert levels(video, 5) == [2, 6, 10, 14, 18]


def test_a_short_video_gives_all_of_its_frames(video: Path) -> None:
    assert levels(video, 50) == list(range(20))


def test_a_wrong_frame_count_is_not_believed(video: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = cv2.VideoCapture

    class Liar:
        """A capture whose container reports 10 times as many frames."""

        def __init__(self, *arguments: object) -> None:
            self.capture = real(*arguments)

        def get(self, what: int) -> float:
            return 200.0 if what == cv2.CAP_PROP_FRAME_COUNT else self.capture.get(what)

        def __getattr__(self, name: str) -> object:
            return getattr(self.capture, name)

    monkeypatch.setattr(cv2, "VideoCapture", Liar)
    assert levels(video, 5) == [2, 6, 10, 14, 18]


def test_what_is_no_video_is_refused(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "call.mp4").write_bytes(b"no video" * 100)
    with pytest.raises(MediaError, match=r"call\.mp4 is no video"):
        video_frames(tmp_path / "call.mp4", 3)
    assert capfd.readouterr().out == ""


def test_a_missing_video_is_the_systems_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        video_frames(tmp_path / "nothing.mp4", 3)


def test_no_frames_are_a_wrong_use(video: Path) -> None:
    with pytest.raises(UsageError, match="1 frame or more"):
        video_frames(video, 0)


def test_videos_are_told_by_their_ending() -> None:
    assert is_video(Path("a/call.MKV"))
    assert not is_video("photo.png")
