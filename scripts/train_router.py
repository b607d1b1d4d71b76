"""Trains a router of shipped models: `call` or `x4`.

    python scripts/train_router.py call --data photos/ --val other/ --out runs/router

Each image is damaged in several ways, every model of the router sharpens it, and what each gained
is what the router learns to tell from crops of the damaged image alone. Writes
ovsharp/models/shipped/ROUTER, and figures of the choice to OUT/figures.json. Gains that are
measured already are not measured again.
"""

from __future__ import annotations

import argparse
import json
import math
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import openvino as ov
import torch
from torch.nn import functional

from ovsharp import Sharpener
from ovsharp.degrade import parse
from ovsharp.files import staged
from ovsharp.media import find_images, read_frame
from ovsharp.models.router import RouterNetwork, RouterOnFrames
from ovsharp.quality import ssim
from ovsharp.runtime import crops, upscale, write_router
from ovsharp.spec import RouterSpec

SHIPPED = Path(__file__).parent.parent / "ovsharp" / "models" / "shipped"


@dataclass(frozen=True)
class Family:
    """What a router chooses among, and what it is shown to learn it."""

    models: tuple[str, ...]
    """The one for everything first."""
    damages: tuple[str, ...]
    side: int
    """Images are cropped to a random square of so many pixels before they are damaged."""
    quantile: float
    """Of the gain that is told. 0.2: four of five such frames gain more; to harm is worse."""


def after(start: str, *ends: str) -> list[str]:
    """Give damages that begin in the same way."""
    return [start + end for end in ends]


FAMILIES = {
    "call": Family(
        models=(
            "call-balanced",
            "call-noise",
            "call-jpeg",
            "call-codec",
            "call-small",
            "call-blur",
            "call-half",
        ),
        damages=(
            "clean",
            "clean",
            "gla",
            "blur(kernel=5|7|9, sigma=0.7..2.5)",
            "defocus(radius=0.7..2)",
            "motion_blur(length=2..7, angle=0..180)",
            "edsr",
            "down_up(scale=1.3..2.5, method=bicubic|bilinear|area)",
            "jpeg(quality=8..30)",
            "jpeg(quality=20..70)",
            "jpeg(quality=60..95)",
            "noise(sigma=1..6)",
            "noise(sigma=5..18)",
            "sensor_noise(shot=0.1..0.8, read=1..5)",
            "h264(crf=22..32)",
            "h264(crf=28..40)",
            "h264(crf=20..34, scale=1.3..2.2)",
            "h264(crf=20..30, scale=2)",
            "vp8(quantizer=10..55)",
            "noise(sigma=2..8) + h264(crf=22..36)",
            "blur(kernel=5, sigma=0.6..1.5) + jpeg(quality=20..80)",
            "synergy",
            "call",
            "call",
        ),
        side=256,
        quantile=0.2,
    ),
    "x4": Family(
        models=("x4-balanced", "x4-clean", "x4-aliased", "x4-jpeg", "x4-codec", "x4-rough"),
        damages=(
            *after(
                "down(scale=4, method=area)",
                "",
                "",
                " + noise(sigma=1..8)",
                " + jpeg(quality=8..30)",
                " + jpeg(quality=20..70)",
                " + jpeg(quality=60..95)",
                " + h264(crf=18..28)",
                " + h264(crf=26..36)",
                " + vp8(quantizer=10..50)",
                " + noise(sigma=1..6) + h264(crf=20..32)",
            ),
            *after(
                "down(scale=4, method=bicubic|bilinear)",
                "",
                "",
                " + noise(sigma=1..8)",
                " + jpeg(quality=10..60)",
                " + jpeg(quality=60..95)",
                " + h264(crf=18..34)",
            ),
            *after(
                "down(scale=4, method=nearest)",
                " + jpeg(quality=5..50)",
                " + noise(sigma=1..10)",
            ),
            "dynamic-duo",
            "dynamic-duo",
        ),
        side=384,
        quantile=0.4,
    ),
}
RIM = 40
"""Pixels at the border of a square that gains are not measured on."""
CROP, CROPS = 64, 36
SEEN, DRAWS = 9, 4
"""Crops that are looked at in training, and how often they are drawn from each square."""
RATE = 2e-3
LEAST = 0.1
CLEAN = 2.0
"""How much more often a frame without damage is learned from: to touch one is the worst error."""
KNEE = 0.1
"""Differences of asinh(dB) below which the loss is quadratic."""
FLOOR = 0.5
"""Mean squared error, in levels, below which pictures count as equal: 51 dB."""
PER_SSIM = 40.0
"""dB that an SSIM of 1 is worth: what models for compression gain of both at once."""


