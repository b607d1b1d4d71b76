"""What many calls cost and how they fare, from measured times: a simulation and a forecast.

    python scripts/calls_on_paper.py [--price 0.04] [--plot docs/calls/gate.svg] [--measure]

Frames of each call come 30 times a second, with a phase of its own. Each takes as long as one that
was measured (docs/calls/service.json: CPU milliseconds of `ovsharp bench --calls`' frames, with
--quality fast), drawn anew for each; the looks of a router, once a second, come behind them. As
many frames are worked on as there are cores. `gate` is what `ovsharp/runtime/call_gate.py` does,
with one period as the deadline; `queue` serves all frames in the order in which they come.
--measure writes the file anew, for this machine.
"""

from __future__ import annotations

import argparse
import heapq
import json
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
MEASURED = ROOT / "docs" / "calls" / "service.json"
FPS, SECONDS, SEED = 30.0, 60.0, 0
LOADS = (0.70, 0.85, 0.95, 1.20)
"""Share of what the cores can do that the calls ask for."""
CORES = (2, 16)

CPU_MS = {
    ("fast", "AVX-512 VNNI"): {"360p": 3.8, "720p": 14.2},
    ("fast", "AVX2"): {"360p": 5.8, "720p": 21.6},
    ("balanced", "AVX-512 VNNI"): {"360p": 5.7, "720p": 21.6},
    ("balanced", "AVX2"): {"360p": 8.9, "720p": 35.6},
}
"""CPU milliseconds per frame of mixed damage, looks included (`ovsharp bench --calls --isa`)."""
LOOK_EVERY = 29
"""Frames of a call from one look of the router to the next."""
CODED = {"360p": (1.7, 7.5), "720p": (6.8, 30.0)}
"""Those of decoding, and of x264 `veryfast`: measured at 1080p (15 and 67), by the pixels."""
BESIDE = {"360p": (0.7, 0.6), "720p": (2.5, 1.5)}
"""Megabytes of memory for a further call; megabits a second that a call usually sends."""
USED = 0.85
"""Share of the cores that are used: see the simulation."""


@dataclass
class Result:
    """How calls fared."""

    waits: list[float] = field(default_factory=list)
    """Milliseconds from a frame to its result; of late ones, until they come back untouched."""
    late: int = 0
    """Frames whose result was not there after a period."""
    made: list[int] = field(default_factory=list)
    """Sharpened frames of each call."""

    def row(self) -> tuple[float, float, float, float, float]:
        """Give p50, p95, p99 in milliseconds, late in percent, the worst call's rate."""
        p50, p95, p99 = (float(np.percentile(self.waits, share)) for share in (50, 95, 99))
        return p50, p95, p99, 100 * self.late / len(self.waits), min(self.made) / SECONDS


def simulate(
    times: Sequence[float], calls: int, cores: int, *, gate: bool, look: float = 0.0
) -> Result:
    """Let calls come, and cores work.

    Args:
        times: milliseconds that frames take.
        look: milliseconds of a look, behind a frame.
        calls: how many.
        cores: likewise.
        gate: whether the gate chooses, or all frames wait in one queue.
    """
    draw = np.random.default_rng([SEED, calls, cores])
    period = 1000 / FPS
    phases = draw.uniform(0, period, calls)
    frames = int(SECONDS * FPS)
    took = draw.choice(np.asarray(times), (calls, frames))
    behind = np.zeros((calls, frames))
    for call, first in enumerate(draw.integers(0, LOOK_EVERY, calls)):
        behind[call, first::LOOK_EVERY] = look
    arrivals = sorted(
        (phases[call] + turn * period, call, turn)
        for call in range(calls)
        for turn in range(frames)
    )
    result = Result(made=[0] * calls)
    free = [0.0] * cores
    line: deque[tuple[float, int, int]] = deque()
    waiting: dict[int, tuple[float, int]] = {}
    served, busy_until = [-1.0] * calls, [0.0] * calls

    def end(came: float, at: float, call: int, made: bool) -> None:
        result.waits.append(at - came)
        result.late += at - came > period
        result.made[call] += made

    def work(until: float) -> None:
        """Let the cores begin what they can before a time."""
        while True:
            at = free[0]
            if gate:
                ready = [one for one in waiting if busy_until[one] <= max(at, waiting[one][0])]
                if not ready:
                    soonest = min((busy_until[one] for one in waiting), default=until)
                    if soonest >= until:
                        return
                    heapq.heapreplace(free, max(at, soonest))
                    continue
                at = max(at, min(waiting[one][0] for one in ready))
                if at >= until:
                    return
                ready = [one for one in ready if waiting[one][0] <= at]
                call = min(ready, key=lambda one: (served[one], waiting[one]))
                came, turn = waiting.pop(call)
                served[call] = at
                if at - came > period:
                    end(came, at, call, made=False)
                    continue
            else:
                if not line or max(at, line[0][0]) >= until:
                    return
                came, call, turn = line.popleft()
                at = max(at, came)
            done = at + took[call, turn]
            busy_until[call] = done + behind[call, turn]
            heapq.heapreplace(free, busy_until[call])
            end(came, done, call, made=True)

    for now, call, turn in arrivals:
        work(now)
        if not gate:
            line.append((now, call, turn))
            continue
        if call in waiting:
            end(waiting[call][0], now, call, made=False)
        waiting[call] = (now, turn)
    work(np.inf)
    return result


