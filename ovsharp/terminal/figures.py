"""What `--json` writes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import click

from ovsharp.errors import UsageError
from ovsharp.files import staged
from ovsharp.terminal.options import STANDARD


def check_json(path: Path | None, output: Path) -> None:
    """See that not both figures and results go to standard output.

    Raises:
        UsageError: they would.
    """
    if path is not None and str(path) == str(output) == STANDARD:
        raise UsageError("-o - and --json - cannot both be standard output; name a file for one")


def by_model(source: object, made: Mapping[str, int], why: str = "", of: str = "") -> str:
    """Say in a line which models made the frames of a video or a camera, or why none did.

    Args:
        source: what the frames came from.
        made: frames by the name of what made them, most first.
        why: nothing was sharpened; empty if something was.
        of: which frames, where it is not all of them.

    Example:
        >>> by_model("a.mp4", {"call-codec": 20, "untouched": 4})
        'a.mp4: frames by model: call-codec 20, untouched 4'
        >>> by_model("a.mp4", {"untouched": 24}, "it is fine")
        'a.mp4: nothing was sharpened: it is fine'
    """
    if why:
        return f"{source}: {f'none of the {of}' if of else 'nothing'} was sharpened: {why}"
    names = ", ".join(f"{name} {count}" for name, count in made.items())
    return f"{source}: {of or 'frames'} by model: {names}"


def write_json(path: Path, figures: object) -> None:
    """Write figures as JSON, to standard output where the path is `-`.

    Args:
        path: the file is complete or absent.
        figures: JSON itself, as text, or what becomes it.

    Raises:
        OSError: it cannot be written.
    """
    text = figures
    if not isinstance(text, str):
        text = json.dumps(figures, indent=2, ensure_ascii=False)
    text = text.rstrip("\n")
    if str(path) == STANDARD:
        click.echo(text)
        return
    with staged(path.parent) as folder:
        (folder / path.name).write_text(text + "\n", encoding="utf-8")