def quality(picture: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Give PSNR and SSIM, both in dB, in the middle of a picture."""
    picture, truth = (image[RIM:-RIM, RIM:-RIM] for image in (picture, truth))
    error = float(np.mean((picture.astype(np.float32) - truth) ** 2))
    return np.array((10 * math.log10(255**2 / (error + FLOOR)), PER_SSIM * ssim(picture, truth)))


def worth(gains: np.ndarray) -> np.ndarray:
    """Give what gains in PSNR and SSIM are worth together, in dB: ... x 2 -> ..."""
    return gains.mean(-1)


def examples(
    folder: Path, file: Path, family: Family, per_image: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Damage images and measure what every model gains.

    Returns:
        Damaged squares, images x side x side x 3; gains in PSNR and SSIM, images x models x 2;
        numbers of damages.
    """
    if file.exists():
        kept = np.load(file)
        return kept["frames"], kept["gains"], kept["damages"]
    recipes = [parse(text) for text in family.damages]
    scale, side = recipes[0].scale, family.side
    sharpeners = [Sharpener(name, threads=1) for name in family.models]
    read = lru_cache(maxsize=4)(read_frame)
    # Once all damages were had, they are had again, at another place of the image.
    tasks = [
        (index, path, numbers[time % len(recipes)], time // len(recipes))
        for index, path in enumerate(find_images([folder]))
        for numbers in [np.random.default_rng(index).permutation(len(recipes)).tolist()]
        for time in range(per_image)
    ]

    def one(task: tuple[int, Path, int, int]) -> tuple[np.ndarray, np.ndarray, int] | None:
        index, path, number, turn = task
        image = read(path)
        if min(image.shape[:2]) < side:
            return None
        rng = np.random.default_rng((index, number, turn))
        top, left = (int(rng.integers((length - side) // 2 + 1)) * 2 for length in image.shape[:2])
        truth = np.ascontiguousarray(image[top : top + side, left : left + side])
        frame = recipes[number](truth, seed=int(rng.integers(2**63)))
        before = quality(upscale(frame, scale), truth)
        gains = [quality(sharpen(frame), truth) - before for sharpen in sharpeners]
        return frame, np.array(gains), number

    done = []
    with ThreadPoolExecutor(2) as pool:
        for count, example in enumerate(pool.map(one, tasks), 1):
            done += [] if example is None else [example]
            if count % 200 == 0:
                print(f"{file.stem}: {count} of {len(tasks)}", flush=True)
    frames, gains, numbers = (np.array(column) for column in zip(*done, strict=True))
    with staged(file.parent) as staging:
        np.savez(staging / file.name, frames=frames, gains=gains, damages=numbers)
    return frames, gains, numbers


def batch(frames: np.ndarray, rng: np.random.Generator) -> torch.Tensor:
    """Give random crops on the grid, frames x SEEN x 3 x CROP x CROP."""
    places = (frames.shape[1] - CROP) // 16 + 1
    cut = [
        [frame[y : y + CROP, x : x + CROP] for y, x in 16 * rng.integers(places, size=(SEEN, 2))]
        for frame in frames
    ]
    return torch.from_numpy(np.array(cut)).permute(0, 1, 4, 2, 3).float() / 255


def learn(
    frames: np.ndarray, gains: np.ndarray, clean: np.ndarray, quantile: float, steps: int
) -> RouterNetwork:
    """Train a router.

    Args:
        frames: damaged squares, images x side x side x 3.
        gains: in dB, images x models.
        clean: which of the squares are not damaged.
        quantile: see `Family`.
        steps: of 256 squares.
    """
    torch.manual_seed(1)
    rng = np.random.default_rng(1)
    network = RouterNetwork(gains.shape[1])
    with torch.no_grad():
        found = torch.cat(
            [
                network.found(batch(part, rng))
                for _ in range(DRAWS)
                for part in np.array_split(frames, len(frames) // 32 + 1)
            ]
        )
    target = torch.from_numpy(gains.astype(np.float32)).clamp(-3, 10).asinh().repeat(DRAWS, 1)
    network.centre.copy_(found.mean(0))
    network.spread.copy_(found.std(0) + 1e-3)
    optimizer = torch.optim.AdamW(network.parameters(), RATE, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, steps)
    often = np.tile(np.where(clean, CLEAN, 1.0), DRAWS).cumsum()
    total = 0.0
    for step in range(1, steps + 1):
        picked = torch.from_numpy(np.searchsorted(often, often[-1] * rng.random(256)))
        told, true = network.told(found[picked]).asinh(), target[picked]
        loss = functional.smooth_l1_loss(told, true, beta=KNEE, reduction="none")
        loss = (2 * loss * (quantile - (true < told).float()).abs()).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        total += loss.item()
        if step % 500 == 0:
            print(f"step {step}: loss {total / 500:.4f}", flush=True)
            total = 0.0
    return network.eval()


def judge(
    network: RouterNetwork,
    family: Family,
    frames: np.ndarray,
    gains: np.ndarray,
    numbers: np.ndarray,
) -> dict[str, dict[str, float | str]]:
    """Say by damage what the choice gains, beside the best one and the general model."""
    deployed = RouterOnFrames(network)
    with torch.no_grad():
        told = np.array(
            [deployed(torch.from_numpy(crops(frame, CROP, CROPS))).numpy() for frame in frames]
        )
    nothing = np.zeros((len(gains), 1))
    choices = np.concatenate((told, nothing + LEAST), 1).argmax(1)
    full = np.concatenate((gains, nothing), 1)
    got = full[np.arange(len(full)), choices]
    figures: dict[str, dict[str, float | str]] = {}
    for number, text in enumerate(family.damages):
        there = numbers == number
        if not there.any():
            continue
        names, counts = np.unique(choices[there], return_counts=True)
        figures[f"{number} {text}"] = {
            "routed": float(got[there].mean()),
            "best": float(full[there].max(1).mean()),
            "general": float(gains[there, 0].mean()),
            "worst": float(got[there].min()),
            "better": float((got[there] > 0).mean()),
            "choices": ", ".join(
                f"{(*family.models, 'none')[name]} {count}"
                for name, count in zip(names, counts, strict=True)
            ),
        }
    return figures


def main() -> None:
    """Measure, train, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("router", choices=FAMILIES)
    for name in ("--data", "--val", "--out"):
        parser.add_argument(name, type=Path, required=True)
    parser.add_argument("--per-image", type=int, default=36)
    parser.add_argument("--steps", type=int, default=8000)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    family = FAMILIES[options.router]
    train = examples(options.data, options.out / "train.npz", family, options.per_image)
    val = examples(options.val, options.out / "val.npz", family, len(family.damages))
    clean = np.array([text == "clean" for text in family.damages])
    network = learn(train[0], worth(train[1]), clean[train[2]], family.quantile, options.steps)
    figures = judge(network, family, val[0], worth(val[1]), val[2])
    (options.out / "figures.json").write_text(json.dumps(figures, indent=1))
    for text, row in figures.items():
        print(text, row)
    example = torch.zeros(CROPS, CROP, CROP, 3, dtype=torch.uint8)
    model = ov.convert_model(RouterOnFrames(network), example_input=example)
    folder = options.out / options.router
    write_router(model, RouterSpec(options.router, family.models, CROP, CROPS, LEAST), folder)
    shutil.copytree(folder, SHIPPED / options.router, dirs_exist_ok=True)


if __name__ == "__main__":
    main()
