"""Draws docs/panels and docs/call.jpg: what a call does to pictures, and what the routers undo.

    python scripts/panels.py

The photo is scikit-image's, the slide and the screen are drawn here.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import skimage.data

from ovsharp import Sharpener
from ovsharp.degrade import parse
from ovsharp.engine import upscale
from ovsharp.media import Frame
from ovsharp.quality import psnr, ssim

DOCS = Path(__file__).parent.parent / "docs" / "panels"
DAMAGES = ("h264(crf=28, scale=2)", "jpeg(quality=15)")
QUARTER = ("x4", "x4 + h264(crf=26)", "x4 + jpeg(quality=20)")
"""Damages that leave a picture of a quarter of the size."""
OVERVIEW = (
    ("astronaut", (16, 112), "h264(crf=26, scale=2)"),
    ("chelsea", (40, 100), "noise(sigma=10)"),
    ("coffee", (90, 180), "jpeg(quality=12)"),
)
CRISP = 0.7
"""Amount of the unsharp mask of the second look."""
SIDE, ZOOM, BAR = 224, 2, 28
CODE = (
    "def sharpen(frame):",
    "    cells = unshuffle(frame, 2)",
    "    for layer in body:",
    "        cells = relu(layer(cells))",
    "    return frame + shuffle(cells)",
    "",
    "assert ssim(out, truth) > 0.90",
)


def face() -> tuple[Frame, tuple[int, int]]:
    """Give a photo and the corner of what is shown of it."""
    return np.ascontiguousarray(skimage.data.astronaut()[:, :, ::-1]), (16, 112)


def slide() -> tuple[Frame, tuple[int, int]]:
    """Draw a slide with a title, a chart and a line of small print."""
    picture = np.full((512, 512, 3), 250, np.uint8)
    cv2.rectangle(picture, (0, 0), (512, 84), (120, 60, 20), -1)
    font, plain = cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_SIMPLEX
    cv2.putText(picture, "Quarter results", (24, 54), font, 1.2, (255, 255, 255), 2, cv2.LINE_AA)
    for index, height in enumerate((60, 110, 90, 150, 190)):
        left = 40 + 60 * index
        colour = ((200, 130, 30), (60, 160, 60))[index % 2]
        cv2.rectangle(picture, (left, 320 - height), (left + 40, 320), colour, -1)
        label = f"Q{index + 1}"
        cv2.putText(picture, label, (left + 6, 344), plain, 0.55, (40, 40, 40), 1, cv2.LINE_AA)
    small = "Figures in thousands; before tax, audited."
    cv2.putText(picture, small, (40, 384), plain, 0.45, (90, 90, 90), 1, cv2.LINE_AA)
    return picture, (200, 24)


def screen() -> tuple[Frame, tuple[int, int]]:
    """Draw an editor with code on a dark ground."""
    picture = np.full((512, 512, 3), 32, np.uint8)
    for index, line in enumerate(CODE * 2):
        place = (20, 40 + 32 * index)
        colour = ((120, 220, 160), (220, 200, 120), (210, 210, 210))[index % 3]
        cv2.putText(picture, line, place, cv2.FONT_HERSHEY_SIMPLEX, 0.6, colour, 1, cv2.LINE_AA)
    return picture, (8, 8)


def panel(
    truth: Frame, corner: tuple[int, int], recipe: str, sharpeners: Sequence[Sharpener]
) -> Frame:
    """Put damaged, sharpened and true crops side by side, with their figures.

    An untouched picture stands there twice.
    """
    damaged = parse(recipe)(truth, seed=1)
    scale = sharpeners[0].spec.scale
    pictures = [("received" if scale == 1 else "bicubic", upscale(damaged, scale))]
    for sharpener in sharpeners:
        sharp = sharpener(damaged)
        crisp = f", unsharp {sharpener.unsharp:g}" if sharpener.unsharp else ""
        pictures.append((f"{sharpener.variant}{crisp}", sharp))
    return np.hstack(
        [
            *(tile(picture, corner, captioned(name, picture, truth)) for name, picture in pictures),
            tile(truth, corner, "truth"),
        ]
    )


def captioned(name: str, picture: Frame, truth: Frame) -> str:
    """Give the line above a picture."""
    return f"{name}  {ssim(picture, truth):.4f} / {psnr(picture, truth):.2f} dB"


def tile(picture: Frame, corner: tuple[int, int], caption: str) -> Frame:
    """Enlarge a crop, and write a line above it."""
    top, left = corner
    crop = picture[top : top + SIDE, left : left + SIDE]
    large = cv2.resize(crop, None, fx=ZOOM, fy=ZOOM, interpolation=cv2.INTER_NEAREST)
    bar = np.full((BAR, large.shape[1], 3), 20, np.uint8)
    font = cv2.FONT_HERSHEY_SIMPLEX
    cv2.putText(bar, caption, (8, 19), font, 0.5, (255, 255, 255), 1, cv2.LINE_AA)
    return np.vstack((bar, large))


def overview(sharpener: Sharpener) -> Frame:
    """Draw the picture at the top of the README: three photos, three damages."""
    rows = []
    for name, corner, recipe in OVERVIEW:
        truth = np.ascontiguousarray(getattr(skimage.data, name)()[:, :, ::-1])
        truth = np.ascontiguousarray(truth[: truth.shape[0] // 8 * 8, : truth.shape[1] // 8 * 8])
        rows.append(panel(truth, corner, recipe, [sharpener]))
    return np.vstack(rows)


def main() -> None:
    """Draw all panels."""
    DOCS.mkdir(parents=True, exist_ok=True)
    with Sharpener() as call, Sharpener(unsharp=CRISP) as crisp, Sharpener("x4") as x4:
        pictures = {DOCS.parent / "call.jpg": overview(call)}
        for subject in (face, slide, screen):
            truth, corner = subject()
            for file, recipes, sharpeners in (
                (f"{subject.__name__}.jpg", DAMAGES, (call, crisp)),
                (f"{subject.__name__}-x4.jpg", QUARTER, (x4,)),
            ):
                rows = [panel(truth, corner, recipe, sharpeners) for recipe in recipes]
                pictures[DOCS / file] = np.vstack(rows)
    for path, picture in pictures.items():
        cv2.imwrite(str(path), picture, [cv2.IMWRITE_JPEG_QUALITY, 90])


if __name__ == "__main__":
    main()
