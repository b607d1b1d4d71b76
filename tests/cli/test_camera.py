"""`ovsharp camera` and `Live`, with a drawn clip for a camera."""

from __future__ import annotations

import errno
import itertools
import json
import re
import signal
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result

from ovsharp import Sharpener
from ovsharp.apps import Live
from ovsharp.apps.live import draw_overlay
from ovsharp.cli.camera import camera
from ovsharp.errors import MediaError, UsageError
from ovsharp.media import Camera, VideoWriter, read_video
from ovsharp.runtime import Router
from ovsharp.terminal.viewing import Recording, press
from tests.interrupt import interrupted
from tests.media.clips import clip
from tests.networks import write_frame_model

pytest.importorskip("av")


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return clip(tmp_path_factory.mktemp("camera") / "call.mp4", tuple(range(0, 480, 40)))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_frame_model(tmp_path_factory.mktemp("model"), unshuffle=2)


def call(*arguments: object) -> Result:
    return CliRunner().invoke(camera, [str(argument) for argument in arguments])


def test_a_recording_holds_what_was_shown(video: Path, model: Path, tmp_path: Path) -> None:
    out, report = tmp_path / "out.mp4", tmp_path / "figures.json"
    result = call("--camera", video, "--no-preview", "-o", out, "--model", model, "--json", report)
    assert result.exit_code == 0, result.exception
    figures = json.loads(report.read_text())
    assert figures["frames"] + figures["dropped"] == 12
    assert 0 < figures["latency_p50"] <= figures["latency_p99"]
    with read_video(out) as reader:
        shots = list(reader)
    assert figures["recorded"] + figures["not_recorded"] == figures["frames"]
    assert f"recorded {len(shots)} of them" in result.output
    assert shots[0].frame.shape == (64, 96, 3)
    assert "latency from capture to display" in result.output
    assert figures["made_by"] == {"test": figures["frames"]}
    first = f"{video}: frames by model: test {figures['frames']}; on CPU, execution "
    assert result.stdout.startswith(first)


@pytest.mark.parametrize(
    ("gain", "more", "said"),
    [
        (2.0, (), "frames by model: call-"),
        (-1.0, (), "nothing was sharpened: no model is expected to gain 0.35 dB: "),
        (2.0, ("--strength", "0"), "nothing was sharpened: strength was 0"),
    ],
)
def test_it_says_who_made_the_frames_or_why_none_did(
    video: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    gain: float,
    more: tuple[str, ...],
    said: str,
) -> None:
    monkeypatch.setattr(
        Router, "gains_on", lambda router, _crops: dict.fromkeys(router.spec.models, gain)
    )
    result = call("--camera", video, "--no-preview", "-o", tmp_path / "out.mp4", *more)
    assert result.exit_code == 0, result.exception
    assert result.stdout.startswith(f"{video}: {said}")


def test_the_halves_of_a_split_view(video: Path, model: Path) -> None:
    pictures: list[Any] = []
    with Camera(video, fps=60) as cam, Sharpener(model) as sharpener:
        live = Live(cam, sharpener, pictures.append, split=True)
        capture = cam.read()
        assert capture is not None
        sharp = sharpener(capture.frame)
        picture = live._picture(capture.frame)
    np.testing.assert_array_equal(picture[:, :48], capture.frame[:, :48])
    np.testing.assert_array_equal(picture[:, 50:], sharp[:, 50:])


@pytest.mark.parametrize("scale", [1, 2])
def test_strength_and_pause(
    video: Path, tmp_path_factory: pytest.TempPathFactory, scale: int
) -> None:
    path = write_frame_model(tmp_path_factory.mktemp("model"), scale=scale)
    with Camera(video, fps=60) as cam, Sharpener(path) as sharpener:
        live = Live(cam, sharpener, lambda _picture: None)
        capture = cam.read()
        assert capture is not None
        size = (96 * scale, 64 * scale)
        plain = cv2.resize(capture.frame, size, interpolation=cv2.INTER_CUBIC)
        full = live._picture(capture.frame).astype(float)
        live.strength = 0.5
        half = live._picture(capture.frame).astype(float)
        assert np.abs(half - (full + plain) / 2).max() <= 1
        live.paused = True
        np.testing.assert_array_equal(live._picture(capture.frame), plain)


def test_the_overlay_is_drawn_on_a_copy(video: Path, model: Path) -> None:
    plain: list[Any] = []
    drawn: list[Any] = []
    for overlay, pictures in ((False, plain), (True, drawn)):
        with Camera(video, fps=20) as cam, Sharpener(model) as sharpener:
            Live(cam, sharpener, pictures.append, overlay=overlay).run()
    assert (plain[0] != drawn[0]).any()
    np.testing.assert_array_equal(plain[0][50:], drawn[0][50:])


def test_the_panel_is_as_wide_as_its_text() -> None:
    grey = np.full((720, 1280, 3), 200, np.uint8)
    narrow, wide = (
        np.flatnonzero((draw_overlay(grey, (text,)) != 200).any(axis=(0, 2))).max()
        for text in ("30 FPS", "30 FPS, 20 ms, 0 dropped")
    )
    assert narrow < wide < 500
    np.testing.assert_array_equal(draw_overlay(grey, ()), grey)


