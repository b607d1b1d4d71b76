"""`Camera`: always the newest frame, from a file that stands in or from a faked device."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from ovsharp.errors import MediaError, MissingExtraError, UsageError
from ovsharp.media import Camera, VirtualCamera
from tests.media.clips import clip

pytest.importorskip("av")


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    times = tuple(range(0, 480, 40))
    return clip(tmp_path_factory.mktemp("camera") / "call.mp4", times)


class Device:
    """A camera that gives `frames` numbered frames, then nothing or a failure."""

    def __init__(self, frames: int, *, then: str = "gone", opened: bool = True) -> None:
        self.frames, self.then, self.opened = frames, then, opened
        self.given, self.released = 0, threading.Event()
        self.asked: dict[int, float] = {}

    def isOpened(self) -> bool:  # noqa: N802
        return self.opened

    def get(self, _what: int) -> float:
        return 500.0

    def set(self, what: int, value: float) -> None:
        self.asked[what] = value

    def read(self) -> tuple[bool, Any]:
        if self.given == self.frames:
            if self.then == "stall":
                self.released.wait(2)
            return False, None
        self.given += 1
        time.sleep(0.001)
        return True, np.full((4, 6, 3), self.given, np.uint8)

    def release(self) -> None:
        self.released.set()


def plug_in(monkeypatch: pytest.MonkeyPatch, device: Device) -> None:
    monkeypatch.setattr(cv2, "VideoCapture", lambda _source: device)


def camera_threads() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name == "ovsharp-camera"]


def test_a_file_is_played_to_its_end_and_every_frame_counts(video: Path) -> None:
    with Camera(video, fps=60) as camera:
        captures = list(camera)
        assert captures[0].frame.shape == (64, 96, 3)
        assert len(captures) + camera.dropped == 12
        assert [c.number for c in captures] == sorted({c.number for c in captures})
        assert captures[-1].number == 11
    assert not camera_threads()


def test_slow_work_gets_the_newest_frame(video: Path) -> None:
    with Camera(video, fps=100) as camera:
        first = camera.read()
        assert first is not None
        deadline = time.perf_counter() + 5
        while camera.dropped < 5 and time.perf_counter() < deadline:
            time.sleep(0.005)
        late = camera.read()
    assert late is not None
    assert late.number - first.number >= 5
    assert camera.dropped >= 5


def test_a_looped_file_never_ends(video: Path) -> None:
    with Camera(video, fps=400, loop=True) as camera:
        numbers = [capture.number for capture, _ in zip(camera, range(30), strict=False)]
    assert numbers[-1] >= 29
    assert not camera_threads()


def test_an_unplugged_camera_ends_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    device = Device(3)
    plug_in(monkeypatch, device)
    with Camera(0) as camera, pytest.raises(MediaError, match="check its cable"):
        list(camera)
    assert device.released.is_set()
    assert not camera_threads()


def test_a_stalled_camera_ends_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    device = Device(1, then="stall")
    plug_in(monkeypatch, device)
    with Camera(0, stall=0.1) as camera:
        with pytest.raises(MediaError, match="stalled"):
            list(camera)
        device.released.set()


def test_no_camera_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    plug_in(monkeypatch, Device(0, opened=False))
    with pytest.raises(MediaError, match=r"camera 7 cannot be opened.*--camera clip\.mp4"):
        Camera(7)


@pytest.mark.parametrize("source", [0, "/dev/null", "rtsp://10.0.0.1/street"])
def test_size_and_rate_are_asked_for(monkeypatch: pytest.MonkeyPatch, source: int | str) -> None:
    device = Device(1)
    plug_in(monkeypatch, device)
    Camera(source, size=(1280, 720), fps=30).close()
    assert device.asked == {
        cv2.CAP_PROP_FRAME_WIDTH: 1280,
        cv2.CAP_PROP_FRAME_HEIGHT: 720,
        cv2.CAP_PROP_FPS: 30,
    }


def test_wrong_sources(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not a camera"):
        Camera(0, loop=True)
    with pytest.raises(FileNotFoundError):
        Camera(tmp_path / "gone.mp4")
    (tmp_path / "text.mp4").write_text("no video")
    with pytest.raises(MediaError, match="cannot be opened"):
        Camera(tmp_path / "text.mp4")


def test_reading_after_close_is_refused(video: Path) -> None:
    camera = Camera(video, fps=1)
    camera.close()
    camera.close()
    with pytest.raises(MediaError, match="closed"):
        for _ in range(3):
            camera.read()


def test_a_virtual_camera_needs_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ovsharp.extras.find_spec", lambda _name: None)
    with pytest.raises(MissingExtraError, match="camera"):
        VirtualCamera(64, 48)


def test_a_system_without_one_is_told_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    pyvirtualcam = pytest.importorskip("pyvirtualcam")

    def refuse(*_arguments: object, **_options: object) -> None:
        raise RuntimeError("no device")

    monkeypatch.setattr(pyvirtualcam, "Camera", refuse)
    monkeypatch.setattr("sys.platform", "linux")
    with pytest.raises(MediaError, match="modprobe v4l2loopback"):
        VirtualCamera(64, 48)
