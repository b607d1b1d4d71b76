"""What the live verbs share: the window and its keys, the normal ends, the figures."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ovsharp.errors import MediaError, OvsharpError
from ovsharp.terminal import by_model, console

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ovsharp.apps import Choice, Figures, Live
    from ovsharp.media import Frame, Recorder
    from ovsharp.runtime import Sharpener

WINDOW = (
    "ovsharp: q quit, +/- strength, space pause, b before/after, v model, o overlay, s snapshot, "
    "r record"
)
_NAMED = "ovsharp-%Y%m%d-%H%M%S"
"""How snapshots and recordings are called, after the time."""


class Recording(ExitStack):
    """A video file that a key begins and completes; the end of the block completes it, too.

    Args:
        rate: pictures per second that are to be expected.
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self._rate = rate
        self._recorder: Recorder | None = None

    def toggle(self, live: Live) -> None:
        """Begin a file in this folder, or complete it; the picture says what happened."""
        from ovsharp.media import Recorder

        if self._recorder is not None:
            self._recorder = None
            self.close()
            live.say("recorded")
            return
        path = Path(time.strftime(f"{_NAMED}.mp4"))
        try:
            self._recorder = self.enter_context(Recorder(path, rate=self._rate))
        except OvsharpError as error:  # PyAV is not installed, or the key came twice in a second
            live.say(str(error))
            return
        live.say(f"recording {path}")
        console.output().print(f"recording: {path}", markup=False)

    def write(self, picture: Frame) -> None:
        """Take a picture, if a file is open.

        Raises:
            MediaError, OSError: as `Recorder.write`.
        """
        if self._recorder is not None:
            self._recorder.write(picture)


def opened(choice: Choice) -> Sharpener:
    """Make the sharpener; the strength is `Live`'s, as keys change it."""
    return replace(choice, strength=1.0).opened()


@contextmanager
def until_terminated(live: Live) -> Iterator[None]:
    """Let what ends a program end the live view: services and closed terminals send it."""
    signals = [signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]
    if threading.current_thread() is not threading.main_thread():  # only that one may
        yield
        return
    before = {number: signal.signal(number, lambda *_: live.stop()) for number in signals}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def run(live: Live, seconds: float | None) -> MediaError | None:
    """Run to the end; give what ended it early, so that a recording is completed first."""
    try:
        live.run(seconds=seconds)
    except KeyboardInterrupt:  # the way to stop where there is no window
        return None
    except MediaError as error:
        return error
    return None


def window(
    stack: ExitStack,
    live: Live,
    instead: str,
    *,
    rate: float,
    at: tuple[int, int] | None = None,
    full: bool = False,
) -> Callable[[Frame], object]:
    """Open a window with the first picture, and give what shows one and does what keys ask for.

    Args:
        stack: closes the window.
        live: what the keys are for; closing the window ends it.
        instead: what to do where no window can be opened, for the message.
        rate: pictures per second that are to be expected.
        at: where its upper left corner shall be; None leaves it to the system.
        full: whether it fills the screen that it is on.

    Raises:
        MediaError: there is no display, or OpenCV has no windows.
    """
    import cv2

    check_display(instead)
    opened = False
    recording = stack.enter_context(Recording(rate))

    def show(picture: Frame) -> None:
        nonlocal opened
        if not opened:
            size = cv2.WINDOW_NORMAL if full else cv2.WINDOW_AUTOSIZE
            cv2.namedWindow(WINDOW, size | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL)
            if at is not None:
                cv2.moveWindow(WINDOW, *at)
            if full:
                cv2.setWindowProperty(WINDOW, cv2.WND_PROP_FULLSCREEN, cv2.WINDOW_FULLSCREEN)
            opened = True
        elif closed():
            live.stop()
            return
        cv2.imshow(WINDOW, picture)
        recording.write(picture)
        press(live, chr(cv2.waitKey(1) & 0xFF), picture, recording)

    def closed() -> bool:
        """Tell whether somebody has closed the window with the mouse."""
        try:
            return cv2.getWindowProperty(WINDOW, cv2.WND_PROP_VISIBLE) < 1
        except cv2.error:  # what Qt says once its last window is closed
            return True

    def close() -> None:
        with suppress(cv2.error):  # the same
            cv2.destroyAllWindows()

    stack.callback(close)
    return show


def check_display(instead: str) -> None:
    """Try a window in another process: OpenCV's Qt ends the one where it finds no display.

    Raises:
        MediaError: there is no display, or OpenCV has no windows.
    """
    attempt = [sys.executable, "-c", "import cv2; cv2.namedWindow('ovsharp')"]
    # Nothing of it comes from outside.
    if subprocess.run(attempt, capture_output=True, check=False).returncode:  # noqa: S603
        raise MediaError(
            f"no window can be opened here (no display, or opencv-python-headless): {instead}"
        )


def press(live: Live, key: str, picture: Frame, recording: Recording) -> None:
    """Do what a key asks for."""
    if key in ("q", "\x1b"):
        live.stop()
    elif key in "+-":
        stepped = round(live.strength + (0.1 if key == "+" else -0.1), 1)
        live.strength = min(1.5, max(0.0, stepped))
    elif key == " ":
        live.paused = not live.paused
    elif key == "b":
        live.split = not live.split
    elif key == "v":
        live.next_variant()
    elif key == "o":
        live.overlay = not live.overlay
    elif key == "r":
        recording.toggle(live)
    elif key == "s":
        from ovsharp.media import write_picture

        path = Path(time.strftime(f"{_NAMED}.png"))
        write_picture(path, picture)
        console.output().print(f"snapshot: {path}", markup=False)


def as_json(figures: Figures, sharpener: Sharpener, ran: str) -> dict[str, Any]:
    """Give all figures of a view; `ran` is what `who_ran` says."""
    made = dict(sharpener.made)
    return {**asdict(figures), "fps": figures.fps, "made_by": made, "ran": ran}


def who_ran(source: object, sharpener: Sharpener, device: str) -> str:
    """Say in a line which models made the frames, and how they ran; or why none did."""
    made = sharpener.made
    if not made:
        return by_model(source, made, "strength was 0, or the view was paused")
    if len(made) == 1 and not sharpener.sharpened:
        return by_model(source, made, sharpener.why)
    execution = console.executed(sharpener.spec, sharpener.execution.label)
    return f"{by_model(source, made)}; on {device}, {execution}"


def say(figures: Figures, ran: str, *more: str) -> None:
    """Say how it went; empty lines are left out.

    Args:
        figures: of the view.
        ran: what `who_ran` says.
        more: lines.
    """
    lines = [
        ran,
        f"{figures.frames} frames in {figures.seconds:.1f} s, {figures.fps:.1f} FPS, "
        f"{figures.dropped} dropped",
        f"latency from capture to display: median {figures.latency_p50:.1f} ms, "
        f"99th percentile {figures.latency_p99:.1f} ms; sharpener {figures.infer_p50:.1f} ms",
        *filter(None, more),
    ]
    console.output().print("\n".join(lines), markup=False, soft_wrap=True)
