"""Photos with a known truth: what quality is measured on, and what frames are made of."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from ovsharp.degrade import Recipe, parse
from ovsharp.engine import Frame, upscale
from ovsharp.errors import MediaError, UsageError
from ovsharp.measuring.results import PhotoSet
from ovsharp.media import find_images, find_pairs, holds_pairs, read_frame
from ovsharp.spec import ModelSpec
from ovsharp.spread import spread

MAX_PHOTOS = 16
"""Photos of a folder that are used unless told otherwise, evenly spread over its sorted names."""
MAX_SIDE = 768
"""Larger photos are cropped around their centre to this many pixels of the truth, or to the size
of a model that takes one size only."""
MIN_SIDE = 16
"""Smaller truths are left out."""
BUILT_IN = ("astronaut", "coffee", "chelsea", "rocket")
"""Photos inside scikit-image's wheel; they need no download."""


@dataclass(frozen=True)
class Photo:
    """A damaged frame and what it should look like."""

    name: str
    frame: Frame
    """uint8 H x W x 3 BGR: what the model gets."""
    shown: Frame
    """The frame at the size of the truth: itself, or its bicubic upscale."""
    truth: Frame


@dataclass(frozen=True)
class Album:
    """Photos before any model is chosen: sharp ones, or pairs."""

    source: str
    items: tuple[tuple[str, Frame | None, Frame], ...]
    """Name, damaged frame if it came as a pair, truth."""
    skipped: tuple[str, ...]

    @property
    def paired(self) -> bool:
        """Whether the damaged frames came with the truths."""
        return any(frame is not None for _, frame, _ in self.items)


def open_album(folder: Path | None, *, limit: int = MAX_PHOTOS) -> Album:
    """Read photos from a folder, or those that scikit-image brings.

    Args:
        folder: sharp images in it or below it, or its subfolders `input` and `target` with images
            of equal names before the ending; None for the built-in photos.
        limit: largest number of photos.

    Raises:
        MediaError: no readable image.
    """
    if folder is None:
        return Album("scikit-image", tuple(_built_in(limit)), ())
    if not folder.is_dir():
        raise MediaError(f"--data expects a folder of images, and {folder} is none")
    files: Sequence[tuple[Path | None, Path]]
    if holds_pairs(folder):
        files = find_pairs(folder)
    else:
        files = [(None, path) for path in find_images([folder])]
    items, skipped = [], []
    for damaged, path in spread(files, limit):
        try:
            truth = read_frame(path)
            frame = read_frame(damaged) if damaged else None
        except (MediaError, OSError):
            skipped.append(path.name)
            continue
        items.append((path.name, frame, truth))
    if not items:
        raise MediaError(f"none of the images in {folder} can be read")
    return Album(str(folder), tuple(items), tuple(skipped))


def _built_in(limit: int) -> Iterator[tuple[str, None, Frame]]:
    from skimage import data

    for name in BUILT_IN[:limit]:
        yield name, None, np.ascontiguousarray(getattr(data, name)()[..., ::-1])


def choose_recipe(spec: ModelSpec, text: str | None) -> tuple[Recipe, str]:
    """Choose what damages the sharp photos for a model, and say who chose it.

    Args:
        spec: of the model; its own degradation comes first unless `text` is given.
        text: a recipe, or None.

    Raises:
        UsageError: a malformed recipe, or one that shrinks by another factor than the model
            enlarges by.
    """
    if text is not None:
        recipe, why = parse(text), "--degrade"
    elif spec.degradation and not (sent := _sent(spec.degradation)):
        recipe, why = parse(spec.degradation), "what the model was trained to undo"
    else:
        recipe = parse("gla" if spec.scale == 1 else f"down(scale={spec.scale}, method=area)")
        why = "ovsharp's choice: the model does not say what it was trained to undo"
        if spec.degradation:
            why = f"ovsharp's choice: what the model undoes has {sent}, which needs the extra video"
    if recipe.scale != spec.scale:
        raise UsageError(
            f"the degradation '{recipe.name}' shrinks frames by {recipe.scale}, but {spec.name} "
            f"enlarges them by {spec.scale}; leave --degrade out or measure such models apart"
        )
    return recipe, why


