"""Old names of options: taken for one version more, with a note."""

from __future__ import annotations

import click

from ovsharp.terminal.options import STANDARD

RENAMED = {
    ("convert", "--degradation"): "--degrade",
    ("convert", "--precision"): "--storage",
    ("ship", "--degradation"): "--degrade",
    ("degrade", "--recipe"): "--degrade",
    ("train", "--every"): "--validate-every",
    ("image", "--report"): "--json",
    ("image", "--quality"): "--encoder-quality",
    ("video", "--report"): "--json",
    ("video", "--every"): "--keep-every",
    ("video", "--quality"): "--crf",
    ("camera", "--report"): "--json",
}
"""By verb and old name. The new names stand in docs/COMMANDS.md."""
_NUMBERS = "--quality"
"""Old where its value is a number: a word is the size of the models."""
_PRINTED = ("info", "recipes")
"""Verbs whose `--json` took no file, and may stand before what they show."""


def with_new_names(verb: str, arguments: list[str]) -> list[str]:
    """Give the arguments of a verb under the names that they have now.

    Example:
        >>> with_new_names("video", ["in.mp4", "--quality=20", "--", "--quality"])
        ['in.mp4', '--crf=20', '--', '--quality']
        >>> with_new_names("video", ["in.mp4", "--quality", "best"])
        ['in.mp4', '--quality', 'best']
        >>> with_new_names("info", ["--json", "call"])
        ['--json', '-', 'call']
    """
    end = arguments.index("--") if "--" in arguments else len(arguments)
    found: list[str] = []
    for place, argument in enumerate(arguments[:end]):
        following = arguments[place + 1] if place + 1 < end else ""
        found.append(_renamed(verb, argument, following))
        if argument == "--json" and verb in _PRINTED and _is_no_file(following):
            found.append(STANDARD)
            _note("--json takes a file now, or - for standard output")
    return found + arguments[end:]


def new_name(verb: str, name: str, value: str) -> str:
    """Give the name that an option with this value has now.

    Example:
        >>> new_name("video", "--every", "2"), new_name("frames", "--every", "2")
        ('--keep-every', '--every')
    """
    new = RENAMED.get((verb, name))
    if new is None or (name == _NUMBERS and not value.isdecimal()):
        return name
    _note(f"{name} of {verb} is called {new} now")
    return new


def _renamed(verb: str, argument: str, following: str) -> str:
    name, equals, value = argument.partition("=")
    return f"{new_name(verb, name, value if equals else following)}{equals}{value}"


def _is_no_file(word: str) -> bool:
    return not word.startswith("-") and not word.endswith(".json") and bool(word)


def _note(text: str) -> None:
    click.echo(f"ovsharp: {text}", err=True)
