"""What is evaluated: sharp images with their category, or pairs."""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ovsharp.degrade import Recipe
from ovsharp.engine import Frame
from ovsharp.errors import MediaError, UsageError
from ovsharp.files import sha256
from ovsharp.media import category_of, find_images, read_frame
from ovsharp.spread import spread

MIN_SIDE = 16
"""Smallest side of a damaged frame and of a truth."""


@dataclass(frozen=True)
class Case:
    """One image."""

    name: str
    """Its path below the folder."""
    category: str
    truth: Path
    damaged: Path | None = None
    """None where a recipe damages it."""

    @property
    def seed(self) -> int:
        """Of the degradation: it depends on the name alone, not on the other images."""
        return zlib.crc32(self.name.encode())

    def digest(self) -> str:
        """Digest of the bytes of its files."""
        return hashlib.sha256(
            "".join(sha256(path) for path in (self.truth, self.damaged) if path).encode()
        ).hexdigest()

    def load(self, recipe: Recipe | None, crop: int) -> tuple[Frame, Frame]:
        """Read, crop and damage.

        Args:
            recipe: what damages the truth; None for a pair.
            crop: largest side of the truth, cut around its centre; 0 keeps it whole. Pairs
                are kept whole.

        Returns:
            The damaged frame, and the truth: as large, or a whole number of times larger.

        Raises:
            MediaError: unreadable, too small, or a pair whose sizes do not fit.
            OSError: a file cannot be read.
        """
        truth = read_frame(self.truth)
        if recipe is None:
            if self.damaged is None:
                raise UsageError(f"{self.name} has no damaged image and no recipe to make one")
            frame = read_frame(self.damaged)
            scale = max(1, truth.shape[0] // frame.shape[0])
        else:
            truth, scale = _centre(truth, crop), recipe.scale
            if min(truth.shape[:2]) < MIN_SIDE * scale:
                raise MediaError(f"{self.name} is too small: expected {MIN_SIDE * scale} or more")
            frame = recipe(truth, seed=self.seed)
            # A recipe that shrinks cuts what its scale does not divide.
            truth = truth[: frame.shape[0] * scale, : frame.shape[1] * scale]
        if truth.shape[:2] != (frame.shape[0] * scale, frame.shape[1] * scale):
            raise MediaError(
                f"{self.name}: {frame.shape[1]}x{frame.shape[0]} and "
                f"{truth.shape[1]}x{truth.shape[0]} are no pair: expected equal sizes, or a truth "
                f"that is a whole number of times larger"
            )
        if min(frame.shape[:2]) < MIN_SIDE:
            raise MediaError(f"{self.name} is too small: expected sides of {MIN_SIDE} or more")
        return frame, np.ascontiguousarray(truth)


def find_cases(data: Path, limit: int | None = None) -> list[Case]:
    """List the images of a folder.

    Args:
        data: sharp images in it or below it.
        limit: take this many, evenly spread over the sorted names.

    Raises:
        MediaError: no such folder, or no image in it.
    """
    if not data.is_dir():
        raise MediaError(f"expected a folder of images, and {data} is none")
    files = find_images([data])
    cases = [Case(str(name := path.relative_to(data)), category_of(name), path) for path in files]
    return spread(cases, limit)


def find_paired_cases(damaged: Path, truth: Path, limit: int | None = None) -> list[Case]:
    """List the images that two folders have by the same name before the ending.

    Raises:
        MediaError: no such folder, no image in one, or no common name.
    """
    inputs = {Path(case.name).with_suffix(""): case.truth for case in find_cases(damaged)}
    cases = [
        Case(case.name, case.category, case.truth, inputs[name])
        for case in find_cases(truth)
        if (name := Path(case.name).with_suffix("")) in inputs
    ]
    if not cases:
        raise MediaError(
            f"no image in {damaged} has one in {truth} of the same name before its ending; name "
            f"the two of each pair alike"
        )
    return spread(cases, limit)


def _centre(image: Frame, crop: int) -> Frame:
    if not crop:
        return image
    top, left = (max(0, (side - crop) // 2) for side in image.shape[:2])
    return np.ascontiguousarray(image[top : top + crop, left : left + crop])
