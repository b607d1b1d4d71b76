"""What was measured for the benchmark page, read from its JSON files."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark_tasks import ISAS, NATIVE, TASKS

from ovsharp.evaluation import Evaluation
from ovsharp.measuring.results import Report, Row


@dataclass(frozen=True)
class Results:
    """All that the page is made of; what is not there is None and is named on the page."""

    speeds: dict[str, Report | None]
    """By instruction set."""
    evaluations: dict[str, Evaluation | None]
    """By the names of `TASKS`."""
    hosts: dict[str, Any] | None
    """Of host_rows.py."""


def read(folder: Path) -> Results:
    """Read the JSON files of a folder."""
    speeds: dict[str, Report | None] = {}
    for isa in (NATIVE, *ISAS):
        file = folder / f"speed-{isa}.json"
        speeds[isa] = Report.from_json(file.read_text("utf-8")) if file.is_file() else None
    evaluations: dict[str, Evaluation | None] = {}
    for task in TASKS:
        file = folder / f"quality-{task}" / "results.json"
        evaluations[task] = (
            Evaluation.from_json(file.read_text("utf-8")) if file.is_file() else None
        )
    file = folder / "hosts.json"
    hosts = json.loads(file.read_text("utf-8")) if file.is_file() else None
    return Results(speeds, evaluations, hosts)


def is_own(report: Report, model: str) -> bool:
    """Say whether a model of a report is one of ours."""
    return any(row.model == model and row.role == "own" for row in report.rows)


def fastest(report: Report, model: str) -> Row | None:
    """Give the row of a model, of those with a speed, that is fastest at the largest size."""
    rows = [row for row in report.rows if row.model == model and row.speeds]
    return max(rows, key=lambda row: row.speeds[-1].fps or 0, default=None)


def fps_text(row: Row | None, size: str) -> str:
    """Write the frames a second of a row, and how it was executed; - where there are none."""
    speed = row.speed(size) if row else None
    if row is None or speed is None or not speed.fps:
        return "-"
    return f"{speed.fps:.1f} ({row.execution})"


def short(method: str) -> str:
    """Leave the storage out of the name of others' models.

    Example:
        >>> short("ref-gla-fp32")
        'ref-gla'
    """
    return method.removesuffix("-fp32")
