"""Image files through a sharpener: order, bounds, failures, an early end."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from ovsharp import Sharpener
from ovsharp.apps import sharpen_files, stills
from ovsharp.media import read_frame
from tests.networks import write_frame_model


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_frame_model(tmp_path_factory.mktemp("model"), unshuffle=2)


@pytest.fixture
def jobs(tmp_path: Path) -> dict[Path, Path]:
    rng = np.random.default_rng(0)
    jobs = {}
    for index in range(12):
        source = tmp_path / "in" / f"{index:02d}.png"
        source.parent.mkdir(exist_ok=True)
        cv2.imwrite(str(source), rng.integers(0, 256, (24 + index, 32, 3), np.uint8))
        jobs[source] = tmp_path / "out" / source.name
    return jobs


def threads() -> set[str]:
    return {one.name for one in threading.enumerate() if one.name.startswith("ovsharp-")}


def test_every_file_in_order(jobs: dict[Path, Path], model: Path) -> None:
    with Sharpener(model, precision="f32") as sharpener:
        outcomes = list(sharpen_files(jobs, sharpener))
        assert [one.source for one in outcomes] == list(jobs)
        assert all(one.error is None for one in outcomes)
        assert outcomes[3].size == (27, 32)
        for source, target in jobs.items():
            np.testing.assert_array_equal(read_frame(target), sharpener(read_frame(source)))
    assert not threads() & {"ovsharp-read_0", "ovsharp-write_0"}


def test_a_failure_in_reading_or_writing_is_told_in_its_place(
    jobs: dict[Path, Path], model: Path
) -> None:
    sources = list(jobs)
    sources[2].write_bytes(b"")
    sources[5].unlink()
    jobs[sources[7]] = jobs[sources[7]].with_suffix(".xyz")
    with Sharpener(model) as sharpener:
        outcomes = list(sharpen_files(jobs, sharpener))
    assert [one.source for one in outcomes] == sources
    assert [index for index, one in enumerate(outcomes) if one.error is not None] == [2, 5, 7]


def test_a_picture_larger_than_the_budget_goes_alone(
    jobs: dict[Path, Path], model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stills, "BUDGET", 10)
    with Sharpener(model) as sharpener:
        assert sum(one.error is None for one in sharpen_files(jobs, sharpener)) == 12


def test_memory_in_work_is_bounded(
    jobs: dict[Path, Path], model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While writing stands still, only so many pictures are read."""
    read: list[Path] = []
    go = threading.Event()
    plain_read, plain_write = stills.read_picture, stills.write_picture

    def reading(path: Path) -> Any:
        read.append(path)
        return plain_read(path)

    def writing(*arguments: Any, **options: Any) -> tuple[str, ...]:
        assert go.wait(20)
        return plain_write(*arguments, **options)

    monkeypatch.setattr(stills, "read_picture", reading)
    monkeypatch.setattr(stills, "write_picture", writing)
    with Sharpener(model) as sharpener:
        working = sharpen_files(jobs, sharpener)
        timer = threading.Timer(0.5, go.set)
        timer.start()
        next(working)
        assert len(read) <= 10
        assert sum(one.error is None for one in working) == 11


def test_an_early_end_completes_what_is_being_written(
    jobs: dict[Path, Path], model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stills, "BUDGET", 10)  # a reader that waits must not hang the end
    with Sharpener(model) as sharpener:
        working = sharpen_files(jobs, sharpener)
        next(working)
        working.close()  # type: ignore[attr-defined]
    written = sorted(next(iter(jobs.values())).parent.iterdir())
    assert 1 <= len(written) < 12
    assert all(read_frame(path).shape[1] == 32 for path in written)
    assert not threads() & {"ovsharp-read_0", "ovsharp-write_0", "ovsharp-write_1"}
