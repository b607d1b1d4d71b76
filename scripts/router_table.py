"""Scores a shipped router on photos, one damage after the other, as tables for its card.

    python scripts/router_table.py call --data photos/ --data kodak/ --out runs/tables

Each photo is judged by itself. Prints a table for each folder and writes OUT/ROUTER-FOLDER.json.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from before_after import BeforeAfter, before_after
from centres import read_centre

from ovsharp import Sharpener
from ovsharp.degrade import parse
from ovsharp.engine import Frame
from ovsharp.media import find_images
from ovsharp.quality import ssim

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

    general: float
    """SSIM of the router's model for everything, on the same frames."""
    made: dict[str, int]


def measure(router: Sharpener, general: Sharpener, recipe: str, folder: Path) -> Row:
    """Score one damage."""
    degrade = parse(recipe)
    made: Counter[str] = Counter()
    plain: list[float] = []

    def pairs() -> Iterator[tuple[Frame, Frame]]:
        for index, path in enumerate(find_images([folder])):
            truth = read_centre(path)
            frame = degrade(truth, seed=index)
            plain.append(ssim(general(frame), truth))
            yield frame, truth
            made[router.variant] += 1

    found = before_after(router, pairs(), router.spec.scale)
    return Row(**vars(found), general=float(np.mean(plain)), made=dict(made.most_common()))


def markdown(router: str, rows: dict[str, Row]) -> str:
    """Write a table."""
    lines = [
        "| damage | SSIM | PSNR dB | better | not worse | worst | the one model for all "
        "| chosen most |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, row in rows.items():
        chosen = ", ".join(
            f"{model.removeprefix(f'{router}-')} {count}"
            for model, count in list(row.made.items())[:2]
        )
        lines.append(
            f"| {name} | {row.ssim[0]:.4f} -> {row.ssim[1]:.4f} "
            f"| {row.psnr[0]:.2f} -> {row.psnr[1]:.2f} | {row.better:.0%} | {row.not_worse:.0%} "
            f"| {row.worst:+.4f} | {row.general:.4f} | {chosen} |"
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
    general = Sharpener(router.variant)
    for folder in options.data:
        rows = {
            name: measure(router, general, recipe, folder)
            for name, recipe in DAMAGES[options.router].items()
        }
        content = {name: asdict(row) for name, row in rows.items()}
        path = options.out / f"{options.router}-{folder.name}.json"
        path.write_text(json.dumps(content, indent=1) + "\n")
        print(f"{folder.name}, {next(iter(rows.values())).images} photos\n")
        print(markdown(options.router, rows), flush=True)


if __name__ == "__main__":
    main()
