"""`Camera`: always the newest frame, from a file that stands in or from a faked device."""

from __future__ import annotations

import threading
import time
import wave
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
    with Camera(0, patience=0) as camera, pytest.raises(MediaError, match="check its cable"):
        list(camera)
    assert device.released.is_set()
    assert not camera_threads()


def test_a_camera_that_comes_back_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ovsharp.media.camera._TRY_EVERY", 0.01)
    devices = [Device(3), Device(0, opened=False), Device(0), Device(2)]
    left = iter(devices)
    monkeypatch.setattr(cv2, "VideoCapture", lambda _source: next(left, Device(0, opened=False)))
    with Camera(0, stall=0.05, patience=1, size=(1280, 720)) as camera:
        numbers = []
        with pytest.raises(MediaError, match="gives no more frames"):
            for capture in camera:
                numbers.append(capture.number)
        assert numbers[-1] == 4  # of 3 and 2
        assert camera.returns == 1
        # Asked for what it gave, not for what was wanted at first.
        assert devices[3].asked[cv2.CAP_PROP_FRAME_WIDTH] == 6
    assert all(device.released.is_set() for device in devices)
    assert not camera_threads()


def test_a_camera_of_another_size_is_not_taken_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ovsharp.media.camera._TRY_EVERY", 0.01)
    other = Device(5)
    monkeypatch.setattr(other, "read", lambda: (True, np.zeros((8, 8, 3), np.uint8)))
    left = iter([Device(2)])
    monkeypatch.setattr(cv2, "VideoCapture", lambda _source: next(left, other))
    with Camera(0, patience=0.1) as camera, pytest.raises(MediaError, match="no more frames"):
        list(camera)
    assert camera.returns == 0


def test_a_stalled_camera_ends_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    device = Device(1, then="stall")
    plug_in(monkeypatch, device)
    with Camera(0, stall=0.1) as camera:
        with pytest.raises(MediaError, match="stalled"):
            list(camera)
        device.released.set()


def test_a_driver_that_hangs_does_not_hold_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ovsharp.media.camera.CLOSE_SECONDS", 0.05)
    device = Device(1, then="stall")
    plug_in(monkeypatch, device)
    with Camera(0, stall=0.1) as camera:
        assert camera.read() is not None
        assert not camera.stuck
    assert camera.stuck
    assert all(t.daemon for t in threading.enumerate() if t.name == "ovsharp-camera")
    device.released.set()
    camera._thread.join(5)
    assert not camera.stuck


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
    with pytest.raises(MediaError, match=r"text\.mp4 is no video that FFmpeg can read"):
        Camera(tmp_path / "text.mp4")
    (tmp_path / "empty.mp4").touch()
    with pytest.raises(MediaError, match=r"empty\.mp4 is empty"):
        Camera(tmp_path / "empty.mp4")


def test_a_file_of_sound_is_told_as_such(tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "sound.wav"), "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes(bytes(16000))
    with pytest.raises(MediaError, match="holds no video, only sound"):
        Camera(tmp_path / "sound.wav")


def test_a_file_without_a_frame_says_what_is_wrong(
    video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    damaged = bytearray(video.read_bytes())
    begin = damaged.index(b"mdat") + 4
    length = int.from_bytes(damaged[begin - 8 : begin - 4], "big") - 8
    damaged[begin : begin + length] = bytes(length)
    (tmp_path / "damaged.mp4").write_bytes(damaged)
    path = tmp_path / "damaged.mp4"
    with Camera(path, fps=500) as camera, pytest.raises(MediaError, match="is damaged at"):
        list(camera)
    monkeypatch.setattr("ovsharp.media.camera.find_spec", lambda _name: None)
    with Camera(path, fps=500) as camera, pytest.raises(MediaError, match="has no frame that can"):
        list(camera)


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


@pytest.mark.parametrize(
    ("system", "said", "advice"),
    [
        ("linux", "No v4l2 loopback device found at /dev/video[0-99].", "modprobe v4l2loopback"),
        ("linux", "Could not access /dev/video0 due to missing permissions.", "-G video"),
        ("linux", "device /dev/video0 could not be configured: busy", "in use by another program"),
        ("win32", "OBS Virtual Camera device not found! Did you install OBS?", "install OBS"),
        ("win32", "virtual camera output could not be started", "Stop Virtual Camera"),
        ("darwin", "OBS Virtual Camera is not installed in your system.", "System Settings"),
        ("darwin", "Couldn't start stream", "is in use"),
        ("darwin", "Stream not found in it", "install OBS"),
        ("win32", "something new", r"\(something new\)"),
    ],
)
def test_each_failure_has_its_own_advice(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, system: str, said: str, advice: str
) -> None:
    pyvirtualcam = pytest.importorskip("pyvirtualcam")

    def refuse(*_arguments: object, **_options: object) -> None:
        raise RuntimeError(said)

    monkeypatch.setattr(pyvirtualcam, "Camera", refuse)
    monkeypatch.setattr("sys.platform", system)
    monkeypatch.setattr("ovsharp.media.virtual_camera._MODULE", tmp_path / "none")
    with pytest.raises(MediaError, match=advice):
        VirtualCamera(64, 48)


def test_a_loaded_module_without_a_free_device_is_busy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pyvirtualcam = pytest.importorskip("pyvirtualcam")

    def refuse(*_arguments: object, **_options: object) -> None:
        raise RuntimeError("No v4l2 loopback device found at /dev/video[0-99].")

    monkeypatch.setattr(pyvirtualcam, "Camera", refuse)
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr("ovsharp.media.virtual_camera._MODULE", tmp_path)
    with pytest.raises(MediaError, match="in use by another program"):
        VirtualCamera(64, 48)
