"""The `ovsharp` command: finds the verb, turns errors into a sentence and an exit code."""

from __future__ import annotations

import atexit
import errno
import os
import signal
import sys
import threading
from difflib import get_close_matches
from functools import partial
from importlib import import_module
from typing import NoReturn

import click

from ovsharp.errors import DeviceError, OvsharpError, UsageError
from ovsharp.extras import display_library
from ovsharp.terminal import (
    EXIT_FAILED,
    EXIT_INTERRUPTED,
    EXIT_TERMINATED,
    EXIT_USAGE,
    with_examples,
    with_new_names,
    with_presets,
    with_quiet,
)
from ovsharp.version import __version__

VERBS = {
    "convert": "PyTorch checkpoint, ONNX or foreign IR -> ovsharp IR, with proof of parity.",
    "quantize": "Float IR -> INT8 IR, with the measured drop in quality.",
    "bench": "Compare storage and execution precisions by SSIM and throughput.",
    "ship": "Checkpoint -> INT8 in one go: convert, quantize, bench, a card and a page.",
    "eval": "Score models on a folder of images, with intervals and a page of pictures.",
    "compare": "Say what changed between two evaluations; exit code 1 if anything got worse.",
    "profile": "Show where the time of a frame goes, node by node.",
    "image": "Sharpen image files.",
    "video": "Sharpen video files; sound, subtitles and timestamps are kept.",
    "camera": "Sharpen a camera live: window, virtual camera, file.",
    "screen": "Sharpen a part of the screen live: the picture of any call or player.",
    "serve": "A page for photos, videos and the camera, and an HTTP API, on this machine.",
    "degrade": "Damage images as a bad call does: aligned pairs for training and measuring.",
    "study": "Let people rate pictures or clips, blind, on a local web page.",
    "frames": "Take still frames out of videos, without near duplicates.",
    "train": "Train a student by a recipe, with a teacher or without.",
    "recipes": "List the training recipes.",
    "info": "Show what a model is and where it comes from.",
    "devices": "Show devices, instruction sets and package versions.",
    "completion": "Print what a shell needs to complete verbs and options.",
}

SPOKEN = ("recipes", "info", "devices", "completion")
"""Verbs that do nothing but print: quiet, they would do nothing."""

_LAB = frozenset(
    {
        *("convert", "quantize", "bench", "ship", "eval", "compare", "profile"),
        *("degrade", "study", "train"),
    }
)
"""Verbs in the room `lab`; the others are here."""

_AGAIN_SECONDS = 0.05
"""After which a signal is sent again: a destructor is over by then."""


class _Terminated(KeyboardInterrupt):
    """SIGTERM or SIGHUP: whatever Ctrl-C clears away, this does."""


