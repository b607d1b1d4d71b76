"""What the rows of a model make of its photos: scores and crops, and no frame is kept."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ovsharp.benchmarks.samples import PER_MODEL, Cut
from ovsharp.benchmarks.subjects import Subject
from ovsharp.engine import Frame
from ovsharp.measuring import STILL_PHOTOS, Baseline, Photo, Quality, flicker, score, still_scene


@dataclass(frozen=True)
class Judged:
    """Of one model."""

    qualities: dict[str, Quality]
    """By row."""
    cuts: tuple[Cut, ...]
    """Of its first photos."""


def judge(rows: Sequence[Subject], photos: Sequence[Photo], done: Callable[[str], None]) -> Judged:
    """Run all rows of a model on its photos and on still scenes of some, one after the other.

    Memory holds what one row made, and what FP32 made in f32, with which all are compared.

    Args:
        rows: of one model.
        photos: its own.
        done: called with a row's key before it runs.
    """
    baseline = Baseline.of(photos)
    scenes = [still_scene(photo) for photo in photos[:STILL_PHOTOS]]
    frames = [*photos, *itertools.chain.from_iterable(scenes)]
    cuts = tuple(Cut.of(photo) for photo in photos[:PER_MODEL])
    reference: Sequence[Frame] | None = None
    qualities = {}
    for row in sorted(rows, key=lambda one: not _is_reference(one)):
        done(row.key)
        made = row.sharpen(frames)
        outputs, still = made[: len(photos)], made[len(photos) :]
        if _is_reference(row):
            reference = outputs
        for cut, output in zip(cuts, outputs, strict=False):
            cut.add(row.key, output)
        own = flicker(scenes, still)
        qualities[row.key] = score(photos, outputs, baseline, reference, own)
    return Judged(qualities, cuts)


def _is_reference(row: Subject) -> bool:
    return (row.storage, row.execution) == ("fp32", "f32")
