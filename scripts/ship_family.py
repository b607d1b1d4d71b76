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

from ovsharp import Sharpener
from ovsharp.calibration import quantize
from ovsharp.convert import Options, convert
from ovsharp.degrade import parse
from ovsharp.media import find_images, read_frame
from ovsharp.quality import capped_psnr, ssim
from ovsharp.runtime import upscale

SHIPPED = Path(__file__).parent.parent / "ovsharp" / "models" / "shipped"
SIDE = 512
"""Validation images are cropped to their centre of this many pixels."""

X2 = (
    "down(scale=2, method=area|bicubic|bilinear) + noise(sigma=0..4, p=0.3) "
    "+ jpeg(quality=20..80, p=0.5)"
)
X4 = (
    "down(scale=4, method=area|bicubic|bilinear) + noise(sigma=0..6, p=0.3) "
    "+ jpeg(quality=15..60, p=0.7)"
)
TRAINED_ON = {"call": "call", "sharp": "gla", "x2": X2, "x4": X4}
PLAN = "L1 loss, Adam, rate 6e-4 with cosine decay, batches of 8 patches of 128x128, no teacher"
TRAINING = {
    "call-balanced": (
        f"curriculum: 8,000 steps on JPEG 8..50 alone, 9,500 on a mixture of single damages and "
        f"chains with few whole frames, the steps above on `call`; {PLAN}"
    ),
}
"""Where a model was not trained in one go."""
ROWS = {
    "call": {
        "as trained (call)": "call",
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
    "sharp": {"blur, x2 down-up (gla)": "gla", "clean": "clean", "JPEG 15": "jpeg(quality=15)"},
    "x2": {"as trained": X2, "area, no noise": "x2"},
    "x4": {"as trained": X4, "area, no noise": "x4", "dynamic-duo": "dynamic-duo"},
}


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
    for index, path in enumerate(find_images([val])):
        image = read_frame(path)
        height, width = (min(side, SIDE) // 8 * 8 for side in image.shape[:2])
        top, left = (image.shape[0] - height) // 2, (image.shape[1] - width) // 2
        truth = np.ascontiguousarray(image[top : top + height, left : left + width])
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
    task = name.split("-")[0]
    with Sharpener(folder / f"{name}-int8.xml") as sharpener:
        spec, execution = sharpener.spec, sharpener.execution.label
        rows = {label: measure(sharpener, text, val) for label, text in ROWS[task].items()}
    reports = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    cost = spec.quantization
    if cost is None:
        raise SystemExit(f"{name} has no INT8 model")
    kept = ", ".join(cost.float_layers) or "none"
    compared = "the bicubic upscale" if spec.scale > 1 else "the input"
    lines = [
        f"# {name}",
        "",
        f"{spec.parameters:,} parameters, scale {spec.scale}. A **short training** "
        f"({reports[-1]['step']:,} steps, {reports[-1]['minutes']} minutes on two shared cores): "
        f"it stands for the speed of its design, and its quality is not the last word.",
        "",
        "| | |",
        "|---|---|",
        f"| trained to undo | `{spec.degradation}` |",
        f"| training | multi-branch blocks, collapsed to plain 3x3 convolutions; "
        f"{TRAINING.get(name, PLAN)} |",
        "| data | 484 images with stated licences (CC0, CC BY-SA, Unsplash, MIT, GPL game art, "
        "own renders of screens) |",
        f"| INT8 | drop {cost.ssim_drop:.4f} SSIM / {cost.psnr_drop:.2f} dB on "
        f"{cost.validation_images} images held apart; layers left in float: {kept} |",
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
    if task == "call":
        lines += [
            "",
            "For calls: it does not know what happened to a frame, and helps a little against each "
            "of many damages where a specialist helps much against one. **A frame that nothing "
            "happened to comes back slightly worse** (last row), so do frames whose only damage "
            "is lost blocks. It does not repair what is gone.",
        ]
    if task == "sharp":
        lines += ["", "A specialist for blur: it makes clean and compressed frames worse."]
    return "\n".join(lines) + "\n"


def ship(source: Path, data: Path, val: Path) -> None:
    """Make one shipped model."""
    name = source.name
    folder = source / "shipped"
    shutil.rmtree(folder, ignore_errors=True)
    options = Options(name=name, degradation=TRAINED_ON[name.split("-")[0]])
    convert(source / "student.pth", folder, options=options)
    result = quantize(folder / f"{name}-fp32.xml", data)
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
