"""Turns trained students into shipped models: convert, quantize behind the gate, measure, card.

    python scripts/ship_family.py --runs runs/final --data photos/ --val other-photos/

Each folder NAME of --runs, as `ovsharp train` leaves it, becomes
ovsharp/models/shipped/NAME, in place of what is there; --clips and --screens are those that it was
trained on, of which a tenth of the clips was held apart.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from before_after import before_after
from centres import SIDE, read_centre

from ovsharp import Sharpener
from ovsharp.calibration import quantize
from ovsharp.convert import Options, convert
from ovsharp.degrade import parse
from ovsharp.media import find_images, find_videos, read_video
from ovsharp.models import load_network
from ovsharp.quality import MAX_DROP
from ovsharp.training import Course, load_recipe, recipe_names
from ovsharp.training.clips import Moving, split_clips, validation_pairs

SHIPPED = Path(__file__).parent.parent / "ovsharp" / "models" / "shipped"
SUBSET = 200
"""Images to calibrate on."""
PHOTOS = 5
"""Every how many photos are among them, beside frames of clips."""
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
LIMITS = {
    "sharp-quality": 0.004,
    # On ten real clips at crf 36 `call-codec` gained .350 dB, .304 in 8 bits, .320 with one layer
    # in float.
    "call-codec": 0.0005,
    "call-half-quality": 0.001,
    # Within the usual limit three layers were left in float, and in f32: half as fast, .008 dB
    # better.
    "call-small": 0.0025,
    # Of .28 SSIM that it gains. On the pictures that layers are chosen on 8 bits cost .009, and
    # .0016 on those that it is reported on, of which two layers in float spared .0004.
    "call-noise": 0.01,
}
"""Drops in SSIM that are accepted where .002 cannot be held, or where less is worth a layer."""


DATA = {
    "photos": "484 images with stated licences (CC0, CC BY-SA, Unsplash, MIT, GPL game art, own "
    "renders of screens)",
    "moving": "40 clips of real motion (intel-iot-devkit/sample-videos, CC BY 4.0; LivePortrait, "
    "MIT; SAM 2 and video-retalking, Apache-2.0), 80 rendered screens that are made to move, and "
    "484 images with stated licences (CC0, CC BY-SA, Unsplash, MIT, GPL game art)",
}

CALL_SPECIALISTS = [name for name in recipe_names() if name.startswith("call-")]


def recipe_of(name: str) -> str:
    """Name the recipe that a shipped model was trained by: its own, that of which it is a size."""
    stem = name.removesuffix("-quality").removesuffix("-fast")
    return next(one for one in (name, stem, name.split("-")[0]) if one in recipe_names())


@dataclass(frozen=True)
class Folders:
    """Material to calibrate and to score on."""

    data: Path
    val: Path
    clips: Path | None
    screens: Path | None


Pairs = Iterable[tuple[np.ndarray, np.ndarray]]


def photos(recipe: str, val: Path) -> Pairs:
    """Give damaged validation images and their truths."""
    degrade = parse(recipe)
    for index, path in enumerate(find_images([val])[::STEP]):
        truth = read_centre(path)
        yield degrade(truth, seed=index), truth


def as_trained(name: str, degradation: str, folders: Folders) -> Pairs:
    """Give what a model was trained to undo: of held clips and screens, or of photos."""
    course = load_recipe(recipe_of(name)).student
    if not course.moving or folders.clips is None or folders.screens is None:
        return photos(degradation, folders.val)
    material = Moving(
        tuple(split_clips(find_videos(folders.clips))[1]),
        tuple(find_images([folders.screens])),
        tuple(find_images([folders.val])),
        course.shares,
    )
    return validation_pairs(material, degradation, side=SIDE, count=48)


def seen(folder: Path) -> str:
    """Say how many pixels the weights saw in all runs."""
    pixels = load_network(folder / "student.pth").pixels
    return f"; {pixels / 1e9:.1f} thousand million pixels seen, as far as counted" if pixels else ""


def gained(rows: list[dict[str, float]]) -> str:
    """Say what the last run gained over the weights that it began with, where its log begins so."""
    first, last = rows[0], rows[-1]
    if first["step"] or not first["pixels"]:
        return ""
    times = last["pixels"] / first["pixels"]
    best = max(rows[1:], key=lambda row: row["ssim_out"])
    return (
        f", {times:.2g} times as many as before this run, which gained "
        f"{best['psnr_out'] - first['psnr_out']:+.2f} dB on its validation pictures"
    )


def card(name: str, folder: Path, log: str, folders: Folders) -> str:
    """Write the model card from what was measured just now."""
    task, recipe = name.split("-")[0], load_recipe(recipe_of(name))
    kind = "specialist" if recipe.name in CALL_SPECIALISTS else task
    with Sharpener(folder / f"{name}-int8.xml") as sharpener:
        spec, execution = sharpener.spec, sharpener.execution.label
        rows = {
            label: before_after(
                sharpener,
                photos(text, folders.val) if text else as_trained(name, spec.degradation, folders),
                spec.scale,
            )
            for label, text in ROWS[kind].items()
        }
    validated = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    cost = spec.quantization
    if cost is None:
        raise SystemExit(f"{name} has no INT8 model")
    kept = ", ".join(cost.float_layers) or "none"
    compared = "the bicubic upscale" if spec.scale > 1 else "the input"
    size = name.removeprefix(recipe.name).lstrip("-")
    course = (recipe.sized(size) if size in recipe.sizes else recipe).student
    loss = " + ".join(f"{weight:g} {term}" for term, weight in course.loss.items())
    lines = [
        f"# {name}",
        "",
        f"{spec.parameters:,} parameters, scale {spec.scale}; {recipe.summary.split(': ')[-1]}.",
        "",
        "| | |",
        "|---|---|",
        f"| trained to undo | `{spec.degradation.replace('|', chr(92) + '|')}` |",
        f"| training | recipe `{recipe.name}`, last run: {validated[-1]['step']:,} steps of "
        f"{recipe.student.batch} patches, loss {loss}, no teacher{seen(folder)}"
        f"{gained(validated)} |",
        f"| data | {DATA['moving' if recipe.student.moving else 'photos']} |",
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
            f"| {label} | {row.images} | {row.ssim[0]:.4f} | {row.ssim[1]:.4f} "
            f"| {row.psnr[0]:.2f} | {row.psnr[1]:.2f} | {row.better:.0%} |"
        )
    if task == "call" or (task == "x4" and recipe.name == name):
        lines += [
            "",
            f"One of the models that the router `{task}` chooses among. **By itself it harms "
            "frames that it was not made for**, clean ones among them: see the rows.",
        ]
    if recipe.name == "x2-clean":
        lines += ["", "For small pictures that were filtered before: it harms aliased ones."]
    if task == "sharp":
        lines += ["", "A specialist for blur: it makes clean and compressed frames worse."]
    return "\n".join(lines) + "\n"


def halve(source: Path, target: Path) -> None:
    """Write trained weights in 16 bits: the f32 IR, made of them, is packed well by a wheel."""
    saved = torch.load(source, weights_only=True)
    saved["state_dict"] = {name: values.half() for name, values in saved["state_dict"].items()}
    torch.save(saved, target)


def to_calibrate_on(course: Course, folders: Folders, frames: Path) -> Path:
    """Give a folder of images like those that were trained on.

    Ranges of photos alone do not fit clips: the mean of two trainings of `call-codec` gained .583
    dB on held ones after photos, and .675 after frames of clips and photos.
    """
    if folders.clips is None or folders.screens is None or not course.moving:
        return folders.data
    if course.moving.get("screens", 0.0) > 0.5:
        return folders.screens
    frames.mkdir(exist_ok=True)
    for path in split_clips(find_videos(folders.clips))[0]:
        with read_video(path) as reader:
            shots = [shot.frame for shot in reader]
        for part in (1, 2):
            frame = shots[part * len(shots) // 3]
            small = cv2.resize(frame, None, fx=1 / 1.3, fy=1 / 1.3, interpolation=cv2.INTER_AREA)
            cv2.imwrite(str(frames / f"{path.stem}-{part}.png"), small)
    for path in find_images([folders.data])[::PHOTOS]:
        shutil.copy(path, frames)
    return frames


def ship(source: Path, folders: Folders) -> None:
    """Make one shipped model."""
    name = source.name
    folder = source / "shipped"
    shutil.rmtree(folder, ignore_errors=True)
    degrade = load_recipe(recipe_of(name)).student.stages[-1].degrade
    folder.mkdir()
    halve(source / "student.pth", folder / "student.pth")
    convert(folder / "student.pth", folder, options=Options(name=name, degradation=degrade))
    limit = LIMITS.get(name, MAX_DROP)
    images = to_calibrate_on(load_recipe(recipe_of(name)).student, folders, source / "frames")
    result = quantize(folder / f"{name}-fp32.xml", images, subset=SUBSET, max_drop=limit)
    (folder / f"{name}.onnx").unlink()
    result.files[2].unlink()
    text = card(name, folder, (source / "log.jsonl").read_text(), folders)
    (folder / "README.md").write_text(text)
    shutil.rmtree(SHIPPED / name, ignore_errors=True)
    shutil.move(folder, SHIPPED / name)
    print(text, flush=True)


def main() -> None:
    """Ship all that is trained."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("--runs", "--data", "--val"):
        parser.add_argument(name, type=Path, required=True)
    for name in ("--clips", "--screens"):
        parser.add_argument(name, type=Path)
    options = parser.parse_args()
    folders = Folders(options.data, options.val, options.clips, options.screens)
    for weights in sorted(options.runs.glob("*/student.pth")):
        ship(weights.parent, folders)


if __name__ == "__main__":
    main()
