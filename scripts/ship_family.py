"""Turns trained students into shipped models: convert, quantize behind the gate, measure, card.

    python scripts/ship_family.py --runs runs/final --data photos/ --val other-photos/

Each folder NAME of --runs, as `ovsharp train` leaves it, becomes
ovsharp/models/shipped/NAME; one that is shipped already is left alone.
"""

from __future__ import annotations

import argparse
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from centres import SIDE, read_centre

from ovsharp import Sharpener
from ovsharp.calibration import quantize
from ovsharp.convert import Options, convert
from ovsharp.degrade import parse
from ovsharp.media import find_images
from ovsharp.quality import MAX_DROP, capped_psnr, ssim
from ovsharp.runtime import upscale
from ovsharp.training import load_recipe, recipe_names

SHIPPED = Path(__file__).parent.parent / "ovsharp" / "models" / "shipped"
SUBSET = 100
"""Images to calibrate on."""
STEP = 2
"""Every second validation image is scored."""

ROWS = {
    "call": {
        "as trained": "",
        "blur, x2 down-up (gla)": "gla",
        "x2 down-up (edsr)": "edsr",
        "H.264 crf 36": "h264(crf=36)",
        "H.264 crf 26 at half size": "h264(crf=26, scale=2)",
        "VP8 quantizer 45": "vp8(quantizer=45)",
        "JPEG 15": "jpeg(quality=15)",
        "noise sigma 10": "noise(sigma=10)",
        "synergy (lost blocks)": "synergy",
        "clean": "clean",
    },
    "specialist": {"as trained": "", "the mixture `call`": "call", "clean": "clean"},
    "sharp": {"as trained": "", "clean": "clean", "JPEG 15": "jpeg(quality=15)"},
    "x2": {
        "as trained": "",
        "clean, area": "x2",
        "clean, bicubic": "down(scale=2, method=bicubic)",
        "JPEG 30 of it": "down(scale=2, method=area) + jpeg(quality=30)",
        "H.264 crf 26 of it": "down(scale=2, method=area) + h264(crf=26)",
    },
    "x4": {
        "as trained": "",
        "clean, area": "x4",
        "clean, bicubic": "down(scale=4, method=bicubic)",
        "JPEG 20 of it": "down(scale=4, method=area) + jpeg(quality=20)",
        "H.264 crf 26 of it": "down(scale=4, method=area) + h264(crf=26)",
        "dynamic-duo": "dynamic-duo",
    },
}
LIMITS = {"call-noise": 0.012} | dict.fromkeys(
    ("call-balanced", "call-fast", "sharp-fast", "sharp-balanced", "sharp-quality"), 0.004
)
"""Drops in SSIM that are accepted where .002 cannot be held."""


CALL_SPECIALISTS = [name for name in recipe_names() if name.startswith("call-")]


def recipe_of(name: str) -> str:
    """Name the recipe that a shipped model was trained by: its own, or its family's."""
    return name if name in recipe_names() else name.split("-")[0]


@dataclass(frozen=True)
class Row:
    """Means over the validation images."""

    images: int
    before: tuple[float, float]
    after: tuple[float, float]
    better: float
    """Share of the images whose SSIM rose."""


def measure(sharpener: Sharpener, recipe: str, val: Path) -> Row:
    """Score a model on one damage of the validation images."""
    degrade = parse(recipe)
    scores = []
    for index, path in enumerate(find_images([val])[::STEP]):
        truth = read_centre(path)
        frame = degrade(truth, seed=index)
        plain = upscale(frame, sharpener.spec.scale)
        result = sharpener(frame)
        scores.append(
            [f(picture, truth) for picture in (plain, result) for f in (ssim, capped_psnr)]
        )
    table = np.array(scores)
    means = table.mean(axis=0)
    return Row(
        images=len(table),
        before=(means[0], means[1]),
        after=(means[2], means[3]),
        better=float(np.mean(table[:, 2] > table[:, 0])),
    )