class Family:
    """Stands for a sharpener with `target_fps`."""

    variants = ("x-quality", "x-fast")

    def __init__(self, choice: object) -> None:
        self.choice = choice
        self.pinned: list[str | None] = []

    def pin(self, name: str | None) -> None:
        self.pinned.append(name)


def test_the_model_goes_round_and_back_to_automatic() -> None:
    family: Any = Family(choice="chosen")
    live = Live(SimpleNamespace(), family, lambda _picture: None)  # type: ignore[arg-type]
    said = []
    for _ in range(4):
        live.next_variant()
        said += live._notices()
    assert family.pinned == ["x-quality", "x-fast", None, "x-quality"]
    assert said == ["pinned: x-quality", "pinned: x-fast", "automatic", "pinned: x-quality"]


def test_one_model_alone_says_so_in_the_picture(video: Path, model: Path) -> None:
    pictures: list[Any] = []
    with Camera(video, fps=20) as cam, Sharpener(model) as sharpener:
        live = Live(cam, sharpener, pictures.append)
        live.next_variant()
        assert live._notices() == (
            "one model only: leave --model out, or --target-fps brings its family",
        )
        capture = cam.read()
        assert capture is not None
        live.run()
        assert (pictures[0] != sharpener(capture.frame)).any()


def test_stop_and_seconds_end_a_session(video: Path, model: Path) -> None:
    with Sharpener(model) as sharpener:
        with Camera(video, loop=True, fps=100) as cam:
            live = Live(cam, sharpener, lambda _picture: live.stop())
            assert live.run().frames == 1  # and the model is compiled, which may take the seconds
        with Camera(video, loop=True, fps=100) as cam:
            figures = Live(cam, sharpener, lambda _picture: None).run(seconds=0.3)
            assert figures.frames > 1


def test_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    stopped: list[bool] = []
    cycled: list[bool] = []
    live: Any = SimpleNamespace(
        strength=1.0,
        paused=False,
        split=False,
        overlay=True,
        stop=lambda: stopped.append(True),
        next_variant=lambda: cycled.append(True),
    )
    picture = np.zeros((8, 8, 3), np.uint8)
    recording = Recording(25)
    for key in "-- bvo+s":
        press(live, key, picture, recording)
    assert live.strength == pytest.approx(0.9)
    assert (live.paused, live.split, live.overlay) == (True, True, False)
    assert cycled == [True]
    assert len(list(tmp_path.glob("ovsharp-*.png"))) == 1
    for _ in range(20):
        press(live, "+", picture, recording)
    assert live.strength == 1.5
    press(live, "q", picture, recording)
    assert stopped == [True]


def test_a_key_records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    said: list[str] = []
    live: Any = SimpleNamespace(say=said.append)
    picture = np.full((64, 96, 3), 90, np.uint8)
    with Recording(25) as recording:
        recording.write(picture)  # nothing is open yet
        press(live, "r", picture, recording)
        recording.write(picture)
        press(live, "r", picture, recording)
        (file,) = tmp_path.glob("ovsharp-*.mp4")
        press(live, "r", picture, recording)  # in the same second, there is one of this name
        recording.write(picture)
    assert said[:2] == [f"recording {file.name}", "recorded"]
    with read_video(file) as reader:
        assert len(list(reader)) == 1
    # The end of the view completes what was open.
    assert all(path.suffix == ".mp4" for path in tmp_path.iterdir())


class Window:
    """Stands for OpenCV's, or looks at it: what it shows, and a person at the keys."""

    def __init__(self, keys: str) -> None:
        self.keys, self.pictures, self.title = list(keys), [], ""

    def show(self, title: str, picture: Any) -> None:
        self.title = title
        self.pictures.append(picture.copy())

    def wait(self, _milliseconds: int) -> int:
        return ord(self.keys.pop(0)) if self.keys else 255


class Device:
    """Stands for a camera at a device: frames of a video, for ever."""

    def __init__(self, video: Path) -> None:
        with read_video(video) as reader:
            self.frames = itertools.cycle([shot.frame for shot in reader])

    def read(self) -> tuple[bool, Any]:
        time.sleep(0.02)
        return True, next(self.frames).copy()

    def isOpened(self) -> bool:  # noqa: N802 - OpenCV's name
        return True

    def get(self, _property: int) -> float:
        return 0.0

    def set(self, _property: int, _value: float) -> bool:
        return True

    def release(self) -> None:
        pass


def bare(video: Path, window: Window, patch: pytest.MonkeyPatch, folder: Path) -> list[str]:
    """Run `ovsharp camera` with nothing behind it; give what stands in the pictures."""
    patch.chdir(folder)
    device = Device(video)
    patch.setattr(cv2, "VideoCapture", lambda *_: device)
    patch.setattr(cv2, "waitKey", window.wait)
    lines: list[str] = []

    def draw(frame: Any, texts: tuple[str, ...]) -> Any:
        lines.extend(texts)
        return draw_overlay(frame, texts)

    patch.setattr("ovsharp.apps.live.draw_overlay", draw)
    result = call()
    assert result.exit_code == 0, (result.exception, result.output)
    assert window.pictures
    return lines


