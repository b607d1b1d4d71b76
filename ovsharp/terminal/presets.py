"""`--use NAME`: a user's own options by name, from a file in the folder for configuration.

::

    [image.web]        # ovsharp image photos/ -o out/ --use web
    format = "jpg"
    size = "1080p"
    quality = 85
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from ovsharp.errors import UsageError
from ovsharp.terminal.renamed import new_name

OPTION = "use"


def presets_file() -> Path:
    """Give the place of the file, whether it exists or not."""
    from platformdirs import user_config_path

    return user_config_path("ovsharp", appauthor=False) / "presets.toml"


def with_presets(command: click.Command) -> click.Command:
    """Give a verb the option `--use`."""
    if not isinstance(command, click.Group) and all(one.name != OPTION for one in command.params):
        command.params.append(
            click.Option(
                [f"--{OPTION}"],
                metavar="NAME",
                is_eager=True,  # before the options that it sets
                expose_value=False,
                callback=_apply,
                help="Take options from your presets.toml (see docs/MEDIA.md); what is said here "
                "counts more.",
            )
        )
    return command


def _apply(context: click.Context, _option: click.Parameter, name: str | None) -> None:
    if name is None:
        return
    verb = str(context.command.name)
    options = {
        flag.lstrip("-"): str(option.name)
        for option in context.command.params
        if isinstance(option, click.Option) and option.name != OPTION
        for flag in option.opts
    }
    read = _read(verb, name).items()
    chosen = {new_name(verb, f"--{key}", str(value))[2:]: value for key, value in read}
    unknown = [key for key in chosen if key not in options]
    if unknown:
        raise UsageError(
            f"{presets_file()}: [{verb}.{name}] sets {', '.join(unknown)}, which is no option of "
            f"'ovsharp {verb}'; it has {', '.join(options)}"
        )
    context.default_map = {options[key]: value for key, value in chosen.items()}


def _read(verb: str, name: str) -> dict[str, Any]:
    """Give the options of a preset, as they stand in the file."""
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    path = presets_file()
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UsageError(
            f"there are no presets: write {path} with a table [{verb}.{name}] of options, for "
            f"example strength = 0.5"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is no TOML that can be read: {error}") from error
    own = tables.get(verb)
    presets = {key: value for key, value in own.items() if isinstance(value, dict)} if own else {}
    if name not in presets:
        there = ", ".join(presets) or "none"
        raise UsageError(f"{path} has no preset [{verb}.{name}]; for {verb} it has {there}")
    found: dict[str, Any] = presets[name]
    return found
