"""`ovsharp screen` and `Screen`, on a screen of their own (Xvfb), beside a player."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result

from ovsharp import Sharpener
from ovsharp.cli.screen import screen
from ovsharp.errors import MediaError, UsageError
from ovsharp.media import Region, Screen, Window
from tests.networks import write_frame_model
from tests.waiting import until

pytest.importorskip("mss", reason="the extra 'screen' is not installed")
SHOWS = Region(40, 30, 160, 120)
"""Where the player's picture is on the screen."""

PLAYER = """
import sys
import cv2
left, top, *files = sys.argv[1:]
cv2.namedWindow("player", cv2.WINDOW_AUTOSIZE | cv2.WINDOW_GUI_NORMAL)
cv2.moveWindow("player", int(left), int(top))
while True:
    for file in files:
        cv2.imshow("player", cv2.imread(file))
        cv2.waitKey(40)
"""


def drawn(index: int = 0) -> Any:
    picture = np.full((120, 160, 3), 70, np.uint8)
    picture[20:60, 30 + index : 90 + index] = (30, 200, 240)
    cv2.putText(picture, "call", (20, 100), cv2.FONT_HERSHEY_SIMPLEX, 1, (255, 255, 255), 2)
    return picture


@pytest.fixture
def player(desktop: str, tmp_path: Path) -> Iterator[Any]:
    """The picture that a player shows on the screen, after it is there."""
    file = tmp_path / "shown.jpg"  # a poor one
    cv2.imwrite(str(file), drawn(), [cv2.IMWRITE_JPEG_QUALITY, 10])
    command = [sys.executable, "-c", PLAYER, str(SHOWS.left), str(SHOWS.top), str(file)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as playing:
        try:
            shown = cv2.imread(str(file))
            with Screen(SHOWS) as view:
                until(lambda: (view.picture() == shown).all())
            yield shown
        finally:
            playing.kill()


def call(*arguments: object) -> Result:
    return CliRunner().invoke(screen, [str(argument) for argument in arguments])


@pytest.mark.slow
def test_pictures_are_what_the_screen_shows_in_time(player: Any) -> None:
    with Screen(SHOWS, fps=20) as view:
        captures = [capture for _, capture in zip(range(5), view, strict=False)]
    assert all((capture.frame == player).all() for capture in captures)
    assert [capture.number for capture in captures] == [0, 1, 2, 3, 4]
    times = [capture.taken for capture in captures]
    assert times[-1] - times[0] > 0.14  # the first one may be late


@pytest.mark.slow
def test_the_window_beside_shows_it_sharpened(player: Any, tmp_path: Path) -> None:
    model = write_frame_model(tmp_path, unshuffle=2)
    command = [sys.executable, "-m", "ovsharp", "screen", "--region", str(SHOWS)]
    command += ["--model", str(model), "--precision", "f32", "--no-overlay", "--seconds", "240"]
    with Sharpener(model, precision="f32") as sharpener:
        expected = sharpener(np.asarray(player, np.uint8))
    assert (expected != player).any()
    beside = Region(SHOWS.left + SHOWS.width, SHOWS.top, SHOWS.width, SHOWS.height)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        try:
            with Screen(beside) as view:
                until(lambda: (view.picture() == expected).all())
            running.terminate()
            said, _ = running.communicate(timeout=60)
        finally:
            running.kill()
    assert running.returncode == 0
    assert "latency from capture to display" in said


def moved(left: int, top: int) -> None:
    """Move the player's window as a window manager does."""
    import xcffib
    import xcffib.xproto

    connection = xcffib.connect()
    with Window("player") as window:
        where = xcffib.xproto.ConfigWindow.X | xcffib.xproto.ConfigWindow.Y
        connection.core.ConfigureWindow(window._id, where, [left, top])
        connection.flush()
        until(lambda: (window.region.left, window.region.top) == (left, top))
    connection.disconnect()


@pytest.mark.slow
def test_a_window_is_found_by_its_title_and_followed(player: Any) -> None:
    with Window("PLAY") as window, Screen(window=window) as view:
        assert window.title == "player"
        until(lambda: view.picture().shape == player.shape and (view.picture() == player).all())
        moved(300, 200)
        until(lambda: (view.picture() == player).all())
        assert view.region == Region(300, 200, SHOWS.width, SHOWS.height)
        moved(-60, 200)  # its left part is off the screen
        until(lambda: (view.picture() == player[:, 60:]).all())


@pytest.mark.slow
def test_a_window_that_is_not_there_or_closes(
    player: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageError, match="no window is called 'browser'; there are 'player'"):
        Window("browser")
    command = [sys.executable, "-c", PLAYER.replace('"player"', '"brief player"'), "400", "300"]
    with subprocess.Popen([*command, str(tmp_path / "shown.jpg")]) as brief:
        until(lambda: opens("brief player"))
        with Window("brief") as window:
            brief.kill()
            brief.wait()
            until(lambda: fails(lambda: window.region))
            with pytest.raises(MediaError, match="the window 'brief player' was closed"):
                _ = window.region
    both = call("--window", "player", "--region", SHOWS)
    assert isinstance(both.exception, UsageError)


def opens(title: str) -> bool:
    return not fails(lambda: Window(title).close())


def fails(action: Any) -> bool:
    try:
        action()
    except (MediaError, UsageError):
        return True
    return False


@pytest.mark.slow
def test_a_window_is_sharpened_beside_it(player: Any, tmp_path: Path) -> None:
    model = write_frame_model(tmp_path, unshuffle=2)
    command = [sys.executable, "-m", "ovsharp", "screen", "--window", "player"]
    command += ["--model", str(model), "--precision", "f32", "--no-overlay", "--seconds", "240"]
    with Sharpener(model, precision="f32") as sharpener:
        expected = sharpener(np.asarray(player, np.uint8))
    with Window("player") as window:
        shows = window.region
    beside = Region(shows.left + shows.width, shows.top, shows.width, shows.height)
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as running:
        try:
            with Screen(beside) as view:
                until(lambda: (view.picture() == expected).all())
        finally:
            running.terminate()


@pytest.mark.slow  # an X server is slow to start on a busy machine
def test_a_region_off_the_screen(desktop: str) -> None:
    for region in ("700,500,200x200", "-10,0,64x64"):
        result = call("--region", region)
        assert isinstance(result.exception, UsageError)
        assert "0,0,800x600" in str(result.exception)


@pytest.mark.slow
def test_full_screen_needs_another_screen(desktop: str, tmp_path: Path) -> None:
    model = write_frame_model(tmp_path)
    result = call("--region", SHOWS, "--full-screen", "--model", model)
    assert isinstance(result.exception, UsageError)
    assert "second screen" in str(result.exception)


@pytest.mark.parametrize("region", ["", "100,80", "1,2,0x5", "1,2,5x0", "a,b,cxd", "1,2,3x4x5"])
def test_a_region_that_cannot_be_read(region: str) -> None:
    with pytest.raises(UsageError, match="LEFT,TOP,WIDTHxHEIGHT"):
        Region.parse(region)


def test_windows_have_titles_on_x11_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(UsageError, match="on X11 only; leave --window out"):
        Window("player")


def test_a_window_is_placed_where_it_covers_nothing_of_the_region() -> None:
    one = [Region(0, 0, 1920, 1080)]
    assert Region(100, 50, 640, 360).beside(one, 640, 360) == (740, 50)
    assert Region(1280, 50, 640, 360).beside(one, 640, 360) == (640, 50)
    assert Region(640, 0, 640, 360).beside(one, 1280, 720) == (640, 360)
    assert Region(640, 720, 640, 360).beside(one, 1280, 720) == (640, 0)
    assert Region(600, 300, 700, 500).beside(one, 1400, 1000) is None
    two = [*one, Region(1920, 0, 1280, 1024)]
    assert Region(0, 0, 1920, 1080).beside(two, 1280, 720) == (1920, 0)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="of Linux")
@pytest.mark.parametrize(
    ("name", "said"), [("WAYLAND_DISPLAY", "Wayland"), ("", "DISPLAY is not set")]
)
def test_where_no_screen_can_be_captured_one_sentence_says_so(
    monkeypatch: pytest.MonkeyPatch, name: str, said: str
) -> None:
    for one in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(one, raising=False)
    if name:
        monkeypatch.setenv(name, "wayland-0")
    for chosen in (("--region", "0,0,64x64"), ("--window", "player")):
        result = call(*chosen)
        assert isinstance(result.exception, MediaError)
        assert said in str(result.exception)