def test_alone_it_opens_the_picture_with_a_status_line(
    video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = Window("b-srrq")
    monkeypatch.setattr("ovsharp.terminal.viewing.check_display", lambda _instead: None)
    for name in ("namedWindow", "setWindowProperty", "destroyAllWindows"):
        monkeypatch.setattr(cv2, name, lambda *_: None)
    monkeypatch.setattr(cv2, "getWindowProperty", lambda *_: 1.0)
    monkeypatch.setattr(cv2, "imshow", window.show)
    monkeypatch.setattr(
        Router, "gains_on", lambda router, _crops: dict.fromkeys(router.spec.models, 1.0)
    )
    lines = bare(video, window, monkeypatch, tmp_path)
    assert re.fullmatch(r"\d+ FPS, \d+ ms, \d+ dropped", lines[0])
    assert re.fullmatch(r"call-\w+ \(auto\), strength 100%", lines[1])
    assert any("strength 90%" in line for line in lines)
    for key in ("q quit", "strength", "before/after", "model", "snapshot", "record"):
        assert key in window.title
    assert {path.suffix for path in tmp_path.glob("ovsharp-*")} == {".png", ".mp4"}


@pytest.mark.slow  # an X server is slow to start on a busy machine
def test_the_window_is_on_the_screen_and_as_large_as_the_picture(
    video: Path, tmp_path: Path, desktop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    window, sizes, show = Window(""), [], cv2.imshow

    def shown(title: str, picture: Any) -> None:
        show(title, picture)
        window.show(title, picture)
        cv2.pollKey()
        sizes.append(cv2.getWindowImageRect(title)[2:])
        window.keys = ["q"] * (len(sizes) == 5)

    monkeypatch.setattr(cv2, "imshow", shown)
    bare(video, window, monkeypatch, tmp_path)
    height, width = window.pictures[-1].shape[:2]
    assert sizes[-1] == (width, height)


def test_a_camera_that_is_unplugged_leaves_a_complete_recording(
    video: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = cv2.VideoCapture(str(video))
    monkeypatch.setattr(cv2, "VideoCapture", lambda _number: file)  # ends without a word
    monkeypatch.setattr(Camera, "_returned", lambda _self: None)
    out = tmp_path / "out.mp4"
    result = call("--camera", "0", "--no-preview", "-o", out, "--model", model)
    assert isinstance(result.exception, MediaError)
    assert "check its cable" in str(result.exception)
    with read_video(out) as reader:
        assert list(reader)
    assert [path.name for path in tmp_path.iterdir()] == ["out.mp4"]


def test_a_full_disk_ends_the_session(
    video: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_self: VideoWriter, _shot: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(VideoWriter, "write", full)
    out = tmp_path / "new" / "out.mp4"
    result = call("--camera", video, "--loop", "--no-preview", "-o", out, "--model", model)
    assert isinstance(result.exception, OSError)
    assert not list(tmp_path.iterdir())


def test_where_no_window_can_open_one_sentence_says_so(
    video: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    result = call("--camera", video, "--model", model)
    assert isinstance(result.exception, MediaError)
    assert "--no-preview" in str(result.exception)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["--no-preview"], "nothing to show"), (["--size", "big"], "expected WIDTHxHEIGHT")],
)
def test_wrong_usage(arguments: list[str], said: str) -> None:
    result = call(*arguments)
    assert isinstance(result.exception, UsageError)
    assert said in str(result.exception)


def test_ctrl_c_completes_the_recording(
    video: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts: list[int] = []
    count = Live._count

    def interrupted(self: Live, capture: Any) -> None:
        count(self, capture)
        counts.append(capture.number)
        if len(counts) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(Live, "_count", interrupted)
    out = tmp_path / "out.mp4"
    result = call("--camera", video, "--loop", "--no-preview", "-o", out, "--model", model)
    assert result.exit_code == 0, result.exception
    with read_video(out) as reader:
        assert len(list(reader)) == 3


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM")
def test_a_service_that_is_stopped_completes_the_recording(
    video: Path, model: Path, tmp_path: Path
) -> None:
    out, seen = tmp_path / "out.mp4", []

    def runs() -> bool:
        if (tmp_path / ".ovsharp-out.mp4.work").is_dir():
            seen.append(time.monotonic())
        return bool(seen) and time.monotonic() - seen[0] > 1

    arguments = ["camera", "--camera", video, "--loop", "--no-preview", "-o", out]
    code, errors = interrupted([*arguments, "--model", model], runs, signal.SIGTERM)
    assert code == 0, errors
    with read_video(out) as reader:
        assert len(list(reader)) > 1
    assert [path.name for path in tmp_path.iterdir()] == ["out.mp4"]


def test_a_driver_that_hangs_is_told(
    video: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Camera, "stuck", True)
    result = call("--camera", video, "--no-preview", "-o", tmp_path / "out.mp4", "--model", model)
    assert result.exit_code == 0, result.exception
    assert "its driver does not return" in result.stderr
