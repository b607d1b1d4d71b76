"""`ovsharp camera`: a camera, sharpened live."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ovsharp.errors import MediaError, UsageError
from ovsharp.terminal import console, options, viewing, write_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from ovsharp.apps import Choice
    from ovsharp.media import Frame, Recorder

NO_WINDOW = "use --no-preview with --virtual or -o FILE"
STUCK = (
    "its driver does not return; the camera is freed when this program ends, and if it stays "
    "busy then, plug it out and in again"
)


@click.command()
@click.option(
    "--camera",
    "source",
    default="0",
    show_default=True,
    metavar="N|FILE",
    help="Number, device or address of a camera, or a video file that stands in for one.",
)
@click.option("--loop", is_flag=True, help="Start the file over at its end.")
@click.option("--size", metavar="WxH", help="Ask the camera for this size, e.g. 1280x720.")
@options.number("--fps", click.FloatRange(1), "Ask the camera for this rate.")
@options.choice(options.target_fps)
@click.option("--preview/--no-preview", default=True, help="Show a window. [default: yes]")
@click.option("--virtual", is_flag=True, help="Be a camera for Zoom, Meet, Teams and OBS.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Also write a video file.")
@click.option("--codec", help="Of that file, as `ovsharp video` takes it. [default: h264]")
@options.overwrite
@click.option("--split", is_flag=True, help="Left half: the frame as it came.")
@click.option("--overlay/--no-overlay", default=True, help="Speed and latency in the picture.")
@click.option("--seconds", type=options.ABOVE_0, help="Stop after that.")
@options.json_file("all figures")
def camera(
    source: str,
    loop: bool,
    size: str | None,
    fps: float | None,
    choice: Choice,
    preview: bool,
    virtual: bool,
    output: Path | None,
    codec: str | None,
    overwrite: bool,
    split: bool,
    overlay: bool,
    seconds: float | None,
    json_file: Path | None,
) -> None:
    """Sharpen a camera live: preview window, virtual camera, video file.

    Always the newest frame: those that come meanwhile are dropped, counted and shown. Latency is
    measured from the arrival of a frame to the moment its picture was handed on.

    Keys in the window: q quit, + and - strength, space pause (the frame as it came), b
    before/after, v hold on to the next model, o overlay, s snapshot, r record and once more to
    complete the file. Ctrl-C and SIGTERM end it as well, and complete the file. A camera that
    vanishes is looked for, and goes on when it comes back.
    """
    if not (preview or virtual or output):
        raise UsageError("nothing to show: leave --preview on, or give --virtual or -o FILE")
    from ovsharp.apps import Live
    from ovsharp.media import Camera, Recorder

    wanted = _size(size)
    with ExitStack() as finishing, ExitStack() as stack:
        sharpener = stack.enter_context(viewing.opened(choice))
        number = int(source) if source.isdecimal() else source
        cam = stack.enter_context(Camera(number, loop=loop, size=wanted, fps=fps))
        sinks: list[Callable[[Frame], object]] = []

        def show(picture: Frame) -> None:
            for sink in sinks:
                sink(picture)

        live = Live(cam, sharpener, show, overlay=overlay, split=split, strength=choice.strength)
        # First in, last out: the file is completed while a second signal changes nothing.
        finishing.enter_context(viewing.until_terminated(live))
        recorder = None
        if output is not None:
            recorder = stack.enter_context(
                Recorder(output, rate=cam.fps, codec=codec, overwrite=overwrite)
            )
            sinks.append(recorder.write)
        if virtual:
            sinks.append(_virtual(stack, cam.fps))
        if preview:
            sinks.append(viewing.window(stack, live, NO_WINDOW, rate=cam.fps))
        error = viewing.run(live, seconds)
        figures, chosen = live.figures, sharpener.choice
        if not figures.frames:
            raise error or MediaError(f"{cam.name} gave no frame before the end")
        ran = viewing.who_ran(cam.name, sharpener, choice.device)
        content = viewing.as_json(figures, sharpener, ran)
    if cam.returns:
        click.echo(f"{cam.name} vanished and came back, {cam.returns} x", err=True)
    if cam.stuck:
        click.echo(f"ovsharp: {cam.name}: {STUCK}", err=True)
    viewing.say(
        figures,
        ran,
        _recorded(recorder),
        "" if chosen is None else f"note: {chosen.reason}",
    )
    if json_file is not None:
        if recorder is not None:
            content |= {
                "recorded": recorder.written,
                "not_recorded": recorder.dropped,
                "encoder": recorder.encoder,
            }
        write_json(json_file, content)
    if error is not None:
        raise error


def _size(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    width, _, height = text.partition("x")
    if not (width.isdecimal() and height.isdecimal() and int(width) and int(height)):
        raise UsageError(f"--size {text}: expected WIDTHxHEIGHT in pixels, as in 1280x720")
    return int(width), int(height)


def _virtual(stack: ExitStack, fps: float) -> Callable[[Frame], object]:
    """Send pictures to a virtual camera, which is made when the first one tells the size."""
    from ovsharp.media import VirtualCamera

    cameras: list[VirtualCamera] = []

    def send(picture: Frame) -> None:
        if not cameras:
            height, width = picture.shape[:2]
            cameras.append(stack.enter_context(VirtualCamera(width, height, fps=fps)))
            console.output().print(f"virtual camera: {cameras[0].device}", markup=False)
        cameras[0].send(picture)

    return send


def _recorded(recorder: Recorder | None) -> str:
    if recorder is None:
        return ""
    late = f", {recorder.dropped} left out: the encoder was too slow" * bool(recorder.dropped)
    return f"recorded {recorder.written} of them by {recorder.encoder}{late}"
