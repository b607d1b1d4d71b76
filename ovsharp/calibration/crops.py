"""`Crop`: a part of an image, as a model gets it; and who cuts them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ovsharp.calibration.sources import Files, Source
from ovsharp.degrade import Recipe
from ovsharp.errors import MediaError
from ovsharp.media import Frame
from ovsharp.records import Skipped
from ovsharp.spec import ModelSpec

SMALLEST_SIDE = 32
"""Smaller frames are skipped: they are all border, and SSIM needs 11 pixels."""


@dataclass(frozen=True, eq=False)
class Crop:
    """A part of an image, as the model gets it and as it should come out."""

    files: Files
    top: int
    left: int
    seed: int
    """What the degradation was drawn with."""
    frame: Frame
    """uint8, H x W x 3, BGR."""
    truth: Frame | None
    """uint8, H * scale x W * scale x 3, BGR; None if only the damaged frame is known."""

    def entry(self) -> dict[str, Any]:
        """Give what the manifest says about it."""
        height, width = self.frame.shape[:2]
        return {
            "files": dict(self.files),
            "top": self.top,
            "left": self.left,
            "height": height,
            "width": width,
            "seed": self.seed,
        }


class CropReader:
    """Reads images one after another and keeps count of those that it cannot use.

    Args:
        recipe: what damages them; None where they come damaged.
        spec: of the model that they are for.
        seed: of all that is drawn.
        told: is told how many were read.
    """

    def __init__(
        self, recipe: Recipe | None, spec: ModelSpec, seed: int, told: Callable[[int], None]
    ) -> None:
        self.recipe = recipe
        self.spec = spec
        self.seed = seed
        self.told = told
        self.seen = 0
        self.skipped: list[Skipped] = []

    def read(
        self, sources: Sequence[Source], crops: int, *, side: int, each: int | None = None
    ) -> list[Crop]:
        """Take `each` random crops of every image, or its centre, until there are `crops`.

        The side is that of random crops, and of the picture that comes out for a centre.
        """
        taken: list[Crop] = []
        for source in sources:
            if len(taken) >= crops:
                break
            self.seen += 1
            self.told(self.seen)
            try:
                taken += self._crops(source, side, each)
            except (MediaError, OSError) as error:
                self.skipped.append(Skipped(source.name, str(error)))
        return taken[:crops]

    def _crops(self, source: Source, side: int, each: int | None) -> list[Crop]:
        files = source.files()
        # From what it is, not from its place in the list: one more file changes no other.
        identity = hashlib.sha256(f"{self.seed} {source.name} {files}".encode()).hexdigest()
        seed = int(identity[:12], 16)
        frame, truth = source.pictures()
        if self.recipe is not None and self.recipe.text:
            frame, truth = self.recipe(frame, seed=seed), frame
        scale = self.spec.scale
        if truth is not None:
            _check_scale(frame, truth, scale)
        if each is None:
            boxes = [_centre(frame, *self._size(frame, side // scale))]
        else:
            rng = np.random.default_rng(seed)
            size = self._size(frame, side)
            boxes = sorted({_somewhere(frame, *size, rng) for _ in range(each)})
        return [
            Crop(
                files,
                *box[:2],
                seed,
                frame=_cut(frame, box, 1),
                truth=None if truth is None else _cut(truth, box, scale),
            )
            for box in boxes
        ]

    def _size(self, frame: Frame, side: int) -> tuple[int, int]:
        """Height and width of the crops of a frame."""
        spec = self.spec
        height, width = spec.size or (
            min(side, length) // spec.multiple * spec.multiple for length in frame.shape[:2]
        )
        fits = height <= frame.shape[0] and width <= frame.shape[1]
        if not fits or min(height, width) < max(SMALLEST_SIDE // spec.scale, spec.minimum, 1):
            raise MediaError(f"a frame of {frame.shape[1]}x{frame.shape[0]} is too small")
        return height, width


_Box = tuple[int, int, int, int]
"""Top, left, height, width in a frame."""


def _centre(frame: Frame, height: int, width: int) -> _Box:
    return (frame.shape[0] - height) // 2, (frame.shape[1] - width) // 2, height, width


def _somewhere(frame: Frame, height: int, width: int, rng: np.random.Generator) -> _Box:
    top = int(rng.integers(frame.shape[0] - height + 1))
    left = int(rng.integers(frame.shape[1] - width + 1))
    return top, left, height, width


def _cut(image: Frame, box: _Box, scale: int) -> Frame:
    top, left, height, width = (scale * side for side in box)
    return np.ascontiguousarray(image[top : top + height, left : left + width])


def _check_scale(frame: Frame, truth: Frame, scale: int) -> None:
    if tuple(side // scale for side in truth.shape[:2]) != frame.shape[:2]:
        raise MediaError(
            f"its target has {truth.shape[1]}x{truth.shape[0]} pixels, expected {scale} times "
            f"{frame.shape[1]}x{frame.shape[0]}"
        )
