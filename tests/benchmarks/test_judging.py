"""Rows are judged one after the other: what they made is not kept."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import pytest

from ovsharp.benchmarks.judging import judge
from ovsharp.benchmarks.page import to_html
from ovsharp.benchmarks.samples import SIDE, Cut, choose_samples
from ovsharp.engine import Frame
from ovsharp.measuring import STILL_PHOTOS, Photo
from tests.benchmarks.reports import report, row
from tests.photos import crop

FRAMES = 3
"""Of a still scene."""
HEIGHT, WIDTH = 200, 240
KINDS = {("fp32", "f32"): 30.0, ("int8", "int8+f32"): 9.0}
"""Rows, and milliseconds a frame."""


class Counted:
    """A row that knows how many of all rows' frames are still there."""

    alive: ClassVar[list[weakref.ref[Frame]]] = []

    def __init__(self, storage: str, execution: str, levels: int) -> None:
        self.storage, self.execution, self.levels = storage, execution, levels
        self.key = f"demo {storage} {execution}"
        self.seen = -1

    def sharpen(self, photos: Sequence[Photo]) -> list[Frame]:
        self.seen = self.left()
        made = [photo.frame + np.uint8(self.levels) for photo in photos]
        self.alive.extend(map(weakref.ref, made))
        return made

    @classmethod
    def left(cls) -> int:
        """Count the frames that are still there."""
        return sum(one() is not None for one in cls.alive)


def photo(name: str) -> Photo:
    frame = crop(0, 0, HEIGHT, WIDTH, name=name)
    return Photo(name, frame, frame, frame)


@pytest.fixture
def photos() -> list[Photo]:
    return [photo(name) for name in ("astronaut", "coffee", "chelsea")]


def test_no_more_than_one_row_and_the_reference_are_in_memory(photos: list[Photo]) -> None:
    rows = [Counted(*one) for one in (("fp32", "eager f32", 1), ("int8", "f32", 2))]
    rows += [Counted("fp32", "f32", 0), Counted("fp16", "bf16", 3)]
    told: list[str] = []
    judged = judge(rows, photos, told.append)  # type: ignore[arg-type]
    assert told[0] == "demo fp32 f32"  # what all are compared with
    each = len(photos) + min(STILL_PHOTOS, len(photos)) * FRAMES
    assert max(one.seen for one in rows) <= 2 * each
    assert Counted.left() == 0
    assert [judged.qualities[one.key].reference_psnr for one in rows][2] == 100.0
    assert all(judged.qualities[one.key].reference_psnr < 100.0 for one in (rows[0], rows[3]))


def test_cuts_are_small_copies_of_what_was_made(photos: list[Photo]) -> None:
    judged = judge([Counted("int8", "f32", 2)], photos, str)  # type: ignore[list-item]
    for cut, own in zip(judged.cuts, photos, strict=True):
        assert cut.truth.shape == (SIDE, SIDE, 3)
        made = cut.made["demo int8 f32"]
        assert made.base is None
        at = np.s_[cut.top : cut.top + SIDE, cut.left : cut.left + SIDE]
        np.testing.assert_array_equal(made, (own.frame + np.uint8(2))[at])


@pytest.mark.parametrize(("models", "inputs"), [(18, 18), (60, 30)])
def test_a_page_of_many_models_stays_below_5_mb(models: int, inputs: int) -> None:
    """Models get inputs of their own, or those of others."""
    names = [f"model {place}" for place in range(models)]
    rows = [row(*kind, model=one, ms=ms) for one in names for kind, ms in KINDS.items()]
    cuts = {}
    truth = crop(0, 0, HEIGHT, WIDTH)
    for place, name in enumerate(names):
        given = truth ^ np.uint8(place % inputs)
        cuts[name] = [Cut.of(Photo("photo", given, given, truth))]
        for kind in KINDS:
            cuts[name][0].add(" ".join((name, *kind)), truth ^ np.uint8(place))
    made = report(*rows)
    samples = choose_samples(made, cuts)
    assert {sample.model for sample in samples} == set(names)
    page = to_html(made, samples)
    assert page.count("<figcaption>input") == inputs
    assert page.count("<figcaption>truth") == inputs
    assert all(name in page for name in names)
    assert len(page.encode()) < 5e6
