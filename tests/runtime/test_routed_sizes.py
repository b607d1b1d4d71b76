"""Qualities and rates as they are shipped: one router, three sizes of its models."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ovsharp import Sharpener
from ovsharp.degrade import parse
from ovsharp.engine import Frame, read_router
from ovsharp.engine.variant import Variant
from ovsharp.quality import psnr
from ovsharp.runtime import QUALITIES, Router, auto, find_router
from ovsharp.runtime.sizes import of_size
from tests.photos import crop

Clock = Callable[[Sharpener, float], None]
TIMES = {"call-quality": 24.0, "call-balanced": 8.0, "call-fast": 4.0}


def photo(name: str) -> Frame:
    return crop(0, 0, 240, 320, name=name)


def test_every_model_of_the_router_is_there_in_three_sizes() -> None:
    path = find_router(None)
    assert path is not None
    for model in Router(path).models:
        assert all(of_size(model, quality) for quality in QUALITIES), model


@pytest.mark.parametrize("damage", ["jpeg(quality=15)", "noise(sigma=10)"])
def test_a_larger_size_makes_a_better_picture_by_the_same_choice(damage: str) -> None:
    truths = [photo(name) for name in ("astronaut", "coffee", "chelsea")]
    frames = [parse(damage)(truth, seed=3) for truth in truths]
    scores, chosen = [], []
    for quality in QUALITIES:
        with Sharpener(quality=quality, threads=1) as sharpener:
            results = []
            names = []
            for frame in frames:
                results.append(sharpener(frame))
                names.append(of_size(sharpener.variant, "balanced"))
            chosen.append(names)
            scores.append(np.mean([psnr(*pair) for pair in zip(results, truths, strict=True)]))
    assert chosen[0] == chosen[1] == chosen[2]
    assert np.mean([psnr(*pair) for pair in zip(frames, truths, strict=True)]) < scores[0]
    assert scores[0] < scores[1] < scores[2]


@pytest.mark.parametrize("quality", QUALITIES)
def test_what_is_good_is_left_alone_in_each_size(quality: str) -> None:
    frame = photo("coffee")
    with Sharpener(quality=quality, threads=1) as sharpener:  # type: ignore[arg-type]
        assert np.array_equal(sharpener(frame), frame)
        assert sharpener.variant == "untouched"


def test_a_rate_reads_the_router_once(monkeypatch: pytest.MonkeyPatch) -> None:
    read = []

    def counted(path: Path, core: object) -> object:
        read.append(path)
        return read_router(path, core)

    monkeypatch.setattr("ovsharp.runtime.router.read_router", counted)
    with Sharpener(target_fps=30, threads=1) as sharpener:
        assert len(sharpener.variants) > 3
    assert len(read) == 1


@pytest.fixture
def clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock that only models move, by what the test says."""
    monkeypatch.setenv("OVSHARP_CACHE", str(tmp_path))

    def measured(runs: dict[str, Callable[[], int]], _: object) -> dict[str, float]:
        return {name: TIMES[name] for name in runs}

    monkeypatch.setattr(auto, "measure", measured)
    state = {"now": 0.0, "step": 0.0}
    run = Variant.run

    def slow(self: Variant, frame: Frame, *rest: object) -> Frame:
        if threading.current_thread() is threading.main_thread():
            state["now"] += state["step"]
        return run(self, frame, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(Variant, "run", slow)

    def goes(sharpener: Sharpener, seconds: float) -> None:
        monkeypatch.setattr(sharpener._chooser, "clock", lambda: state["now"])
        state["step"] = seconds

    return goes


def settle(sharpener: Sharpener, frame: Frame, frames: int) -> None:
    """Run frames; what is being prepared is waited for."""
    for _ in range(frames):
        sharpener(frame)
        pending = sharpener._chooser._course(*frame.shape[:2]).pending  # type: ignore[attr-defined]
        if pending is not None:
            pending.exception()


def test_a_rate_changes_the_size_and_not_the_choice(clock: Clock) -> None:
    frame = parse("jpeg(quality=15)")(photo("coffee"), seed=1)
    with Sharpener(target_fps=50, look_every=29, threads=1) as sharpener:
        clock(sharpener, 0.010)
        settle(sharpener, frame, 20)
        assert sharpener.choice is not None
        assert sharpener.choice.milliseconds == TIMES
        assert sharpener.variant == "call-jpeg"
        clock(sharpener, 0.019)
        settle(sharpener, frame, 20)
        assert sharpener.variant == "call-jpeg-fast"
        assert [(s.before, s.after) for s in sharpener.switches] == [("call-balanced", "call-fast")]
        clock(sharpener, 0.001)
        settle(sharpener, frame, 150)
        assert sharpener.variant in ("call-jpeg", "call-jpeg-quality")
        assert sum(sharpener.made.values()) == sharpener.frames == 190


def test_frames_that_are_left_alone_say_nothing_of_the_speed(
    clock: Clock,
) -> None:
    clean = photo("coffee")
    with Sharpener(target_fps=50, look_every=29, threads=1) as sharpener:
        clock(sharpener, 0.0)
        settle(sharpener, clean, 250)
        assert sharpener.variant == "untouched"
        assert not sharpener.switches, "no size was tried because nothing took no time"


def test_a_model_of_another_size_can_be_held(clock: Clock) -> None:
    frame = parse("jpeg(quality=15)")(photo("coffee"), seed=1)
    with Sharpener(target_fps=50, look_every=29, threads=1) as sharpener:
        clock(sharpener, 0.010)
        settle(sharpener, frame, 12)
        sharpener.pin("call-codec-quality")
        settle(sharpener, frame, 12)
        assert sharpener.variant == "call-codec-quality"
        sharpener.pin("untouched")
        settle(sharpener, frame, 12)
        assert sharpener.variant == "untouched"
