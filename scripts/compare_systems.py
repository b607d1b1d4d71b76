"""Trains each reference student by its own recipe, and ours beside it, with equal CPU time.

    python scripts/compare_systems.py --data photos/ --val other/ --out runs/systems --minutes 4
    python scripts/compare_systems.py ... --only train   # train, score or write alone

Equal time: a few steps of each tell what one costs; then each gets as many steps as fit into
--minutes of CPU time, with its schedule stretched over them. All train without teachers and without
perceptual terms, so that the networks are compared and not the teachers that a CPU can train.
Ours learns each system's own degradation. Writes docs/systems/comparison.json and comparison.md.
What is trained already is not trained again.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ovsharp import Sharpener
from ovsharp.benchmarks.evaluation import Evaluation, Options, evaluate, open_subjects
from ovsharp.convert import Options as Conversion
from ovsharp.convert import convert
from ovsharp.degrade import parse
from ovsharp.progress import silent
from ovsharp.training import TrainingRecipe, load_recipe, train

DOCS = Path(__file__).parent.parent / "docs" / "systems"
SYSTEMS = ("gla", "edsr", "visionarv", "synergy", "dynamic-duo")
PROBE = (4, 12)
"""Steps between which the cost of one is measured."""
CROP = 384
"""Images are scored on their centre of this many pixels a side."""


@dataclass(frozen=True)
class Entry:
    """A student to train."""

    system: str
    ours: bool

    @property
    def name(self) -> str:
        """Of its folder and its row."""
        return f"ours-{self.system}" if self.ours else self.system

    def recipe(self) -> TrainingRecipe:
        """Give its recipe without teacher and perceptual terms."""
        reference = load_recipe(self.system).alone()
        reference = reference.without(*reference.perceptual)
        if not self.ours:
            return reference
        degrade = reference.student.validation
        own = load_recipe("x4" if parse(degrade).scale == 4 else "sharp")
        stages = (dataclasses.replace(own.student.stages[0], degrade=degrade),)
        # Nothing stored: more patches than are used in this time would be damaged first.
        student = dataclasses.replace(own.student, stages=stages, stored=0)
        return dataclasses.replace(own, student=student)


ENTRIES = tuple(Entry(system, ours) for system in SYSTEMS for ours in (False, True))


def learn(entry: Entry, options: argparse.Namespace) -> None:
    """Train and convert one student."""
    folder = options.out / entry.name
    if (folder / "facts.json").exists():
        return
    shutil.rmtree(folder, ignore_errors=True)
    recipe = entry.recipe()
    marks: dict[int, float] = {}

    def mark(_name: str, done: int, _total: int) -> None:
        marks[done] = time.process_time()

    probe = dataclasses.replace(recipe, student=recipe.student.shortened(PROBE[1]))
    train(probe, options.data, folder / "probe", val=options.val, progress=mark)
    cost = (marks[PROBE[1]] - marks[PROBE[0]]) / (PROBE[1] - PROBE[0])
    shutil.rmtree(folder / "probe")
    steps = max(20, int(60 * options.minutes / cost))
    whole = dataclasses.replace(recipe, student=recipe.student.shortened(steps))
    done = train(whole, options.data, folder, val=options.val, every=steps)
    convert(done.student.weights, folder, options=Conversion(name=entry.name))
    facts = {
        "steps": steps,
        "patches": steps * recipe.student.batch,
        "patch": recipe.student.patch,
        "seconds_per_step": cost,
        "parameters": sum(np.prod(v.shape) for v in _weights(done.student.weights)),
    }
    (folder / "facts.json").write_text(json.dumps(facts, default=int))
    print(entry.name, facts, done.student.score, flush=True)


def _weights(path: Path) -> list[Any]:
    from ovsharp.models import read_weights

    return list(read_weights(path).values())


def model_of(entry: Entry, options: argparse.Namespace) -> Path:
    """Give the IR of a student."""
    path: Path = options.out / entry.name / f"{entry.name}-fp32.xml"
    return path


def score(options: argparse.Namespace) -> dict[str, Any]:
    """Score all students on their own degradation and on that of calls, on each folder."""
    results: dict[str, Any] = {}
    for system in SYSTEMS:
        pair = [entry for entry in ENTRIES if entry.system == system]
        own = pair[0].recipe().student.validation
        call = "call + x4" if parse(own).scale == 4 else "call"
        models = [str(model_of(entry, options)) for entry in pair]
        if parse(own).scale == 1:
            models.append("call-balanced")
        for data in (options.val, *options.also):
            chosen = Options(tuple(models), data, degrade=(own, call), crop=CROP)
            folder = options.out / "eval" / f"{system}-{data.name}"
            folder.mkdir(parents=True, exist_ok=True)
            with open_subjects(chosen) as subjects:
                result = evaluate(chosen, subjects, folder, resume=True, progress=silent)
            results[f"{system}/{data.name}"] = _groups(result)
            print(system, data.name, flush=True)
    return results


def _groups(result: Evaluation) -> list[dict[str, Any]]:
    return [dataclasses.asdict(group) for group in result.groups if group.category == "all"]


def clock(options: argparse.Namespace) -> dict[str, float]:
    """Give the median milliseconds of a 1080p frame of each student, measured in turns."""
    sharpeners = {entry.name: Sharpener(model_of(entry, options)) for entry in ENTRIES}
    sharpeners["call-balanced"] = Sharpener("call-balanced")
    frame = np.random.default_rng(0).integers(0, 256, (1080, 1920, 3), np.uint8)
    times: dict[str, list[float]] = {name: [] for name in sharpeners}
    for round_ in range(4):
        for name, sharpener in sharpeners.items():
            scale = sharpener.spec.scale
            small = np.ascontiguousarray(frame[: 1080 // scale, : 1920 // scale])
            started = time.perf_counter()
            sharpener(small)
            if round_:
                times[name].append(1000 * (time.perf_counter() - started))
    for sharpener in sharpeners.values():
        sharpener.close()
    return {name: float(np.median(values)) for name, values in times.items()}


def page(content: dict[str, Any]) -> str:
    """Write the table."""
    lines = [
        "# The five systems and ours, trained for the same time",
        "",
        f"Each network was trained for {content['minutes']:g} minutes of CPU time on the same "
        f"images ({content['cpu']}), without teachers and perceptual terms; `ours` is one "
        "network, `sharp balanced` (16 channels) or `x4 balanced` (32), that learned the system's "
        "own degradation. "
        f"Scored on the {CROP}x{CROP} centre of each image in FP32; milliseconds are medians of "
        "1080p frames, measured in turns. `call-balanced` is the shipped default, trained longer "
        "and for other damages. So short a training favours small networks; it is the one that "
        "everybody can repeat. Written by `scripts/compare_systems.py`.",
        "",
    ]
    for key, groups in content["scores"].items():
        system, data = key.split("/")
        lines += [f"## {system}, on {data}", ""]
        lines += [
            "| damage | network | steps x patches | 1080p ms | SSIM | PSNR | edge ratio | better "
            "| worst |",
            "|---|---|---|---|---|---|---|---|---|",
        ]
        lines += [_row(system, group, content) for group in groups]
        lines.append("")
    return "\n".join(lines)


def _row(system: str, group: dict[str, Any], content: dict[str, Any]) -> str:
    name = group["method"].removesuffix("-fp32").removesuffix(".xml")
    facts = content["facts"].get(name)
    cells = [group["degradation"] if len(group["degradation"]) < 20 else system, name]
    cells.append(f"{facts['steps']:,} x {facts['patches'] // facts['steps']}" if facts else "")
    cells.append(f"{content['times'][name]:.1f}" if name in content["times"] else "")
    for measure, digits in (("ssim", 4), ("psnr", 2), ("edge_ratio", 2)):
        stat = group["measures"].get(measure)
        cells.append(f"{stat['mean']:.{digits}f}" if stat else "")
    shares = (f"{group['better'] / group['n']:.0%}", f"{group['worst_change']:+.4f}")
    cells += shares if name in content["times"] else ("", "")
    return "| " + " | ".join(cells) + " |"


def _cpu() -> str:
    import openvino as ov

    return f"{ov.Core().get_property('CPU', 'FULL_DEVICE_NAME')}, {os.cpu_count()} cores"


def main() -> None:
    """Run the stages."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--val", type=Path, required=True)
    parser.add_argument("--also", type=Path, action="append", default=[], help="to score on, too")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=4.0, help="of CPU time for each")
    parser.add_argument("--only", choices=("train", "score", "write"))
    options = parser.parse_args()
    if options.only in (None, "train"):
        for entry in ENTRIES:
            learn(entry, options)
    cache = options.out / "scores.json"
    if options.only in (None, "score"):
        times = clock(options)
        cache.write_text(json.dumps({"scores": score(options), "times": times}, default=str))
    if options.only in (None, "write"):
        facts = {
            entry.name: json.loads((options.out / entry.name / "facts.json").read_text())
            for entry in ENTRIES
        }
        content = {"minutes": options.minutes, "cpu": _cpu(), "facts": facts}
        content |= json.loads(cache.read_text())
        DOCS.mkdir(parents=True, exist_ok=True)
        (DOCS / "comparison.json").write_text(json.dumps(content, indent=1) + "\n")
        (DOCS / "comparison.md").write_text(page(content))


if __name__ == "__main__":
    main()
