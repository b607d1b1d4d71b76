"""`ovsharp screen`: a part of the screen, sharpened live."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ovsharp.errors import MediaError, UsageError
from ovsharp.terminal import console, options, viewing, write_json

if TYPE_CHECKING:
    from ovsharp.apps import Choice
    from ovsharp.media import Region, Screen

NO_WINDOW = "start it on a desktop"
_CHOOSE = "ovsharp: drag a rectangle around the picture, then press Enter; c cancels"


@click.command()
@click.option(
    "--region",
    metavar="X,Y,WxH",
    help="Left, top and size in pixels, e.g. 100,80,640x360. [default: chosen with the mouse]",
)
@click.option(
    "--window",
    metavar="TITLE",
    help="A window instead, by a part of its title; it is followed where it is moved. X11 only.",
)
@options.number("--fps", click.FloatRange(1), "Pictures per second at most.", 30.0)
@options.choice(options.target_fps)
@click.option("--full-screen", is_flag=True, help="Fill the other screen.")
@click.option("--split", is_flag=True, help="Left half: the picture as it came.")
@click.option("--overlay/--no-overlay", default=True, help="Speed and latency in the picture.")
@click.option("--seconds", type=options.ABOVE_0, help="Stop after that.")
@options.json_file("all figures")
def screen(
    region: str | None,
    window: str | None,
    fps: float,
    choice: Choice,
    full_screen: bool,
    split: bool,
    overlay: bool,
    seconds: float | None,
    json_file: Path | None,
) -> None:
    """Sharpen a part of the screen live: the picture of any call or player, in a window of its own.

    Drag a rectangle around the picture, or name it with --region or --window. The window is placed
    beside it, or on another screen: what covers it would be captured itself. The keys are those of
    `ovsharp camera`; q and Ctrl-C end it. Windows and X11; not Wayland.
    """
    from ovsharp.apps import Live
    from ovsharp.media import Region, Screen, Window

    if region is not None and window is not None:
        raise UsageError("--region and --window both say what to sharpen; leave one out")
    chosen = None if region is None else Region.parse(region)
    with ExitStack() as stack:
        followed = None if window is None else stack.enter_context(Window(window))
        view = stack.enter_context(Screen(chosen, window=followed, fps=fps))
        if chosen is None and followed is None:
            viewing.check_display(NO_WINDOW)
            view.region = _dragged(view)
            console.output().print(f"the same again: --region {view.region}", markup=False)
        sharpener = stack.enter_context(viewing.opened(choice))
        at = _place(view, sharpener.spec.scale, full_screen)
        live = Live(view, sharpener, lambda picture: show(picture), overlay=overlay, split=split)
        live.strength = choice.strength
        show = viewing.window(stack, live, NO_WINDOW, rate=fps, at=at, full=full_screen)
        with viewing.until_terminated(live):
            error = viewing.run(live, seconds)
        figures = live.figures
        if not figures.frames:
            raise error or MediaError("the window was closed before the first picture")
        ran = viewing.who_ran(window or "the screen", sharpener, choice.device)
        content = viewing.as_json(figures, sharpener, ran)
    viewing.say(figures, ran)
    if json_file is not None:
        write_json(json_file, content)
    if error is not None:
        raise error


def _place(view: Screen, scale: int, full: bool) -> tuple[int, int] | None:
    """Find a place for the window where it does not capture itself."""
    region = view.region
    if full:
        others = [one for one in view.monitors if not one.holds(region)]
        if not others:
            raise UsageError(
                "--full-screen needs a second screen: on this one it would cover the region, and "
                "show itself; leave it out"
            )
        return others[0].left, others[0].top
    at = region.beside(view.monitors, region.width * scale, region.height * scale)
    if at is None:
        click.echo(
            "there is no room beside the region: move the window so that it does not cover it, or "
            "it will show itself",
            err=True,
        )
    return at


def _dragged(view: Screen) -> Region:
    """Let a person drag a rectangle over a picture of the screen."""
    import cv2

    from ovsharp.media import Region

    monitor = view.region
    cv2.namedWindow(_CHOOSE, cv2.WINDOW_NORMAL | cv2.WINDOW_GUI_NORMAL)
    cv2.moveWindow(_CHOOSE, monitor.left, monitor.top)
    cv2.setWindowProperty(_CHOOSE, cv2.WND_PROP_FULLSCREEN, cv2.WINDOW_FULLSCREEN)
    try:
        left, top, width, height = cv2.selectROI(
            _CHOOSE, view.picture(), showCrosshair=False, printNotice=False
        )
    finally:
        cv2.destroyAllWindows()
    if not width or not height:
        raise UsageError("no region was chosen: drag a rectangle, then press Enter")
    return Region(monitor.left + left, monitor.top + top, width, height)
