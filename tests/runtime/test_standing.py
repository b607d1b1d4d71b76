"""What stands still is not computed again, and nothing shows that it was not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from ovsharp import Sharpener
from ovsharp.engine import Frame, variant
from ovsharp.engine.tiles import Plan
from tests.networks import write_frame_model
from tests.runtime.models import noise, write_base_model

WIDTH = 72


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Rows that each job has computed."""
    rows: list[int] = []
    whole = variant.Job

    def job(frame: Frame, cut: Plan, *arguments: object, **options: object) -> object:
        rows.append(len(cut.tiles) * cut.size[0])
        return whole(frame, cut, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(variant, "Job", job)
    return rows


def screen(height: int) -> Iterator[Frame]:
    """Frames of a screen: repeated ones, and changes at the edges, in the middle, at two places."""
    frame = noise(height, WIDTH)
    yield frame
    for rows in ([], [0], [height - 1], [], [height // 2], [3, height - 30], range(40, 58), []):
        frame = frame.copy()
        for row in rows:
            frame[row, 5:9] ^= 255
        yield frame
    yield noise(height, WIDTH, seed=1)


def check_equal(model: Path | str, height: int) -> int:
    """Compare with the whole computation; give how many frames were repeated."""
    with (
        Sharpener(model, threads=1) as sharpener,
        sharpener.session() as whole,
        sharpener.session(reuse=True) as parts,
    ):
        for frame in screen(height):
            np.testing.assert_array_equal(parts(frame), whole(frame))
        return parts.repeated


@pytest.mark.parametrize(
    ("name", "height"),  # a branch sees 56 rows around what changed
    [("call-screen", 720), ("call-fast", 240), ("x2-fast", 240), ("x4-clean", 240)],
)
def test_shipped_models_give_every_bit_as_before(
    name: str, height: int, computed: list[int]
) -> None:
    assert check_equal(name, height) == 3
    parts = computed[0::2]  # the other half are those of the whole frames
    assert min(parts) < height // 2 < max(parts)


@pytest.mark.parametrize("height", [97, 240])
def test_odd_heights_and_models_with_a_base(tmp_path: Path, height: int) -> None:
    assert check_equal(write_frame_model(tmp_path / "x1", unshuffle=2), height) == 3
    assert check_equal(write_frame_model(tmp_path / "x2", scale=2), height) == 3
    assert check_equal(write_base_model(tmp_path / "base"), height) == 3


def test_only_what_changed_is_computed(tmp_path: Path, computed: list[int]) -> None:
    first, second = noise(240, WIDTH), noise(240, WIDTH)
    second[200] ^= 255
    model = write_frame_model(tmp_path)
    with Sharpener(model, threads=1) as sharpener, sharpener.session(reuse=True) as call:
        for frame in (first, first.copy(), second, noise(100, WIDTH), noise(100, WIDTH, seed=2)):
            call(frame)
    assert computed == [240, 240 // 8 + 2 * 3, 100, 100]


def test_strength_does_not_change_what_is_kept(tmp_path: Path) -> None:
    frame = noise(64, WIDTH)
    with (
        Sharpener(write_frame_model(tmp_path), threads=1) as sharpener,
        sharpener.session(reuse=True, strength=0.5) as call,
    ):
        results = [call(frame) for _ in range(3)]
    assert call.repeated == 2
    for result in results[1:]:
        np.testing.assert_array_equal(result, results[0])
