"""Options that several verbs have: written once, so that one name means one thing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

_Verb = TypeVar("_Verb", bound=Callable[..., Any])
_Option = Callable[[Any], Any]


QUALITY = click.Choice(["fast", "balanced", "best"])
"""As `runtime.QUALITIES`, without OpenVINO."""


def model(default: str = "call, which chooses") -> _Option:
    """Give `--model`; `default` says what runs without it."""
    return click.option(
        "--model", metavar="NAME|FILE", help=f"Shipped model or .xml file. [default: {default}]"
    )


def folder(*names: str, what: str, required: bool = False) -> _Option:
    """Give an option that names a folder; `what` is its help."""
    kind = click.Path(path_type=Path, file_okay=False)
    return click.option(*names, metavar="DIR", type=kind, required=required, help=what)


def file(*names: str, what: str) -> _Option:
    """Give an option that names a file; `what` is its help."""
    return click.option(*names, type=click.Path(path_type=Path, dir_okay=False), help=what)


def output(what: str) -> _Option:
    """Give `-o`, which has to be said; `what` is its help."""
    kind = click.Path(path_type=Path)
    return click.option("-o", "--output", metavar="OUT", required=True, type=kind, help=what)


def number(
    name: str,
    kind: click.IntRange | click.FloatRange,
    what: str,
    default: float | None = None,
    metavar: str | None = None,
) -> _Option:
    """Give an option that is a number; `what` is its help, and its default is shown there."""
    shown = default is not None
    return click.option(
        name, type=kind, default=default, show_default=shown, metavar=metavar, help=what
    )


def device(verb: _Verb) -> _Verb:
    """Add `--device` and `--precision`."""
    verb = click.option("--precision", help=_PRECISION)(verb)
    return click.option("--device", default="CPU", show_default=True, help=_DEVICE)(verb)


strength = number(
    "--strength",
    click.FloatRange(0, 1.5),
    "0 leaves the picture as it is, 1 is the model's effect, 1.5 half as much again.",
    1.0,
)
"""Adds `--strength`."""

unsharp = number(
    "--unsharp",
    click.FloatRange(0, 2),
    "Amount of an unsharp mask behind the model, for crisper edges; not on untouched frames.",
    0.0,
)
"""Adds `--unsharp`."""


def quality(verb: _Verb) -> _Verb:
    """Add `--quality`."""
    option = click.option(
        "--quality",
        type=QUALITY,
        help="Size of the models: best is for files and strong machines. [default: balanced, or "
        "that of --model]",
    )
    return option(verb)


def target_fps(verb: _Verb) -> _Verb:
    """Add `--target-fps`."""
    option = click.option(
        "--target-fps",
        type=click.FloatRange(min=0, min_open=True),
        help="Hold this speed: choose the size of the models by it, and change it when need be.",
    )
    return option(verb)


def threads(verb: _Verb) -> _Verb:
    """Add `--threads`."""
    option = click.option(
        "--threads", type=click.IntRange(1), help="CPU threads. [default: the device's choice]"
    )
    return option(verb)


def workers(what: str) -> _Option:
    """Give `--workers` and `--cluster`, among which `what` is split; see `crew`."""

    def add(verb: _Verb) -> _Verb:
        verb = click.option(
            "--cluster",
            metavar="ADDRESS",
            help=f"Split {what} among the machines of a Ray cluster: its address, or auto for the "
            f"one that this machine is in.",
        )(verb)
        return click.option(
            "--workers",
            metavar="N",
            type=click.IntRange(min=1),
            help=f"Split {what} among N processes; the output is the same, byte for byte.",
        )(verb)

    return add


def report(what: str) -> _Option:
    """Give `--report`, a JSON file of `what`."""
    return file("--report", what=f"JSON file with {what}.")


def overwrite(verb: _Verb) -> _Verb:
    """Add `--overwrite`."""
    return click.option("--overwrite", is_flag=True, help="Replace existing outputs.")(verb)


_DEVICE = "As `ovsharp devices` lists them."
_PRECISION = "Execution precision, e.g. f32 or bf16. [default: the fastest]"