def card(name: str, folder: Path, log: str, val: Path) -> str:
    """Write the model card from what was measured just now."""
    task, recipe = name.split("-")[0], load_recipe(recipe_of(name))
    with Sharpener(folder / f"{name}-int8.xml") as sharpener:
        spec, execution = sharpener.spec, sharpener.execution.label
        rows = {
            label: measure(sharpener, text or spec.degradation, val)
            for label, text in ROWS["specialist" if name in CALL_SPECIALISTS else task].items()
        }
    steps = [json.loads(line) for line in log.splitlines() if line.startswith("{")][-1]["step"]
    cost = spec.quantization
    if cost is None:
        raise SystemExit(f"{name} has no INT8 model")
    kept = ", ".join(cost.float_layers) or "none"
    compared = "the bicubic upscale" if spec.scale > 1 else "the input"
    loss = " + ".join(f"{weight:g} {term}" for term, weight in recipe.student.loss.items())
    lines = [
        f"# {name}",
        "",
        f"{spec.parameters:,} parameters, scale {spec.scale}; {recipe.summary.split(': ')[-1]}.",
        "",
        "| | |",
        "|---|---|",
        f"| trained to undo | `{spec.degradation.replace('|', chr(92) + '|')}` |",
        f"| training | recipe `{recipe.name}`, last run: {steps:,} steps of "
        f"{recipe.student.batch} patches, loss {loss}, no teacher |",
        "| data | 484 images with stated licences (CC0, CC BY-SA, Unsplash, MIT, GPL game art, "
        "own renders of screens) |",
        f"| INT8 | drop {cost.ssim_drop:.4f} SSIM / {cost.psnr_drop:.2f} dB on "
        f"{cost.validation_images} images held apart, limit {cost.max_drop:g}; layers left in "
        f"float: {kept} |",
        "",
        f"INT8 ({execution}) on validation images that were not trained on, centres of {SIDE} "
        f"pixels, beside {compared}; SSIM after Wang et al. 2004:",
        "",
        "| damage | n | SSIM before | after | PSNR before | after | better |",
        "|---|---|---|---|---|---|---|",
    ]
    for label, row in rows.items():
        lines.append(
            f"| {label} | {row.images} | {row.before[0]:.4f} | {row.after[0]:.4f} "
            f"| {row.before[1]:.2f} | {row.after[1]:.2f} | {row.better:.0%} |"
        )
    if task == "call" or recipe.name == name:
        lines += [
            "",
            f"One of the models that the router `{task}` chooses among. **By itself it harms "
            "frames that it was not made for**, clean ones among them: see the rows.",
        ]
    if task == "sharp":
        lines += ["", "A specialist for blur: it makes clean and compressed frames worse."]
    return "\n".join(lines) + "\n"


def ship(source: Path, data: Path, val: Path) -> None:
    """Make one shipped model."""
    name = source.name
    folder = source / "shipped"
    shutil.rmtree(folder, ignore_errors=True)
    degrade = load_recipe(recipe_of(name)).student.stages[-1].degrade
    convert(source / "student.pth", folder, options=Options(name=name, degradation=degrade))
    limit = LIMITS.get(name, MAX_DROP)
    result = quantize(folder / f"{name}-fp32.xml", data, subset=SUBSET, max_drop=limit)
    (folder / f"{name}.onnx").unlink()
    result.files[2].unlink()
    shutil.copy(source / "student.pth", folder)
    text = card(name, folder, (source / "log.jsonl").read_text(), val)
    (folder / "README.md").write_text(text)
    shutil.move(folder, SHIPPED / name)
    print(text, flush=True)


def main() -> None:
    """Ship all that is trained."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("--runs", "--data", "--val"):
        parser.add_argument(name, type=Path, required=True)
    options = parser.parse_args()
    for weights in sorted(options.runs.glob("*/student.pth")):
        if not (SHIPPED / weights.parent.name).exists():
            ship(weights.parent, options.data, options.val)


if __name__ == "__main__":
    main()
