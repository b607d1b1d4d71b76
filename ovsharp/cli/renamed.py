"""Old names of options: taken for one version more, with a note."""

from __future__ import annotations

import click

RENAMED = {("video", "--quality"): "--crf", ("image", "--quality"): "--encoder-quality"}
"""By verb and old name, of options whose value is a number: a word is the size of the models. The
new names stand in docs/COMMANDS.md."""


def with_new_names(verb: str, arguments: list[str]) -> list[str]:
    """Give the arguments of a verb under the names that they have now.

    Example:
        >>> with_new_names("video", ["in.mp4", "--quality=20", "--", "--quality"])
        ['in.mp4', '--crf=20', '--', '--quality']
        >>> with_new_names("video", ["in.mp4", "--quality", "best"])
        ['in.mp4', '--quality', 'best']
    """
    end = arguments.index("--") if "--" in arguments else len(arguments)
    following = [*arguments[1:end], ""]
    return [
        _renamed(verb, argument, following[place]) if place < end else argument
        for place, argument in enumerate(arguments)
    ]


def _renamed(verb: str, argument: str, following: str) -> str:
    name, equals, value = argument.partition("=")
    new = RENAMED.get((verb, name))
    if new is None or not (value if equals else following).isdecimal():
        return argument
    click.echo(f"ovsharp: {name} of {verb} is called {new} now", err=True)
    return f"{new}{equals}{value}"
