"""`ovsharp serve`: a page and an HTTP API on one's own machine."""

from __future__ import annotations

import os
import sys
import webbrowser
from typing import TYPE_CHECKING, Any

import click

from ovsharp.extras import need
from ovsharp.terminal import console, options

if TYPE_CHECKING:
    from ovsharp.runtime import Quality


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="0.0.0.0: the whole network.")
@click.option("--port", type=click.IntRange(0, 65535), default=8790, show_default=True)
@click.option(
    "--model",
    metavar="NAME|FILE",
    help="What runs where a request names none: shipped model or .xml file. [default: call, which "
    "chooses; where pictures grow, the upscaler that is nearest]",
)
@options.device
@options.quality
@options.threads
@options.one_of(
    "--mode",
    ["latency", "throughput"],
    "throughput: for many cameras at once; each frame takes longer.",
    "latency",
)
@click.option("--open/--no-open", "opening", default=None, help="Open the page in a browser.")
@options.number("--max-mb", click.IntRange(1), "A file.", 1024, parameter="megabytes")
@options.number(
    "--max-megapixels",
    options.ABOVE_0,
    "A picture, before and after it grows.",
    50.0,
    parameter="megapixels",
)
@options.number("--max-seconds", options.ABOVE_0, "A video.", 3600.0, parameter="seconds")
@options.number("--max-jobs", click.IntRange(1), "Videos that wait.", 16, parameter="jobs")
@options.number("--max-streams", click.IntRange(1), "Live cameras.", 4, parameter="streams")
def serve(
    host: str,
    port: int,
    model: str | None,
    device: str,
    precision: str | None,
    quality: Quality | None,
    threads: int | None,
    mode: str,
    opening: bool | None,
    **limits: Any,
) -> None:
    """Open a page that sharpens photos, videos and the camera; and an HTTP API beside it.

    All work is done on this machine, and nothing is fetched from any other. Only this machine can
    reach the server. --host 0.0.0.0 lets the network in: clients then need the token that the
    environment variable OVSHARP_TOKEN holds.

    docs/SERVE.md describes the API; /docs on the server lets you try it. Ctrl-C and SIGTERM end the
    server, with exit code 0: that is its normal end. Uploads and results go with it.
    """
    need("fastapi", "fastapi_offline", "prometheus_client", "uvicorn", "websockets", extra="serve")
    need("av", extra="video")
    from ovsharp import serve as room

    token = os.environ.get("OVSHARP_TOKEN") or None
    room.check_token(token, host)
    opened, address = room.listen(host, port)
    with (
        opened,
        room.Models(
            model,
            device=device,
            precision=precision,
            quality=quality,
            threads=threads,
            mode=mode,
        ) as models,
    ):
        hosts = room.LOCAL if host in room.LOCAL else None
        app = room.create_app(models, room.Limits(**limits), token=token, hosts=hosts)
        out = console.output()
        out.print(f"{models.name(None)}: open {address} - Ctrl-C ends it", markup=False)
        out.file.flush()
        if _has_browser() if opening is None else opening:
            webbrowser.open(address)
        room.run(app, opened)


def _has_browser() -> bool:
    """Tell whether a person sits at a screen: a browser of the terminal would take it over."""
    screen = sys.platform in ("darwin", "win32") or any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")
    )
    return screen and sys.stdout.isatty()
