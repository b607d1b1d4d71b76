"""Chooses the student family by the clock: equal short trainings, INT8, latency per machine.

    python scripts/family_search.py --data photos/ --val other-photos/ --out runs/search
    python scripts/family_search.py ... --only plot     # train, build, time or plot alone

Writes docs/family/search.json, search.md (the table) and frontier.svg. A design that is trained or
built already is not made again: an interrupted search goes on.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

OLDER = {"AVX512_CORE_VNNI": "AVX512_BF16", "AVX2_VNNI": "AVX512", "AVX2": "AVX_VNNI"}
"""What ONEDNN_MAX_CPU_ISA is set to, where the machine has this newer instruction set."""

SIZE = (1080, 1920)
DOCS = Path(__file__).parent.parent / "docs" / "family"
CHOSEN = {"16x2": "fast", "16x4": "balanced", "16x8": "quality"}


@dataclass(frozen=True)
class Design:
    """A student to try; `16x4` is four body convolutions of 16 channels in residual pairs."""

    channels: int
    depth: int
    cell: int = 2
    branches: bool = False
    residual: bool = True

    @property
    def name(self) -> str:
        """Width x depth, `c4` for another cell than 2, `b` for branches, `p` for a plain body."""
        cell = "" if self.cell == 2 else f"c{self.cell}"
        form = "" if self.residual else "b" if self.branches else "p"
        return f"{self.channels}x{self.depth}{cell}{form}"


DESIGNS = (
    Design(8, 2),
    Design(8, 4),
    Design(16, 2),
    Design(16, 4),
    Design(16, 8),
    Design(24, 4),
    Design(32, 4, cell=4),
    Design(16, 4, residual=False, branches=True),
)


def train(design: Design, options: argparse.Namespace) -> None:
    """Train one design for as many steps on the same patches as every other."""
    from ovsharp.training import load_recipe, train

    out = options.out / design.name
    if (out / "student.pth").exists():
        return
    recipe = load_recipe("sharp")
    arguments = {
        "channels": design.channels,
        "depth": design.depth,
        "unshuffle": design.cell,
        "branches": design.branches,
        "residual": design.residual,
    }
    rate = 1e-3 if design.residual else 6e-4  # ReLU bodies die at the higher one
    course = recipe.student.shortened(options.steps)
    stages = (dataclasses.replace(course.stages[0], rate=rate),)
    course = dataclasses.replace(course, arguments=arguments, stages=stages)
    recipe = dataclasses.replace(recipe, student=course)
    train(recipe, options.data, out, val=options.val, resume=True)


def build(design: Design, options: argparse.Namespace) -> None:
    """Convert to INT8 whatever the drop is: it is one of the figures."""
    from ovsharp.calibration import quantize
    from ovsharp.convert import Options, convert

    folder = options.out / design.name
    if (folder / f"{design.name}-int8.xml").exists():
        return
    convert(folder / "student.pth", folder, options=Options(name=design.name, degradation="gla"))
    result = quantize(folder / f"{design.name}-fp32.xml", options.val, subset=100, max_drop=1.0)
    figures = {
        "parameters": result.spec.parameters,
        "input_ssim": result.before.ssim,
        "float_ssim": result.parent_quality.ssim,
        "int8_ssim": result.verdict_f32.quality.ssim,
        "int8_psnr": result.verdict_f32.quality.psnr,
        "input_psnr": result.before.psnr,
    }
    (folder / "figures.json").write_text(json.dumps(figures))


def isas() -> list[str]:
    """Name what this machine can be measured with; `native` leaves the variable unset."""
    from ovsharp.engine import instruction_sets

    has = instruction_sets()
    return ["native", *(isa for isa, newer in OLDER.items() if has[newer])]


def clock(options: argparse.Namespace) -> dict[str, dict[str, float]]:
    """Give the median milliseconds of a frame: design -> instruction set -> ms."""
    times: dict[str, dict[str, float]] = {}
    for isa in isas():
        environment = {**os.environ, "ONEDNN_MAX_CPU_ISA": isa}
        if isa == "native":
            del environment["ONEDNN_MAX_CPU_ISA"]
        command = [sys.executable, __file__, "--out", str(options.out), "--only", "clock"]
        done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
        for name, ms in json.loads(done.stdout.splitlines()[-1]).items():
            times.setdefault(name, {})[isa] = ms
    return times


def clock_here(options: argparse.Namespace) -> dict[str, float]:
    """Time all designs in turns with the instruction set of this process."""
    from ovsharp import Sharpener

    frame = np.random.default_rng(0).integers(0, 256, (*SIZE, 3), np.uint8)
    out = np.empty_like(frame)
    # All in f32 beside INT8, so that only the instruction set differs.
    sharpeners = {
        design.name: Sharpener(
            options.out / design.name / f"{design.name}-int8.xml", precision="int8+f32"
        )
        for design in DESIGNS
        if (options.out / design.name / f"{design.name}-int8.xml").exists()
    }
    times: dict[str, list[float]] = {name: [] for name in sharpeners}
    for round_ in range(options.rounds + 2):
        for name, sharpener in sharpeners.items():
            for _ in range(3):
                started = time.perf_counter()
                sharpener(frame, out=out)
                if round_ >= 2:
                    times[name].append(1000 * (time.perf_counter() - started))
    return {name: float(np.median(values)) for name, values in times.items()}


def report(rows: list[dict[str, Any]]) -> None:
    """Write the table and the plot."""
    from ovsharp.engine import instruction_sets

    DOCS.mkdir(parents=True, exist_ok=True)
    measured = list(rows[0]["ms"])
    lines = [
        "| design | parameters | SSIM | gain | INT8 drop | "
        + " | ".join(f"{isa} ms (FPS)" for isa in measured)
        + " |",
        "|---|---|---|---|---|" + "---|" * len(measured),
    ]
    for row in sorted(rows, key=lambda row: row["ms"]["native"]):
        cells = [f"{row['ms'][isa]:.1f} ({1000 / row['ms'][isa]:.0f})" for isa in measured]
        chosen = f" **{row['chosen']}**" if row["chosen"] else ""
        lines.append(
            f"| {row['design']}{chosen} | {row['parameters']:,} | {row['int8_ssim']:.4f} "
            f"| {row['int8_ssim'] - row['input_ssim']:+.4f} "
            f"| {row['float_ssim'] - row['int8_ssim']:.4f} | " + " | ".join(cells) + " |"
        )
    (DOCS / "search.md").write_text("\n".join(lines) + "\n")
    machine = ", ".join(name for name, has in instruction_sets().items() if has)
    found = {"machine": machine, "rows": rows}
    (DOCS / "search.json").write_text(json.dumps(found, indent=1) + "\n")
    plot(rows)


def plot(rows: list[dict[str, Any]]) -> None:
    """Draw latency against SSIM, one panel per instruction set, with its frontier."""
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib import pyplot

    measured = list(rows[0]["ms"])
    figure, grid = pyplot.subplots(
        1, len(measured), figsize=(8 * len(measured), 5), sharey=True, squeeze=False
    )
    axes = grid[0]
    for axis, isa in zip(axes, measured, strict=True):
        best = -1.0
        frontier = []
        for row in sorted(rows, key=lambda row: row["ms"][isa]):
            gain = row["int8_ssim"] - row["input_ssim"]
            colour = "tab:red" if row["chosen"] else "tab:grey"
            axis.plot(row["ms"][isa], gain, "o", color=colour)
            label = f"{row['design']} {row['chosen']}".strip()
            below = -12 if not row["chosen"] else 4  # two that lie close are told apart
            axis.annotate(label, (row["ms"][isa], gain), (4, below), textcoords="offset points")
            if gain > best:
                best = gain
                frontier.append((row["ms"][isa], gain))
        axis.plot(*zip(*frontier, strict=True), "-", color="tab:blue", alpha=0.5)
        for fps in (120, 60, 30, 20):
            axis.axvline(1000 / fps, color="lightgrey", linewidth=1)
            foot = axis.get_xaxis_transform()
            axis.text(1000 / fps, 0.02, f"{fps} FPS", transform=foot, rotation=90, color="grey")
        axis.set_xscale("log")
        axis.margins(x=0.2, y=0.1)
        axis.set_xlabel(f"ms per 1080p frame, INT8, {isa}")
    axes[0].set_ylabel("SSIM gain over the input (INT8)")
    figure.tight_layout()
    figure.savefig(DOCS / "frontier.svg")


def main() -> None:
    """Run the stages."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path)
    parser.add_argument("--val", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--only", choices=("train", "build", "time", "plot", "clock"))
    options = parser.parse_args()
    if options.only == "clock":
        print(json.dumps(clock_here(options)))
        return
    stages = (options.only,) if options.only else ("train", "build", "time", "plot")
    for design in DESIGNS:
        if "train" in stages:
            train(design, options)
        if "build" in stages and (options.out / design.name / "student.pth").exists():
            build(design, options)
    timings = options.out / "times.json"
    if "time" in stages:
        timings.write_text(json.dumps(clock(options)))
    if "plot" in stages:
        times = json.loads(timings.read_text())
        rows = []
        for name, ms in times.items():
            figures = json.loads((options.out / name / "figures.json").read_text())
            rows.append({"design": name, "chosen": CHOSEN.get(name, ""), "ms": ms, **figures})
        report(rows)


if __name__ == "__main__":
    main()
