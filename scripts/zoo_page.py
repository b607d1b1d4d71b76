"""Writes docs/ZOO.md: takes the networks of tests/zoo through convert, quantize and a timing.

    python scripts/zoo_page.py

Rows are kept in --results; what is there already is not measured again, so an interrupted run goes
on where it stopped. Remove the file to measure everything anew.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from ovsharp.engine import devices  # noqa: E402
from ovsharp.files import staged  # noqa: E402
from tests.photos import write_photos  # noqa: E402
from tests.zoo.keeper import SIZE, STEPS, Row, take_through  # noqa: E402
from tests.zoo.networks import NETWORKS  # noqa: E402

PAGE = ROOT / "docs" / "ZOO.md"


def main() -> None:
    """Measure what is missing, row by row, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("names", nargs="*", default=list(NETWORKS), help="of networks; all of them")
    parser.add_argument("--results", type=Path, default=ROOT / "build" / "zoo.json")
    arguments = parser.parse_args()
    results: Path = arguments.results
    rows = json.loads(results.read_text()) if results.is_file() else {}
    for name in arguments.names:
        if name not in rows:
            with tempfile.TemporaryDirectory() as folder:
                data = write_photos(Path(folder) / "photos", 12)
                rows[name] = asdict(take_through(name, data, Path(folder)))
            print(f"{name}: {rows[name]['drop']} {rows[name]['reason']}"[:200], flush=True)
            with staged(results.parent) as staging:
                (staging / results.name).write_text(json.dumps(rows, indent=1))
    page([Row(**rows[name]) for name in NETWORKS if name in rows])


def page(rows: Sequence[Row]) -> None:
    """Write the table."""
    lines = [
        "# The zoo",
        "",
        f"Small networks as people build them, each trained for {STEPS} steps, taken from a",
        "checkpoint to INT8 by `scripts/zoo_page.py`; the slow set of tests does the same",
        f"(`tests/zoo`). {len(rows)} of {len(NETWORKS)} were measured, on {devices()[0].name}.",
        f"Seconds are a processor's, for all of it; speed is that of a frame of {SIZE.name} on one",
        "thread, INT8 over f32, by processor time: networks this small gain little.",
        "",
        "| network | weights | parity | INT8 drop | run as | layers back | s | speed |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        if row.drop is not None:
            lines.append(
                f"| {row.name} | {row.parameters:,} | {row.parity:.0e} | {row.drop:+.4f} "
                f"| {row.execution} | {row.layers_back} | {row.seconds:.0f} | x{row.speed:.2f} |"
            )
    without = [row for row in rows if row.drop is None]
    if without:
        lines += ["", "Without INT8, or refused:", ""]
        lines += [f"- `{row.name}`: {row.reason}." for row in without]
    with staged(PAGE.parent) as staging:
        (staging / PAGE.name).write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
