"""Times `ovsharp video` of one file: in one process, with --workers, with --cluster, in turns.

    python scripts/split_table.py clip.mp4 [--workers 2] [--cluster auto] [--rounds 3] [-- OPTIONS]

Prints a table: seconds, and their ratio to one process in the same round, as medians of all rounds.
For a cluster on this machine, run `ray start --head --num-cpus 2` before; its start is not timed.
Ends with 1 if the outputs differ by a byte.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from ovsharp.files import sha256


@dataclass(frozen=True)
class Run:
    """One run of the command."""

    seconds: float
    cores: float
    """Seconds of cores that it and its processes used; those of a cluster are not among them."""
    digest: str


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; give the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("source", type=Path, help="A video of more than one segment, 240 frames.")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--cluster", help="auto, or the address of a Ray cluster.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("options", nargs="*", help="Of ovsharp video, behind --.")
    asked = parser.parse_args(arguments)
    ways = {"one process": [], f"--workers {asked.workers}": ["--workers", str(asked.workers)]}
    if asked.cluster:
        ways[f"--cluster {asked.cluster}"] = ["--cluster", asked.cluster]
    runs: dict[str, list[Run]] = {name: [] for name in ways}
    for _ in range(asked.rounds):
        for name, more in ways.items():
            runs[name].append(timed(asked.source, [*asked.options, *more]))
    print("\n".join(table(runs)))
    return int(len({run.digest for each in runs.values() for run in each}) > 1)


def timed(source: Path, options: Sequence[str]) -> Run:
    """Run the command once."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.mp4"
        command = [sys.executable, "-m", "ovsharp", "video", str(source), "-o", str(out), *options]
        began, used = time.monotonic(), _used()
        done = subprocess.run(command, check=False, capture_output=True, text=True, env=os.environ)
        if done.returncode:
            raise SystemExit(done.stderr)
        return Run(time.monotonic() - began, _used() - used, sha256(out))


def table(runs: dict[str, list[Run]]) -> list[str]:
    """Give the lines of a table; the first way is what the others are compared with."""
    first = next(iter(runs.values()))
    lines = ["| | seconds | of one process | core seconds | output |", "|---|---|---|---|---|"]
    for name, each in runs.items():
        ratio = median(run.seconds / one.seconds for run, one in zip(each, first, strict=True))
        same = {run.digest for run in each} == {first[0].digest}
        cores = "" if "--cluster" in name else f"{median(run.cores for run in each):.1f}"
        lines.append(
            f"| {name} | {median(run.seconds for run in each):.1f} | {ratio:.2f} | {cores} "
            f"| {'equal' if same else 'DIFFERS'} |"
        )
    return lines


def _used() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    sys.exit(main())
