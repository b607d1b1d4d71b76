"""What `--json` writes."""

from __future__ import annotations

import json
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
