"""Crops of photos before and after, to look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from ovsharp.benchmarks.verdict import best_row
from ovsharp.engine import Frame
from ovsharp.measuring import Photo, Report, Row

SIDE = 144
"""Height and width of a crop in pixels of the output."""
SMALL = 96
"""The same, of what is shown of many models."""
PER_MODEL = 3
"""Photos of each model, of few."""
MOST = 18
"""Photos of all models, where there are many. Of more models one row each is shown, and smaller."""


@dataclass(frozen=True)
class Sample:
    """One crop of a photo: what went in, what came out of some rows, and the truth."""

    model: str
    photo: str
    pictures: tuple[tuple[str, Frame], ...]
    """Caption and uint8 BGR pixels, all of one size."""


@dataclass(frozen=True)
class Cut:
    """The most detailed part of a photo, and what rows made of it."""

    photo: str
    top: int
    left: int
    shown: Frame
    truth: Frame
    made: dict[str, Frame] = field(default_factory=dict)
    """By row."""

    @classmethod
    def of(cls, photo: Photo) -> Cut:
        """Find the part of a photo."""
        top, left = most_detailed(photo.truth, SIDE)
        shown, truth = _part(photo.shown, top, left), _part(photo.truth, top, left)
        return cls(photo.name, top, left, shown, truth)

    def add(self, row: str, output: Frame) -> None:
        """Cut the part out of what a row made of the photo."""
        self.made[row] = _part(output, self.top, self.left)


def per_model(models: int) -> int:
    """Give how many photos of each model are shown, so that a page of many stays below 5 MB.

    Example:
        >>> per_model(1), per_model(9), per_model(30)
        (3, 2, 1)
    """
    return max(1, min(PER_MODEL, MOST // models))


def choose_samples(report: Report, cuts: Mapping[str, Sequence[Cut]]) -> list[Sample]:
    """Choose what is shown of the first photos of every model.

    Args:
        report: says which rows are worth showing: FP32 executed in f32 and the advised one.
        cuts: of photos, by model.
    """
    side = SIDE if len(report.models) <= MOST else SMALL
    samples = []
    for model in report.models:
        for cut in cuts[model][: per_model(len(report.models))]:
            pictures = [
                ("input", cut.shown),
                *((_caption(row), cut.made[row.key]) for row in _shown_rows(report, model)),
                ("truth", cut.truth),
            ]
            small = tuple((caption, _middle(image, side)) for caption, image in pictures)
            samples.append(Sample(model, cut.photo, small))
    return samples


def _middle(image: Frame, side: int) -> Frame:
    top, left = (max(0, length - side) // 2 for length in image.shape[:2])
    return np.ascontiguousarray(image[top : top + side, left : left + side])


def _part(image: Frame, top: int, left: int) -> Frame:
    """Copy a part: a view would keep the whole."""
    return image[top : top + SIDE, left : left + SIDE].copy()


def _shown_rows(report: Report, model: str) -> list[Row]:
    best = next(
        (row for size in reversed(report.sizes) if (row := best_row(report, model, size))), None
    )
    rows = [row for row in (report.reference(model), best) if row is not None]
    if len(report.models) > MOST:
        rows = rows[-1:]
    rows = rows or [row for row in report.rows if row.model == model][:1]
    return list({row.key: row for row in rows}.values())


def _caption(row: Row) -> str:
    return f"{row.storage.upper()}, {row.execution}"


def most_detailed(image: Frame, side: int) -> tuple[int, int]:
    """Find top and left of the square with the strongest edges, by mean gradient magnitude."""
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY).astype(np.float32)
    edges = cv2.magnitude(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1))
    height, width = (min(side, length) for length in grey.shape)
    sums = cv2.integral(edges)
    window = sums[height:, width:] - sums[:-height, width:] - sums[height:, :-width]
    window = window + sums[:-height, :-width]
    top, left = np.unravel_index(int(window.argmax()), window.shape)
    return int(top), int(left)
