"""What a model is calibrated on, and what it is measured on: never the same images."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ovsharp.degrade import Recipe
from ovsharp.errors import CalibrationError, MediaError, UsageError
from ovsharp.files import sha256
from ovsharp.media import (
    Frame,
    find_images,
    find_pairs,
    holds_pairs,
    is_video,
    read_frame,
    video_frames,
)
from ovsharp.progress import Progress, silent
from ovsharp.spec import ModelSpec

CALIBRATION_SIDE = 128
"""Frames for calibration are cropped to this many pixels a side..."""
CHOOSING_SIDE = 256
VALIDATION_SIDE = 384
"""... and for the choice and for validation so that this many come out. Smaller images are taken
as they are."""
SMALLEST_SIDE = 32
"""Smaller frames are skipped: they are all border, and SSIM needs 11 pixels."""
FEWEST_IMAGES = 4
HELD_APART = 4
"""One image in so many is held apart for the choice and for validation..."""
MOST_APART = 32
"""... but no more than this."""
VIDEO_FRAMES = 64

Files = tuple[tuple[str, str], ...]
"""(name, SHA-256) of a file, or of the two files of a pair."""


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


@dataclass(frozen=True)
class Skipped:
    """An image that could not be used."""

    name: str
    reason: str


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
        sources = _find(path)
        _check_recipe(recipe, spec, pairs=isinstance(sources[0], _Pair))
        if not is_video(path):
            order = np.random.default_rng(seed).permutation(len(sources))
            sources = [sources[index] for index in order]
        reader = _Reader(recipe, spec, seed, progress, total=len(sources))
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
            "skipped": {skipped.name: skipped.reason for skipped in self.skipped},
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
    sources = _find(path)
    order = np.random.default_rng(seed).permutation(len(sources))
    reader = _Reader(recipe, spec, seed, silent, total=len(sources))
    crops = reader.read([sources[index] for index in order], count, side=CHOOSING_SIDE)
    if not crops:
        raise _too_few(path, 0, reader.skipped)
    return crops


class _Source(Protocol):
    """Where a frame, and perhaps its ground truth, comes from."""

    @property
    def name(self) -> str:
        """What reports call it."""

    def files(self) -> Files:
        """Hash the files."""

    def pictures(self) -> tuple[Frame, Frame | None]:
        """Read the frame and, of a pair, the ground truth."""


@dataclass(frozen=True)
class _Image:
    root: Path
    path: Path

    @property
    def name(self) -> str:
        return self.path.relative_to(self.root).as_posix()

    def files(self) -> Files:
        return ((self.name, sha256(self.path)),)

    def pictures(self) -> tuple[Frame, Frame | None]:
        return read_frame(self.path), None


@dataclass(frozen=True)
class _Pair:
    damaged: _Image
    target: _Image

    @property
    def name(self) -> str:
        return self.damaged.name

    def files(self) -> Files:
        return self.damaged.files() + self.target.files()

    def pictures(self) -> tuple[Frame, Frame | None]:
        return read_frame(self.damaged.path), read_frame(self.target.path)


@dataclass(frozen=True, eq=False)
class _VideoFrame:
    name: str
    digest: str
    """SHA-256 of the whole video."""
    frame: Frame

    def files(self) -> Files:
        return ((self.name, self.digest),)

    def pictures(self) -> tuple[Frame, Frame | None]:
        return self.frame, None


def _find(path: Path) -> Sequence[_Source]:
    if is_video(path):
        digest = sha256(path)
        return [
            _VideoFrame(f"{path.name}#{index}", digest, frame)
            for index, frame in enumerate(video_frames(path, VIDEO_FRAMES))
        ]
    if not path.is_dir():
        path.stat()  # a missing one: say it in the system's words
        raise CalibrationError(
            f"{path} is neither a folder of images nor a video; give one of them with --calib"
        )
    try:
        if holds_pairs(path):
            pairs = find_pairs(path)
            return [_Pair(_Image(path, damaged), _Image(path, sharp)) for damaged, sharp in pairs]
        return [_Image(path, image) for image in find_images([path])]
    except MediaError as error:
        raise CalibrationError(f"nothing to calibrate on: {error}") from error


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
    reasons = "; ".join(f"{one.name}: {one.reason}" for one in skipped[:3])
    return CalibrationError(
        f"{path} holds {readable} usable images: expected {FEWEST_IMAGES} or more, "
        f"so that some can be held apart for the check"
        + (f" ({len(skipped)} were skipped, e.g. {reasons})" if skipped else "")
    )


class _Reader:
    """Reads images one after another and keeps count of those that it cannot use."""

    def __init__(
        self, recipe: Recipe | None, spec: ModelSpec, seed: int, progress: Progress, total: int
    ) -> None:
        self.recipe = recipe
        self.spec = spec
        self.seed = seed
        self.progress = progress
        self.total = total
        self.seen = 0
        self.skipped: list[Skipped] = []

    def read(
        self, sources: Sequence[_Source], crops: int, *, side: int, each: int | None = None
    ) -> list[Crop]:
        """Take `each` random crops of every image, or its centre, until there are `crops`.

        The side is that of random crops, and of the picture that comes out for a centre.
        """
        taken: list[Crop] = []
        for source in sources:
            if len(taken) >= crops:
                break
            self.seen += 1
            self.progress("reading images", self.seen, self.total)
            try:
                taken += self._crops(source, side, each)
            except (MediaError, OSError) as error:
                self.skipped.append(Skipped(source.name, str(error)))
        return taken[:crops]

    def _crops(self, source: _Source, side: int, each: int | None) -> list[Crop]:
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
