"""Finished rows in a file, so that an evaluation can go on where it was interrupted."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

from ovsharp.errors import UsageError
from ovsharp.evaluation.results import Row
from ovsharp.files import staged
from ovsharp.records import MALFORMED, decode

ROWS = "rows.jsonl"
"""Their file, in the output folder."""


def read_rows(file: Path) -> dict[str, Row]:
    """Read finished rows; the last line may have been cut off where a run was interrupted."""
    rows: dict[str, Row] = {}
    if not file.is_file():
        return rows
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    for number, line in enumerate(lines, 1):
        try:
            row: Row = decode(json.loads(line), Row)
        except MALFORMED as error:
            if number == len(lines):
                break
            raise UsageError(
                f"line {number} of {file} is no finished row; run without --resume"
            ) from error
        rows[row.key] = row
    # Whole lines only, so that new ones can be appended.
    text = "".join(line_of(row) for row in rows.values())
    with staged(file.parent) as staging:
        (staging / file.name).write_text(text, encoding="utf-8")
    return rows


def line_of(row: Row) -> str:
    """Write a row as a line of the file."""
    return json.dumps(dataclasses.asdict(row)) + "\n"
