"""Old names of options: taken for one version more, with a note."""

from __future__ import annotations

import click

RENAMED = {("video", "--quality"): "--crf"}
"""By verb and old name; the new ones stand in docs/COMMANDS.md."""


def with_new_names(verb: str, arguments: list[str]) -> list[str]:
    """Give the arguments of a verb under the names that they have now.

    Example:
        >>> with_new_names("video", ["in.mp4", "--quality=20", "--", "--quality"])
        ['in.mp4', '--crf=20', '--', '--quality']
    """
    end = arguments.index("--") if "--" in arguments else len(arguments)
    return [
        _renamed(verb, argument) if place < end else argument
        for place, argument in enumerate(arguments)
    ]


def _renamed(verb: str, argument: str) -> str:
    name, equals, value = argument.partition("=")
    new = RENAMED.get((verb, name))
    if new is None:
        return argument
    click.echo(f"ovsharp: {name} of {verb} is called {new} now", err=True)
    return f"{new}{equals}{value}"
