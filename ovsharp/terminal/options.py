"""Options that several verbs have: written once, so that one name means one thing."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar, cast

import click

_Verb = TypeVar("_Verb", bound=Callable[..., Any])
_Option = Callable[[Any], Any]
_Command = TypeVar("_Command", bound=click.Command)


ABOVE_0 = click.FloatRange(0, min_open=True)
STANDARD = "-"
"""The name of a file that stands for standard output, or input."""
QUIET = "ovsharp.quiet"
"""Key in the context of a verb: whether nothing is said."""
QUALITY = click.Choice(["fast", "balanced", "best"])
"""As `runtime.QUALITIES`, without OpenVINO."""


def folder(*names: str, what: str, required: bool = False, default: str | None = None) -> _Option:
    """Give an option that names a folder; `what` is its help, where its default is shown."""
    kind = click.Path(path_type=Path, file_okay=False)
    return click.option(
        *names,
        metavar="DIR",
        type=kind,
        required=required,
        default=default,
        show_default=default is not None,
        help=what,
    )


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
    parameter: str | None = None,
) -> _Option:
    """Give an option that is a number; `what` is its help, and its default is shown there.

    Args:
        name: of the option.
        kind: its range.
        what: it is.
        default: None where it may be left out.
        metavar: how the help calls a value.
        parameter: the verb's name for it; None for that of the option.
    """
    return _valued(name, parameter, kind, what, default, metavar)


def one_of(
    name: str,
    values: Sequence[str],
    what: str,
    default: str | None = None,
    parameter: str | None = None,
) -> _Option:
    """Give an option that is one of some words; `what` is its help, its default is shown there."""
    return _valued(name, parameter, click.Choice(values), what, default)


def degrade(what: str, default: str | None = None, parameter: str | None = None) -> _Option:
    """Give `--degrade`, a recipe of damages; `what` is its help, its default is shown there."""
    return _valued("--degrade", parameter, click.STRING, what, default, "RECIPE")


def _valued(
    name: str,
    parameter: str | None,
    kind: click.ParamType[Any],
    what: str,
    default: float | str | None,
    metavar: str | None = None,
) -> _Option:
    return click.option(
        *([name] if parameter is None else [name, parameter]),
        type=kind,
        default=default,
        show_default=default is not None,
        metavar=metavar,
        help=what,
    )


def device(verb: _Verb) -> _Verb:
    """Add `--device` and `--precision`."""
    return only_device(click.option("--precision", help=_PRECISION)(verb))


def only_device(verb: _Verb) -> _Verb:
    """Add `--device`."""
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
        type=ABOVE_0,
        help="Hold this speed: choose the size of the models by it, and change it when need be.",
    )
    return option(verb)


def choice(*more: _Option, default: str = "call, which chooses") -> _Option:
    """Give `--model` and what says how it runs; the verb takes them as one `apps.Choice`.

    Args:
        more: further fields of `Choice` that the verb has.
        default: what runs without `--model`.
    """
    about = f"Shipped model or .xml file. [default: {default}]"
    model = click.option("--model", metavar="NAME|FILE", help=about)

    def add(verb: _Verb) -> _Verb:
        @functools.wraps(verb)
        def chosen(**given: Any) -> Any:
            from dataclasses import fields

            from ovsharp.apps import Choice

            names = [field.name for field in fields(Choice) if field.name in given]
            return verb(choice=Choice(**{name: given.pop(name) for name in names}), **given)

        bundled: Any = chosen
        for option in reversed((model, device, threads, quality, strength, unsharp, *more)):
            bundled = option(bundled)
        return cast("_Verb", bundled)

    return add


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


def json_file(what: str) -> _Option:
    """Give `--json`, for `figures.write_json`; `what` is in it."""
    return click.option(
        "--json",
        "json_file",
        metavar="FILE",
        type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
        is_flag=False,
        flag_value=STANDARD,
        callback=_json_there,
        help=f"Write {what} as JSON; - is standard output, in place of the text.",
    )


def _json_there(
    context: click.Context, _option: click.Parameter, value: Path | None
) -> Path | None:
    if value is not None and str(value) == STANDARD:
        context.meta[QUIET] = True
    return value


def with_quiet(command: _Command) -> _Command:
    """Give a verb the option `--quiet`, which `console` looks for."""
    if all(one.name != "quiet" for one in command.params):
        command.params.append(
            click.Option(
                ["--quiet"],
                is_flag=True,
                expose_value=False,
                callback=_quiet,
                help="Say nothing but warnings and errors.",
            )
        )
    return command


def _quiet(context: click.Context, _option: click.Parameter, value: bool) -> None:
    if value:
        context.meta[QUIET] = True


def overwrite(verb: _Verb) -> _Verb:
    """Add `--overwrite`."""
    return click.option("--overwrite", is_flag=True, help="Replace existing outputs.")(verb)


def long_job(*, figures: str, split: str, resume: str) -> _Option:
    """Give what long work has: `--json`, `--workers`, `--cluster`, `--resume`, `--overwrite`.

    Args:
        figures: as that of `json_file`.
        split: as that of `workers`.
        resume: what the option does, a sentence.
    """

    def add(verb: _Verb) -> _Verb:
        more = (
            json_file(figures),
            workers(split),
            click.option("--resume", is_flag=True, help=resume),
            overwrite,
        )
        for option in reversed(more):
            verb = option(verb)
        return verb

    return add


_DEVICE = "As `ovsharp devices` lists them."
_PRECISION = "Execution precision, e.g. f32 or bf16. [default: the fastest]"
