"""Crops of photos before and after, to look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from ovsharp.benchmarks.verdict import best_row
from ovsharp.engine import Frame
from ovsharp.measuring import Photo, Report, Row

SIDE = 144
"""Height and width of a crop in pixels of the output."""
PER_MODEL = 3
"""Photos of each model, of few."""
MOST = 18
"""Photos of all models, where there are many."""


@dataclass(frozen=True)
class Sample:
    """One crop of a photo: what went in, what came out of some rows, and the truth."""

    model: str
    photo: str
    pictures: tuple[tuple[str, Frame], ...]
    """Caption and uint8 BGR pixels, all of one size."""


def per_model(models: int) -> int:
    """Give how many photos of each model are shown, so that a page of many stays below 5 MB.

    Example:
        >>> per_model(1), per_model(9), per_model(30)
        (3, 2, 1)
    """
    return max(1, min(PER_MODEL, MOST // models))


def choose_samples(
    report: Report,
    photos: Mapping[str, Sequence[Photo]],
    outputs: Mapping[str, Sequence[Frame]],
) -> list[Sample]:
    """Cut the most detailed part out of the first photos of every model.

    Args:
        report: says which rows are worth showing: FP32 executed in f32 and the advised one.
        photos: by model.
        outputs: by row, in the order of its model's photos.
    """
    samples = []
    for model in report.models:
        rows = _shown_rows(report, model)
        for index, photo in enumerate(photos[model][: per_model(len(report.models))]):
            top, left = most_detailed(photo.truth, SIDE)
            pictures = [
                ("input", photo.shown),
                *((_caption(row), outputs[row.key][index]) for row in rows),
                ("truth", photo.truth),
            ]
            samples.append(
                Sample(
                    model,
                    photo.name,
                    tuple(
                        (caption, np.ascontiguousarray(image[top : top + SIDE, left : left + SIDE]))
                        for caption, image in pictures
                    ),
                )
            )
    return samples


def _shown_rows(report: Report, model: str) -> list[Row]:
    best = next(
        (row for size in reversed(report.sizes) if (row := best_row(report, model, size))), None
    )
    rows = [row for row in (report.reference(model), best) if row is not None]
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