def main() -> None:
    """Print the table, and draw it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--plot", type=Path, help="Write a picture, .svg or .png.")
    parser.add_argument("--price", type=float, default=0.04, help="Of a core for an hour.")
    parser.add_argument("--measure", action="store_true", help="Measure the times of frames first.")
    options = parser.parse_args()
    if options.measure:
        MEASURED.write_text(json.dumps(measure()) + "\n", encoding="utf-8")
    forecast(options.price)
    times, look = service()
    mean = float(np.mean(times)) + look / LOOK_EVERY
    print("| cores | load | calls | | p50 ms | p95 | p99 | late % | worst FPS |")
    print("|---|---|---|---|---|---|---|---|---|")
    drawn: dict[tuple[int, bool], list[float]] = {}
    for cores in CORES:
        for load in LOADS:
            calls = max(1, round(load * cores * 1000 / (FPS * mean)))
            for gate in (False, True):
                row = simulate(times, calls, cores, gate=gate, look=look).row()
                p50, p95, p99, late, worst = row
                real = calls * FPS * mean / (1000 * cores)
                drawn.setdefault((cores, gate), []).append(late)
                print(
                    f"| {cores} | {real:.2f} | {calls} | {'gate' if gate else 'queue'} | {p50:.0f} "
                    f"| {p95:.0f} | {p99:.0f} | {late:.1f} | {worst:.1f} |"
                )
    if options.plot:
        plot(drawn, options.plot)


def service(size: str = "360p") -> tuple[list[float], float]:
    """Give the milliseconds that frames took, and a look: its mean over all that were taken."""
    measured = json.loads(MEASURED.read_text(encoding="utf-8"))[size]
    return measured["frames"], float(np.mean(measured["looks"]))


def measure() -> dict[str, dict[str, list[float]]]:
    """Measure what frames of settled calls and looks at them take of a core, in milliseconds."""
    from ovsharp import Sharpener
    from ovsharp.benchmarks.calls import SETTLED, damaged_clips

    told: dict[str, dict[str, list[float]]] = {}
    for name, (height, width) in {"360p": (360, 640), "720p": (720, 1280)}.items():
        frames, looks = [], []
        with Sharpener(quality="fast", mode="throughput") as sharpener:
            for clip in damaged_clips(height, width):
                with sharpener.session() as call:
                    for turn in range(SETTLED + 2 * LOOK_EVERY):
                        before = time.process_time()
                        call(clip[turn % len(clip)])
                        between = time.process_time()
                        call.catch_up()
                        if turn >= SETTLED:
                            frames.append(round(1000 * (between - before), 2))
                            looks.append(round(1000 * (time.process_time() - between), 2))
        told[name] = {"frames": frames, "looks": [one for one in looks if one > 1]}
    return told


def forecast(price: float) -> None:
    """Print what numbers of calls need, and what that costs an hour."""
    print("| calls | size | models | cores of | alone | + coding | GB | Gbit/s | cost an hour |")
    print("|---|---|---|---|---|---|---|---|---|")
    for calls in (1_000, 1_000_000):
        for size, (decode, encode) in CODED.items():
            for (quality, isa), measured in CPU_MS.items():
                alone, coded = (
                    calls * FPS * ms / (1000 * USED)
                    for ms in (measured[size], measured[size] + decode + encode)
                )
                memory, sent = (calls * one / 1000 for one in BESIDE[size])
                print(
                    f"| {calls:,} | {size} | {quality} | {isa} | {alone:,.0f} | {coded:,.0f} "
                    f"| {memory:,.1f} | {sent:,.1f} "
                    f"| {price * alone:,.0f} to {price * coded:,.0f} |"
                )
    print()


def plot(drawn: dict[tuple[int, bool], list[float]], path: Path) -> None:
    """Draw the share of late frames by load."""
    import matplotlib as mpl
    from matplotlib import pyplot as plt

    mpl.use("Agg")
    mpl.rcParams["svg.hashsalt"] = "ovsharp"
    figure, axes = plt.subplots(figsize=(6, 3.4), layout="constrained")
    for (cores, gate), late in drawn.items():
        style = "-o" if gate else "--x"
        axes.plot(LOADS, late, style, label=f"{'gate' if gate else 'queue'}, {cores} cores")
    axes.set_xlabel("load: work asked for / what the cores can do")
    axes.set_ylabel("late frames, %")
    axes.set_yscale("symlog", linthresh=1)
    axes.axhline(1, color="grey", linewidth=0.8)
    axes.legend(frameon=False)
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)


if __name__ == "__main__":
    main()
