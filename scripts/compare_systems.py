"""Trains each reference student by its own recipe, and ours beside it, on equally many patches.

    python scripts/compare_systems.py --data photos/ --val other/ --out runs/systems --steps 1500
    python scripts/compare_systems.py ... --only train   # train, score or write alone

Equal: steps, patches a step, pixels a patch, and the images that they come from; each with its own
loss, rate and schedule, stretched over the steps. All train without teachers and without
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
from ovsharp.convert import Options as Conversion
from ovsharp.convert import convert
from ovsharp.degrade import parse
from ovsharp.evaluation import Evaluation, Options, evaluate, open_subjects
from ovsharp.progress import silent
from ovsharp.training import TrainingRecipe, load_recipe, train

DOCS = Path(__file__).parent.parent / "docs" / "systems"
SYSTEMS = ("gla", "edsr", "visionarv", "synergy", "dynamic-duo")
BATCH = 4
PATCHES = {1: 64, 4: 128}
"""Sides of the sharp patches, by scale."""
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

    def recipe(self, steps: int) -> TrainingRecipe:
        """Give its recipe without teacher and perceptual terms, for so many steps."""
        recipe = load_recipe(self.system).alone()
        recipe = recipe.without(*recipe.perceptual)
        degrade = recipe.student.validation
        scale = parse(degrade).scale
        if self.ours:
            recipe = load_recipe("x4" if scale == 4 else "sharp")
            stages = (dataclasses.replace(recipe.student.stages[0], degrade=degrade),)
            recipe = dataclasses.replace(
                recipe, student=dataclasses.replace(recipe.student, stages=stages)
            )
        # Nothing stored: more patches than are used would be damaged first.
        student = dataclasses.replace(
            recipe.student.shortened(steps), batch=BATCH, patch=PATCHES[scale], stored=0
        )
        return dataclasses.replace(recipe, student=student)


ENTRIES = tuple(Entry(system, ours) for system in SYSTEMS for ours in (False, True))


def learn(entry: Entry, options: argparse.Namespace) -> None:
    """Train and convert one student."""
    folder = options.out / entry.name
    if (folder / "facts.json").exists():
        return
    shutil.rmtree(folder, ignore_errors=True)
    recipe = entry.recipe(options.steps)
    started = time.process_time()
    # Scored once, at the end, whatever the recipe says of stopping early.
    done = train(recipe, options.data, folder, val=options.val, every=options.steps)
    minutes = (time.process_time() - started) / 60
    convert(done.student.weights, folder, options=Conversion(name=entry.name))
    facts = {
        "patch": recipe.student.patch,
        "minutes": minutes,
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
        own = load_recipe(system).student.validation
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
        "# The five systems and ours, trained on equally many patches",
        "",
        f"Each network was trained for {content['steps']:,} steps of {BATCH} patches of "
        f"{PATCHES[1]}x{PATCHES[1]} pixels ({PATCHES[4]}x{PATCHES[4]} at x4) of the same images, "
        "by its own loss, rate and schedule, without teachers and perceptual terms; `ours` is one "
        "network, `sharp balanced` (16 channels) or `x4 balanced` (32), that learned the system's "
        f"own degradation. CPU minutes on {content['cpu']}. "
        f"Scored on the {CROP}x{CROP} centre of each image in FP32; milliseconds are medians of "
        "1080p frames, measured in turns; edges: gradient energy over the truth's. "
        "`call-balanced` is the shipped default, trained longer "
        "and for other damages. So short a training favours small networks and those that add to "
        "their input; it is the one that everybody can repeat. Written by "
        "`scripts/compare_systems.py`.",
        "",
    ]
    for key, groups in content["scores"].items():
        system, data = key.split("/")
        lines += [f"## {system}, on {data}", ""]
        lines += [
            "| damage | network | parameters | CPU minutes | 1080p ms | SSIM | PSNR "
            "| edges to truth | better | worst |",
            "|---|---|---|---|---|---|---|---|---|---|",
        ]
        # At the same size the bicubic upscale is the input.
        bicubic = system == "dynamic-duo"
        lines += [
            _row(system, group, content)
            for group in groups
            if bicubic or group["method"] != "bicubic"
        ]
        lines.append("")
    return "\n".join(lines)


def _row(system: str, group: dict[str, Any], content: dict[str, Any]) -> str:
    name = group["method"].removesuffix("-fp32").removesuffix(".xml")
    facts = content["facts"].get(name)
    cells = [group["degradation"] if len(group["degradation"]) < 20 else system, name]
    cells += [f"{facts['parameters']:,}", f"{facts['minutes']:.1f}"] if facts else ["", ""]
    cells.append(f"{content['times'][name]:.1f}" if name in content["times"] else "")
    for measure, digits in (("ssim", 4), ("psnr", 2), ("edge_truth", 2)):
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
    parser.add_argument("--steps", type=int, default=1500)
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
        content = {"steps": options.steps, "cpu": _cpu(), "facts": facts}
        content |= json.loads(cache.read_text())
        DOCS.mkdir(parents=True, exist_ok=True)
        (DOCS / "comparison.json").write_text(json.dumps(content, indent=1) + "\n")
        (DOCS / "comparison.md").write_text(page(content))


if __name__ == "__main__":
    main()
