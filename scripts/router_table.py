"""Scores a shipped router on photos, one damage after the other, as tables for its card.

    python scripts/router_table.py call --data photos/ --data kodak/ --out runs/tables

Each photo is judged by itself. Prints a table for each folder and writes OUT/ROUTER-FOLDER.json.
Beside what was chosen stands what each model of the router would have gained on the same photo.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from before_after import BeforeAfter, before_after
from centres import read_centre
from train_router import PER_SSIM

from ovsharp import Sharpener
from ovsharp.degrade import parse
from ovsharp.engine import Frame, upscale
from ovsharp.media import find_images
from ovsharp.quality import capped_psnr, harms, ssim
from ovsharp.runtime import shipped_models

DAMAGES = {
    "call": {
        "noise sigma 10": "noise(sigma=10)",
        "JPEG 15": "jpeg(quality=15)",
        "blur, x2 down-up (gla)": "gla",
        "H.264 crf 26 at half size": "h264(crf=26, scale=2)",
        "H.264 crf 36": "h264(crf=36)",
        "VP8 quantizer 45": "vp8(quantizer=45)",
        "x2 down-up (edsr)": "edsr",
        "call": "call",
        "synergy (lost blocks)": "synergy",
        "VP9 quantizer 50 (in no recipe)": "vp9(quantizer=50)",
        "noise 6, JPEG 30 (in no recipe)": "noise(sigma=6) + jpeg(quality=30)",
        "clean": "clean",
    },
    "x4": {
        "clean, area": "x4",
        "clean, bicubic": "down(scale=4, method=bicubic)",
        "JPEG 20 of area": "x4 + jpeg(quality=20)",
        "H.264 crf 26 of area": "x4 + h264(crf=26)",
        "dynamic-duo": "dynamic-duo",
        "noise 4 of area": "x4 + noise(sigma=4)",
        "VP9 quantizer 40 of area (in no recipe)": "x4 + vp9(quantizer=40)",
        "nearest (in no recipe)": "down(scale=4, method=nearest)",
    },
}
"""By router: what a row is called, and its recipe."""


@dataclass(frozen=True)
class Row(BeforeAfter):
    """What the router does to one damage."""

    reached: float
    """Share of the gain that the best choice for each photo has, of the models and the input as it
    is: PSNR, and SSIM as so many dB, as the router was taught."""
    harmed: float
    """Share of the photos that were made worse, by `ovsharp.quality.harms`."""
    made: dict[str, int]


def measure(router: Sharpener, models: Sequence[Sharpener], recipe: str, folder: Path) -> Row:
    """Score one damage."""
    degrade = parse(recipe)
    made: Counter[str] = Counter()
    frames = []
    for index, path in enumerate(find_images([folder])):
        truth = read_centre(path)
        frames.append((degrade(truth, seed=index), truth))

    def chosen(frame: Frame) -> Frame:
        picture = router(frame)
        made[router.variant] += 1
        return picture

    found = before_after(chosen, frames, router.spec.scale)
    gains = np.array([gains_on(pair, [router, *models]) for pair in frames])
    worth = (gains[..., 0] + PER_SSIM * gains[..., 1]) / 2
    best = np.maximum(worth.max(axis=1), 0)
    harmed = harms(gains[:, 0, 0], gains[:, 0, 1])
    return Row(
        **vars(found),
        reached=float(worth[:, 0].sum() / best.sum()) if best.any() else 1.0,
        harmed=float(harmed.mean()),
        made=dict(made.most_common()),
    )


def gains_on(pair: tuple[Frame, Frame], models: Sequence[Sharpener]) -> np.ndarray:
    """Give what models gain on a damaged picture in PSNR (dB) and SSIM, models x 2."""
    frame, truth = pair

    def scores(picture: Frame) -> np.ndarray:
        return np.array((capped_psnr(picture, truth), ssim(picture, truth)))

    before = scores(upscale(frame, models[0].spec.scale))
    return np.array([scores(model(frame)) - before for model in models])


def markdown(router: str, rows: dict[str, Row]) -> str:
    """Write a table."""
    lines = [
        "| damage | SSIM | PSNR dB | better | not worse | worst | of the best gain | harmed "
        "| chosen most |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name, row in rows.items():
        chosen = ", ".join(
            f"{model.removeprefix(f'{router}-')} {count}"
            for model, count in list(row.made.items())[:2]
        )
        lines.append(
            f"| {name} | {row.ssim[0]:.4f} -> {row.ssim[1]:.4f} "
            f"| {row.psnr[0]:.2f} -> {row.psnr[1]:.2f} | {row.better:.0%} | {row.not_worse:.0%} "
            f"| {row.worst:+.4f} | {row.reached:.2f} | {row.harmed:.1%} | {chosen} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Score and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("router", choices=DAMAGES)
    parser.add_argument("--data", type=Path, action="append", required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    router = Sharpener(options.router)
    models = [Sharpener(name) for name in router.variants if name in shipped_models()]
    for folder in options.data:
        rows = {
            name: measure(router, models, recipe, folder)
            for name, recipe in DAMAGES[options.router].items()
        }
        content = {name: asdict(row) for name, row in rows.items()}
        path = options.out / f"{options.router}-{folder.name}.json"
        path.write_text(json.dumps(content, indent=1) + "\n")
        print(f"{folder.name}, {next(iter(rows.values())).images} photos\n")
        print(markdown(options.router, rows), flush=True)


if __name__ == "__main__":
    main()