def _sent(degradation: str) -> str:
    """Name the video codec in a recipe, where there is none here; empty if nothing is missing."""
    codec = re.search(r"\b(h264|x264|vp8|vp9|av1)\(", parse(degradation).text)
    return codec[1] if codec is not None and find_spec("av") is None else ""


def check_photos(spec: ModelSpec, album: Album, degrade: str | None) -> tuple[Recipe | None, str]:
    """Choose what damages an album for a model; None where it came damaged.

    Returns:
        It, and who chose it.

    Raises:
        UsageError: as `choose_recipe`, or a recipe for photos that came damaged.
    """
    if album.paired and degrade is not None:
        raise UsageError("--degrade makes no sense with pairs: their input is damaged already")
    return (None, "--data") if album.paired else choose_recipe(spec, degrade)


def photos_for(spec: ModelSpec, album: Album, degrade: str | None) -> tuple[list[Photo], PhotoSet]:
    """Make a model's photos from an album.

    The seed of a photo's damage depends on the name of its file alone.

    Raises:
        UsageError: as `check_photos`.
        MediaError: no photo fits the model.
    """
    recipe, why = check_photos(spec, album, degrade)
    photos, skipped = [], list(album.skipped)
    for name, damaged, sharp in album.items:
        if min(sharp.shape[:2]) < MIN_SIDE * spec.scale:
            skipped.append(name)
            continue
        if recipe is None and damaged is not None:
            frame, truth = _crop_pair(damaged, sharp, spec)
        elif recipe is not None:
            truth = _centre(sharp, *_largest(spec))
            frame = recipe(truth, seed=zlib.crc32(name.encode()))
            truth = truth[: frame.shape[0] * spec.scale, : frame.shape[1] * spec.scale]
        shown = frame if spec.scale == 1 else upscale(frame, spec.scale)
        if shown.shape != truth.shape:
            skipped.append(name)
            continue
        photos.append(Photo(name, frame, shown, np.ascontiguousarray(truth)))
    if not photos:
        raise MediaError(
            f"no photo of {album.source} fits {spec.name}: expected sides of "
            f"{MIN_SIDE * spec.scale} or more"
            + (f", targets {spec.scale} times as large as inputs" if album.paired else "")
        )
    return photos, PhotoSet(
        model=spec.name,
        source=album.source,
        recipe=(recipe.text or recipe.name) if recipe else "pairs",
        why=why,
        names=tuple(photo.name for photo in photos),
        skipped=tuple(skipped),
    )


def _largest(spec: ModelSpec) -> tuple[int, int]:
    """Height and width that truths are cropped to."""
    if spec.size is None:
        return MAX_SIDE, MAX_SIDE
    return spec.size[0] * spec.scale, spec.size[1] * spec.scale


def _centre(image: Frame, height: int, width: int) -> Frame:
    top, left = max(0, (image.shape[0] - height) // 2), max(0, (image.shape[1] - width) // 2)
    return np.ascontiguousarray(image[top : top + height, left : left + width])


def _crop_pair(frame: Frame, truth: Frame, spec: ModelSpec) -> tuple[Frame, Frame]:
    scale = spec.scale
    if truth.shape[:2] != (frame.shape[0] * scale, frame.shape[1] * scale):
        return frame, truth
    height, width = (side // scale for side in _largest(spec))
    small = _centre(frame, height, width)
    # The same part of the truth, to the pixel.
    height, width = small.shape[:2]
    top, left = (frame.shape[0] - height) // 2 * scale, (frame.shape[1] - width) // 2 * scale
    large = truth[top : top + height * scale, left : left + width * scale]
    return small, np.ascontiguousarray(large)


def frames_of_size(album: Album, height: int, width: int, count: int = 4) -> list[Frame]:
    """Make different frames of one size by laying photos side by side."""
    frames = []
    for index in range(count):
        photo = album.items[index % len(album.items)][2]
        tiles = (-(-height // photo.shape[0]), -(-width // photo.shape[1]), 1)
        frame = np.roll(np.tile(photo, tiles)[:height, :width], index, axis=1)
        frames.append(np.ascontiguousarray(frame))
    return frames
