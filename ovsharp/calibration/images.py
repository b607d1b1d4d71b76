"""What a model is calibrated on, and what it is measured on: never the same images."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ovsharp.calibration.crops import Crop, CropReader
from ovsharp.calibration.sources import find_sources
from ovsharp.degrade import Recipe
from ovsharp.errors import CalibrationError, UsageError
from ovsharp.media import is_video
from ovsharp.progress import Progress, silent
from ovsharp.records import Skipped
from ovsharp.spec import ModelSpec

CALIBRATION_SIDE = 96
"""Frames for calibration are cropped to this many pixels a side..."""
CHOOSING_SIDE = 192
VALIDATION_SIDE = 256
"""... and for the choice and for validation so that this many come out. Smaller images are taken
as they are."""
TRIED_SIDE = 128
"""Likewise for `sample`."""
FEWEST_IMAGES = 4
HELD_APART = 4
"""One image in so many is held apart for the choice and for validation..."""
MOST_APART = 32
"""... but no more than this."""


@dataclass(frozen=True)
class ImageSet:
    """Crops of three different lots of images. Make one with `from_path`."""

    calibration: tuple[Crop, ...]
    """What ranges and weights are fitted to."""
    choosing: tuple[Crop, ...]
    """What decides which layers stay in floating point."""
    validation: tuple[Crop, ...]
    """What the result is measured on."""
    skipped: tuple[Skipped, ...]
    recipe: Recipe | None
    """What damaged them; None if they came as pairs."""
    seed: int

    @classmethod
    def from_path(
        cls,
        path: Path,
        recipe: Recipe | None,
        spec: ModelSpec,
        *,
        subset: int,
        seed: int,
        progress: Progress = silent,
    ) -> ImageSet:
        """Sample a folder of images, a folder of pairs, or a video.

        A fourth of the images is held apart (of a video: the last fourth), at most `MOST_APART`:
        one half for the choice of layers, the other for validation. An image is damaged as a
        whole and then cropped, so that a crop has no border that a frame lacks. The same files
        with the same seed give the same crops.

        Args:
            path: a folder with subfolders `input` and `target` holds pairs with equal names
                before the ending; any other folder holds images, also below it.
            recipe: damages the images on the way, which are the ground truth then. The recipe
                `clean` says that they are damaged already, and there is no ground truth. None for
                pairs.
            spec: of the model that is calibrated.
            subset: crops for calibration; several per image where there are fewer images.
            seed: of the sample and of the damages.
            progress: told of every image.

        Raises:
            CalibrationError: no readable image, or too few to hold some apart.
            UsageError: a recipe that does not fit the model, or one given for pairs.
            MediaError: a damaged video.
            OSError: there is no such file or folder.
        """
        sources = find_sources(path)
        _check_recipe(recipe, spec, pairs=sources[0].paired)
        if not is_video(path):
            order = np.random.default_rng(seed).permutation(len(sources))
            sources = [sources[index] for index in order]
        total = len(sources)
        reader = CropReader(
            recipe, spec, seed, told=lambda seen: progress("reading images", seen, total)
        )
        if len(sources) < FEWEST_IMAGES:
            raise _too_few(path, len(sources), reader.skipped)
        apart = min(max(len(sources) // HELD_APART, 2), MOST_APART)
        validation = reader.read(sources[::-1], (apart + 1) // 2, side=VALIDATION_SIDE)
        choosing = reader.read(sources[::-1][reader.seen :], apart // 2, side=CHOOSING_SIDE)
        rest = sources[: len(sources) - reader.seen]
        each = math.ceil(subset / max(len(rest), 1))
        calibration = reader.read(rest, subset, side=CALIBRATION_SIDE, each=each)
        if not (validation and choosing and calibration):
            readable = len(validation) + len(choosing) + len(calibration)
            raise _too_few(path, readable, reader.skipped)
        return cls(
            calibration=tuple(calibration),
            choosing=tuple(choosing),
            validation=tuple(validation),
            skipped=tuple(reader.skipped),
            recipe=recipe,
            seed=seed,
        )

    @property
    def calibration_images(self) -> int:
        """How many images the calibration crops come from."""
        return len({crop.files for crop in self.calibration})

    @property
    def has_truth(self) -> bool:
        """Whether the ground truth of the validation images is known."""
        return self.validation[0].truth is not None

    def manifest(self) -> str:
        """Give the list of all that was used, as JSON: files, hashes, crops and seeds."""
        content = {
            "schema": 1,
            "seed": self.seed,
            "degradation": "" if self.recipe is None else self.recipe.text,
            "calibration": [crop.entry() for crop in self.calibration],
            "choosing": [crop.entry() for crop in self.choosing],
            "validation": [crop.entry() for crop in self.validation],
            "skipped": {skipped.image: skipped.reason for skipped in self.skipped},
        }
        return json.dumps(content, indent=1) + "\n"

    def manifest_sha256(self) -> str:
        """Hexadecimal SHA-256 of `manifest` in UTF-8."""
        return hashlib.sha256(self.manifest().encode()).hexdigest()


def sample(path: Path, recipe: Recipe, spec: ModelSpec, *, count: int, seed: int = 0) -> list[Crop]:
    """Take the centres of some images, damaged; none of those that `from_path` holds apart.

    Args:
        path: a folder of sharp images, or a video; see `ImageSet.from_path`.
        recipe: damages them.
        spec: of the model that is to undo it.
        count: how many at most.
        seed: of the choice of images and of the damages.

    Raises:
        CalibrationError: no readable image.
        OSError: there is no such file or folder.
    """
    sources = find_sources(path)
    order = np.random.default_rng(seed).permutation(len(sources))
    reader = CropReader(recipe, spec, seed, told=silent)
    crops = reader.read([sources[index] for index in order], count, side=TRIED_SIDE)
    if not crops:
        raise _too_few(path, 0, reader.skipped)
    return crops


def _check_recipe(recipe: Recipe | None, spec: ModelSpec, *, pairs: bool) -> None:
    if pairs:
        if recipe is not None:
            raise UsageError(
                f"the images come as pairs, damaged already; leave --degrade {recipe.name} out"
            )
        return
    if recipe is None:
        raise UsageError(
            "the model does not say what it was trained to undo; name it with --degrade, "
            "or use --degrade clean if the images are damaged already"
        )
    if recipe.text and recipe.scale != spec.scale:
        raise UsageError(
            f"the degradation {recipe.name} shrinks by {recipe.scale} and {spec.name} enlarges "
            f"by {spec.scale}; choose one that shrinks by {spec.scale}"
        )


def _too_few(path: Path, readable: int, skipped: Sequence[Skipped]) -> CalibrationError:
    reasons = "; ".join(f"{one.image}: {one.reason}" for one in skipped[:3])
    return CalibrationError(
        f"{path} holds {readable} usable images: expected {FEWEST_IMAGES} or more, "
        f"so that some can be held apart for the check"
        + (f" ({len(skipped)} were skipped, e.g. {reasons})" if skipped else "")
    )