class Verbs(click.Group):
    """Imports a verb's module only when it is called: --help loads nothing heavy."""

    def list_commands(self, _context: click.Context) -> list[str]:
        """Give the verbs in the order that one uses them."""
        return list(VERBS)

    def get_command(self, _context: click.Context, name: str) -> click.Command | None:
        """Import the file of a verb, and give its command of the same name."""
        if name not in VERBS:
            similar = get_close_matches(name, VERBS, n=1) or list(VERBS)
            raise click.UsageError(f"there is no verb '{name}'; try {', '.join(similar)}")
        room = "lab" if name in _LAB else "cli"
        command: click.Command = getattr(import_module(f"ovsharp.{room}.{name}"), name)
        command = with_examples(command if name in SPOKEN else with_quiet(command))
        return with_presets(command)

    def resolve_command(
        self, context: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the verb; old names of its options become the new ones."""
        name, command, rest = super().resolve_command(context, args)
        return name, command, with_new_names(name or "", rest)

    def format_commands(self, _context: click.Context, formatter: click.HelpFormatter) -> None:
        """List the verbs without importing them."""
        with formatter.section("Verbs"):
            formatter.write_dl(list(VERBS.items()))


@click.command(
    cls=Verbs,
    context_settings={"help_option_names": ["-h", "--help"]},
    subcommand_metavar="VERB ...",
)
@click.version_option(__version__, prog_name="ovsharp")
def main() -> None:
    """Sharpen video frames in real time on an ordinary CPU.

    \b
    ovsharp image photo.jpg -o sharp.jpg                  a sharpened file
    ovsharp video call.mp4 -o sharp.mp4                   a video
    ovsharp camera                                        a webcam, in a window
    ovsharp ship student.pth --calib photos/ -o models/   your own INT8 model

    Exit codes: 0 all done; 1 an input or the work failed; 2 wrong usage, a missing extra or
    device; 130 interrupted; 143 terminated.
    """  # noqa: D301 - click's mark for lines that stay as they are


def run() -> NoReturn:
    """Run the command line and exit with its code."""
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        # nohup ignores it; and only the main thread may take one.
        if number is not None and signal.getsignal(number) is signal.SIG_DFL and _in_main_thread():
            signal.signal(number, partial(_terminate, os.getpid()))
    sys.unraisablehook = _unraisable
    code = _run()
    try:
        sys.stdout.flush()
    except OSError as error:  # a full disk or a closed pipe behind stdout
        if not code and not isinstance(error, BrokenPipeError):
            _say(_sentence(error))
        code = code or EXIT_FAILED
        # Python flushes once more at its end, and would end in a traceback.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if code in (EXIT_INTERRUPTED, EXIT_TERMINATED):
        # All files are closed and cleared away by now, but native threads may still wind down; the
        # end of the interpreter would destroy them, and the process abort (seen once, under load).
        sys.stderr.flush()
        os._exit(code)
    # At its end Python gives signals back to the system, which would kill a process whose work and
    # exit code stand.
    atexit.register(_ignore_signals)
    sys.exit(code)


def _run() -> int:
    try:
        return main.main(prog_name="ovsharp", standalone_mode=False) or 0
    except click.ClickException as error:
        error.show()
        return EXIT_USAGE
    except (click.Abort, KeyboardInterrupt) as error:
        return _ended(error.__cause__ or error)
    except OvsharpError as error:
        _say(str(error))
        return EXIT_USAGE if isinstance(error, UsageError | DeviceError) else EXIT_FAILED
    except ImportError as error:
        # A native library that is interrupted while it loads says "initialization failed".
        if isinstance(error.__cause__, KeyboardInterrupt):
            return _ended(error.__cause__)
        sentence = display_library(error)
        if sentence is None:
            raise
        _say(sentence)
        return EXIT_USAGE
    except BrokenPipeError:  # whoever read the output has enough
        return EXIT_FAILED
    except OSError as error:
        _say(_sentence(error))
    except MemoryError:
        _say("not enough memory; close other programs, or use smaller images or fewer of them")
    return EXIT_FAILED


def _ended(by: BaseException) -> int:
    """Say what ended the work, and give its exit code."""
    terminated = isinstance(by, _Terminated)
    _say("terminated" if terminated else "interrupted")
    return EXIT_TERMINATED if terminated else EXIT_INTERRUPTED


def _ignore_signals() -> None:
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):  # Windows has no SIGHUP
            signal.signal(getattr(signal, name), signal.SIG_IGN)


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


def _terminate(process: int, *_: object) -> NoReturn:
    if os.getpid() != process:  # forked by a library, and ended by it
        os._exit(EXIT_TERMINATED)
    raise _Terminated


def _unraisable(found: sys.UnraisableHookArgs) -> None:
    """Send a signal again that came while a destructor ran: Python would print and forget it."""
    if not isinstance(found.exc_value, KeyboardInterrupt):
        sys.__unraisablehook__(found)
        return
    number = signal.SIGTERM if isinstance(found.exc_value, _Terminated) else signal.SIGINT
    # To the process, and not to the thread that sends it: only then does a call that waits end.
    # Windows knows no such signals.
    send = signal.raise_signal if os.name == "nt" else partial(os.kill, os.getpid())
    again = threading.Timer(_AGAIN_SECONDS, send, [number])
    again.daemon = True
    again.start()


def _say(sentence: str) -> None:
    click.echo(f"ovsharp: {sentence}", err=True)


def _sentence(error: OSError) -> str:
    file = f" {error.filename}" if error.filename else ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"the disk is full, cannot write{file}; free some space and run this again"
    if isinstance(error, PermissionError):
        return f"no permission to use{file}; choose another place, or change its permissions"
    return f"the system refused{file}: {error.strerror or error}"
