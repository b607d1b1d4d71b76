"""Source, model and sink work side by side, and end together."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import pytest

from ovsharp.apps import Pipeline
from ovsharp.media import Shot
from ovsharp.runtime import Sharpener


class Keep:
    def __init__(self) -> None:
        self.pts: list[int] = []

    def write(self, shot: Shot) -> None:
        self.pts.append(shot.pts)


def shots(count: int) -> Iterator[Shot]:
    for index in range(count):
        yield Shot(np.full((32, 32, 3), index % 256, np.uint8), index * 7, Fraction(1, 100))


@pytest.fixture
def sharpener() -> Iterator[Sharpener]:
    with Sharpener(threads=1) as sharpener:
        yield sharpener


def test_order_and_times_are_kept(sharpener: Sharpener) -> None:
    sink = Keep()
    pipeline = Pipeline(shots(20), sharpener, sink)
    assert pipeline.state == "ready"
    progress = pipeline.run()
    assert sink.pts == [7 * index for index in range(20)]
    assert (pipeline.state, progress.frames) == ("done", 20)


@pytest.mark.parametrize(("large", "waiting"), [(False, 2), (True, 1)])
def test_large_frames_wait_singly(
    sharpener: Sharpener, large: bool, waiting: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ovsharp.apps.pipeline._LARGE", 32 * 32 * 3 + (not large))
    monkeypatch.setattr("ovsharp.apps.pipeline.give_back", lambda size: None)
    taken, go = [], threading.Event()

    def source() -> Iterator[Shot]:
        for shot in shots(20):
            taken.append(shot)
            yield shot

    class Stuck:
        def write(self, shot: Shot) -> None:
            go.wait(10)

    pipeline = Pipeline(source(), sharpener, Stuck())
    pipeline.start()
    held = 3 + 2 * waiting  # one in each stage, and those between
    while len(taken) < held:
        time.sleep(0.01)
    time.sleep(0.1)  # more would come now
    go.set()
    before = len(taken)
    pipeline.wait()
    assert before == held


@pytest.mark.parametrize("where", ["source", "sink"])
def test_errors_end_all_threads(sharpener: Sharpener, where: str) -> None:
    def broken() -> Iterator[Shot]:
        yield from shots(3)
        raise ValueError("broken")

    class Full:
        def write(self, shot: Shot) -> None:
            raise ValueError("broken")

    before = threading.active_count()
    source, sink = (broken(), Keep()) if where == "source" else (shots(10**6), Full())
    pipeline = Pipeline(source, sharpener, sink)
    with pytest.raises(ValueError, match="broken"):
        pipeline.run()
    assert pipeline.state == "failed"
    assert threading.active_count() <= before + 1  # the sharpener's own


def test_pause_resume_and_cancel(sharpener: Sharpener) -> None:
    sink = Keep()
    pipeline = Pipeline(shots(10**6), sharpener, sink)
    pipeline.pause()
    pipeline.start()
    time.sleep(0.1)
    assert (pipeline.state, sink.pts) == ("paused", [])
    pipeline.resume()
    while not sink.pts:
        time.sleep(0.01)
    pipeline.cancel()
    pipeline.wait()
    assert pipeline.state == "cancelled"
    assert len(sink.pts) < 10**6
