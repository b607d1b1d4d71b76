"""Times `ovsharp video` of one file: in one process, with --workers, with --cluster, in turns.

    python scripts/split_table.py clip.mp4 [--workers 2] [--cluster auto] [--rounds 3] [-- OPTIONS]

Prints a table: seconds, and their ratio to one process in the same round, as medians of all rounds;
memory at most (shared pages counted once), with the daemons of a cluster on this machine.
For such a cluster, run `ray start --head --num-cpus 2` before; its start is not timed. Where others
work on the machine, set RAY_worker_niceness=0 before: Ray's processes give way to all by default.
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
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import psutil

from ovsharp.files import sha256

_LOOK = 0.5
"""Seconds from one look at the memory to the next."""
_RAY = f"{os.sep}ray{os.sep}"
"""In the command lines of a cluster's daemons."""


@dataclass(frozen=True)
class Run:
    """One run of the command."""

    seconds: float
    cores: float
    """Seconds of cores that it and its processes used; those of a cluster are not among them."""
    megabytes: float
    """Memory at most."""
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
            print(f"{name}: {runs[name][-1].seconds:.1f} s", file=sys.stderr)
    print("\n".join(table(runs)))
    return int(len({run.digest for each in runs.values() for run in each}) > 1)


def timed(source: Path, options: Sequence[str]) -> Run:
    """Run the command once."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.mp4"
        command = [sys.executable, "-m", "ovsharp", "video", str(source), "-o", str(out), *options]
        began, used, most = time.monotonic(), _used(), 0.0
        with (Path(folder) / "said").open("w+", encoding="utf-8") as said:
            process = subprocess.Popen(command, stdout=said, stderr=said)
            while process.poll() is None:
                most = max(most, _megabytes(process.pid, "--cluster" in options))
                time.sleep(_LOOK)
            said.seek(0)
            if process.returncode:
                raise SystemExit(said.read())
        return Run(time.monotonic() - began, _used() - used, most, sha256(out))


def table(runs: dict[str, list[Run]]) -> list[str]:
    """Give the lines of a table; the first way is what the others are compared with."""
    first = next(iter(runs.values()))
    lines = [
        "| | seconds | of one process | core seconds | MB | output |",
        "|---|---|---|---|---|---|",
    ]
    for name, each in runs.items():
        ratio = median(run.seconds / one.seconds for run, one in zip(each, first, strict=True))
        same = {run.digest for run in each} == {first[0].digest}
        cores = "" if "--cluster" in name else f"{median(run.cores for run in each):.1f}"
        lines.append(
            f"| {name} | {median(run.seconds for run in each):.1f} | {ratio:.2f} | {cores} "
            f"| {max(run.megabytes for run in each):.0f} | {'equal' if same else 'DIFFERS'} |"
        )
    return lines


def _megabytes(command: int, cluster: bool) -> float:
    """Give the memory of the command and its processes, and of a cluster here."""
    total = 0
    for process in _processes(command, cluster):
        with suppress(psutil.Error):
            total += process.memory_full_info().pss
    return total / 1e6


def _processes(command: int, cluster: bool) -> Iterator[psutil.Process]:
    with suppress(psutil.Error):
        mine = psutil.Process(command)
        yield from (mine, *mine.children(recursive=True))
    for process in psutil.process_iter() if cluster else ():
        with suppress(psutil.Error):
            said = process.cmdline()
            if said and (said[0].startswith("ray::") or any(_RAY in word for word in said[:4])):
                yield process


def _used() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    sys.exit(main())
