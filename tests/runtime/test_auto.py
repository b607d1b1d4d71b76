"""Auto quality: the choice, its cache, and changes of model in a stream."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from ovsharp.engine import Frame, write_ir
from ovsharp.engine.variant import Tuning, Variant
from ovsharp.errors import InferenceError, UsageError
from ovsharp.runtime import Sharpener, auto
from ovsharp.runtime.auto import Auto, choose
from ovsharp.runtime.chooser import KEPT_SIZES, Only
from ovsharp.runtime.fade import FADE_FRAMES, STILL, Fade
from ovsharp.runtime.sizes import family
from ovsharp.runtime.timing import FILE_NAME, TimingCache
from tests.networks import frame_model, frame_spec
from tests.runtime.models import noise

SHARP = ("sharp-quality", "sharp-balanced", "sharp-fast")
HEIGHT, WIDTH = 64, 96
FRAME = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
PERIOD = 0.02


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own."""
    monkeypatch.setenv("OVSHARP_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def times(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """What measuring finds; every model is really run once."""
    found = {"sharp-quality": 30.0, "sharp-balanced": 10.0, "sharp-fast": 5.0}

    def measure(runs: dict[str, Callable[[], int]], _: object) -> dict[str, float]:
        return {name: found[name] * run() for name, run in runs.items()}

    monkeypatch.setattr(auto, "measure", measure)
    return found


def test_the_best_that_holds_the_target_with_room_is_chosen() -> None:
    ms = {"good": 30.0, "middle": 15.0, "fast": 5.0}
    assert [choose(fps, ms, 9, 16).model for fps in (20, 26, 30, 53, 54, 300)] == [
        *("good", "good", "middle", "middle", "fast", "fast")
    ]


def test_the_reason_says_what_was_measured() -> None:
    ms = {"good": 30.0, "fast": 5.0}
    assert choose(60, ms, 1080, 1920).reason == (
        "good needs 30.0 ms a frame at 1920x1080; fast needs 5.0 ms and holds 60 FPS (16.7 ms) "
        "with 20 % to spare"
    )
    assert "is the fastest; nothing holds 300 FPS" in choose(300, ms, 1080, 1920).reason


def test_families() -> None:
    assert family(None) == family("call") == ("call-quality", "call-balanced", "call-fast")
    assert family("sharp-quality") == SHARP
    assert family("x4-fast") == ("x4-quality", "x4-balanced", "x4-fast")


@pytest.mark.parametrize("model", ["sharp-gla", "sharp", "none", Path("sharp-fast")])
def test_a_model_of_no_family_is_refused_with_the_list(model: str | Path) -> None:
    with pytest.raises(UsageError, match=r"no other sizes .*leave the model out, .* call-balanced"):
        Sharpener(model, target_fps=30)


@pytest.mark.parametrize("target", [0, -1, float("nan"), float("inf")])
def test_a_target_that_is_none_is_refused(target: float) -> None:
    with pytest.raises(UsageError, match="target_fps"):
        Sharpener("sharp-balanced", target_fps=target)


def test_the_first_frame_chooses(times: dict[str, float], cache: Path) -> None:
    with Sharpener("sharp-balanced", target_fps=50, threads=1) as sharpener:
        assert sharpener.choice is None
        result = sharpener(noise(HEIGHT, WIDTH))
        choice = sharpener.choice
        assert choice is not None
        assert (choice.model, sharpener.variant) == ("sharp-balanced", "sharp-balanced")
        assert choice.milliseconds == times
        assert tuple(choice.milliseconds) == SHARP
        assert (choice.height, choice.width) == (HEIGHT, WIDTH)
        assert sharpener.spec.name == "sharp-balanced"
    with Sharpener("sharp-balanced", threads=1) as plain:
        assert np.array_equal(plain(noise(HEIGHT, WIDTH)), result)
    assert len(json.loads((cache / FILE_NAME).read_text())) == len(SHARP)


def test_settings_choose_ahead(times: dict[str, float]) -> None:
    with Sharpener("sharp-balanced", target_fps=150, threads=1) as sharpener:
        assert sharpener.settings_for(HEIGHT, WIDTH).mode == "latency"
        assert sharpener.variant == "sharp-fast"


def test_nothing_is_measured_twice(
    times: dict[str, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Sharpener("sharp-balanced", target_fps=50, threads=1) as sharpener:
        sharpener.settings_for(HEIGHT, WIDTH)
    times.clear()  # measuring again would fail
    with Sharpener("sharp-balanced", target_fps=25, threads=1) as sharpener:
        sharpener.settings_for(HEIGHT + 2, WIDTH)
        assert sharpener.choice is not None
        assert sharpener.choice.model == "sharp-quality"
        assert sharpener.choice.milliseconds["sharp-fast"] == pytest.approx(5 * 66 / 64)
        # What was not chosen is not compiled.
        assert sharpener._shelf.count == 1


@pytest.mark.parametrize(
    "changes", [{"threads": 2}, {"mode": "throughput"}, {"precision": "f32"}], ids=str
)
def test_other_settings_are_measured_anew(
    changes: dict[str, object], times: dict[str, float]
) -> None:
    with Sharpener("sharp-balanced", target_fps=50, threads=1) as sharpener:
        sharpener.settings_for(HEIGHT, WIDTH)
    times.clear()
    with (
        Sharpener("sharp-balanced", target_fps=50, **{"threads": 1, **changes}) as sharpener,  # type: ignore[arg-type]
        pytest.raises(KeyError),
    ):
        sharpener.settings_for(HEIGHT, WIDTH)


def test_a_corrupt_cache_is_harmless(times: dict[str, float], cache: Path) -> None:
    cache.mkdir()
    (cache / FILE_NAME).write_text("{nonsense")
    with Sharpener("sharp-balanced", target_fps=50, threads=1) as sharpener:
        sharpener(noise(HEIGHT, WIDTH))
        assert sharpener.variant == "sharp-balanced"


def test_a_cache_that_cannot_be_written_is_harmless(times: dict[str, float], cache: Path) -> None:
    cache.touch()
    with Sharpener("sharp-balanced", target_fps=50, threads=1) as sharpener:
        sharpener(noise(HEIGHT, WIDTH))
        assert sharpener.variant == "sharp-balanced"


class Stage:
    """Three tiny models, their levels 40 apart, and a clock that only the test moves."""

    def __init__(self, folder: Path, mode: str = "latency") -> None:
        self.now = 0.0
        tuning = Tuning("CPU", None, mode, 1, None, None)  # type: ignore[arg-type]
        self.variants = []
        for name in ("quality", "balanced", "fast"):
            path = write_ir(frame_model(), frame_spec(name=name), folder)
            self.variants.append(Variant(path, tuning))
        known = TimingCache(folder)
        pixels = HEIGHT * WIDTH / 1e6
        levels = [Only(one) for one in self.variants]
        self.auto = Auto(levels, 1 / PERIOD, tuning, cache=known, clock=lambda: self.now)
        machine = auto._machine("CPU")
        size = auto.size_class(HEIGHT, WIDTH)
        milliseconds = (30, 10, 5)
        known.put(
            {
                self.auto._key(one, size, machine): ms / pixels
                for one, ms in zip(self.variants, milliseconds, strict=True)
            }
        )

    def frames(self, count: int, seconds: float, waits: float = 0.0) -> list[str]:
        """Run frames that take some time each; a model in preparation is waited for."""
        names = []
        for _ in range(count):
            turn = self.auto.turn(FRAME)
            names.append(turn.variant.name)
            self.now += seconds
            frame = noise(HEIGHT, WIDTH)
            turn.finished(frame, turn.variant.run(frame))
            self.now += waits
            pending = self.auto._course(HEIGHT, WIDTH).pending
            if pending is not None:
                pending.exception()
        return names


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    made = Stage(tmp_path)
    yield made
    made.auto.close()


def test_a_stream_steps_down_when_frames_get_slow(stage: Stage) -> None:
    assert set(stage.frames(50, 0.010)) == {"balanced"}
    names = stage.frames(20, 0.019)
    assert names[0] == "balanced"
    assert names[-1] == "fast"
    (switch,) = stage.auto.history.switches
    assert (switch.before, switch.after) == ("balanced", "fast")
    assert switch.reason == "too slow: 19.0 ms of 20.0 ms a frame"
    assert 50 < switch.frame <= 60
    assert stage.auto.variant.name == "fast"


def test_it_steps_up_again_when_there_is_room(stage: Stage) -> None:
    stage.frames(30, 0.019)
    names = stage.frames(150, 0.005)
    assert (names[0], names[-1]) == ("fast", "balanced")
    assert (
        stage.auto.history.switches[-1].reason
        == "room for a better model: 5.0 ms of 20.0 ms a frame"
    )


def test_a_pinned_model_runs_at_any_speed_until_it_is_let_go(stage: Stage) -> None:
    assert stage.frames(20, 0.010)[-1] == "balanced"
    stage.auto.pin("quality")
    assert stage.frames(40, 0.030)[-1] == "quality"
    assert stage.auto.history.switches[-1].reason == "pinned"
    stage.auto.pin(None)
    assert stage.frames(12, 0.030)[-1] == "balanced"
    assert stage.auto.history.switches[-1].reason == "too slow: 30.0 ms of 20.0 ms a frame"


def test_what_can_be_pinned(times: dict[str, float]) -> None:
    with Sharpener("sharp-fast", target_fps=50, threads=1) as sharpener:
        assert sharpener.variants == SHARP
        with pytest.raises(UsageError, match="no model other here; pin sharp-quality"):
            sharpener.pin("other")
        sharpener.pin("sharp-quality")
        sharpener(noise(HEIGHT, WIDTH))
        assert sharpener.variant == "sharp-quality"
    with Sharpener("sharp-fast", threads=1) as sharpener:
        assert sharpener.variants == ("sharp-fast",)
        with pytest.raises(UsageError, match="give target_fps"):
            sharpener.pin("sharp-fast")


def test_waiting_for_frames_is_not_their_time(stage: Stage) -> None:
    assert set(stage.frames(100, 0.010, waits=0.5)) == {"balanced"}


def test_a_hiccup_changes_nothing(stage: Stage) -> None:
    for _ in range(5):
        stage.frames(10, 0.010)
        assert set(stage.frames(1, 0.5)) == {"balanced"}


def test_every_size_has_a_course_of_its_own(stage: Stage) -> None:
    stage.frames(30, 0.019)
    assert stage.auto.variant.name == "fast"
    known = stage.auto.history.choice
    assert stage.auto.prepare(HEIGHT, WIDTH + 8).name == "balanced"
    assert stage.auto.history.choice is not known


def test_a_model_that_cannot_be_compiled_is_an_error_once(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.frames(20, 0.010)

    def broken(*_: object) -> None:
        raise InferenceError("compiling failed")

    monkeypatch.setattr(stage.variants[2], "run", broken)
    with pytest.raises(InferenceError, match="compiling failed"):
        stage.frames(20, 0.019)
    monkeypatch.undo()
    assert stage.frames(1, 0.019) == ["balanced"]
    assert stage.frames(30, 0.019)[-1] == "fast"


def test_a_frame_that_ends_after_the_close_is_given(stage: Stage) -> None:
    stage.frames(12, 0.019)
    turn = stage.auto.turn(FRAME)
    stage.auto.close()
    stage.now += 0.019
    frame = noise(HEIGHT, WIDTH)
    assert turn.finished(frame, frame) is frame


def test_few_sizes_are_kept(stage: Stage) -> None:
    for width in range(WIDTH, WIDTH + 10):
        stage.auto.prepare(HEIGHT, width)
    assert len(stage.auto._courses) == KEPT_SIZES


def test_frames_in_flight_share_the_machine(stage: Stage) -> None:
    # Two frames begin together and end 10 ms after each other: 10 ms each.
    for _ in range(60):
        frame = noise(HEIGHT, WIDTH)
        turns = [stage.auto.turn(frame) for _ in range(2)]
        for turn in turns:
            stage.now += 0.010
            assert turn.variant.name == "balanced"
            turn.finished(frame, frame.copy())


def test_the_change_fades_on_what_stands_still() -> None:
    frame = np.full((HEIGHT, WIDTH, 3), 100, np.uint8)
    old, new = frame + 27, frame - 9
    fade = Fade(frame, old, new)
    values = [
        int(fade.apply(frame + STILL, new.copy(), step)[0, 0, 0]) for step in range(FADE_FRAMES)
    ]
    steps = -np.diff([127, *values, 91])
    assert steps.min() >= 3
    assert steps.max() <= 5
    assert np.array_equal(fade.apply(frame, new.copy(), FADE_FRAMES), new)


def test_what_moves_has_no_ghosts() -> None:
    frame = np.full((HEIGHT, WIDTH, 3), 100, np.uint8)
    moved = frame.copy()
    moved[:, : WIDTH // 2, 1] += STILL + 1
    result = Fade(frame, frame + 50, frame).apply(moved, frame.copy(), 0)
    assert (result[:, : WIDTH // 2] == 100).all()
    assert (result[:, WIDTH // 2 :] > 140).all()


def test_a_fade_fits_models_that_enlarge() -> None:
    frame = np.full((4, 6, 3), 100, np.uint8)
    large = np.full((8, 12, 3), 100, np.uint8)
    moved = frame.copy()
    moved[0] += 100
    result = Fade(frame, large + 50, large).apply(moved, large.copy(), 0)
    assert (result[:2] == 100).all()
    assert (result[2:] > 140).all()


def test_a_live_stream_has_no_jump(
    monkeypatch: pytest.MonkeyPatch, times: dict[str, float]
) -> None:
    """Shipped models on a still picture: each step is a small share of the whole change."""
    now = 0.0
    run = Variant.run

    def slow(self: Variant, frame: Frame, out: Frame | None = None) -> Frame:
        nonlocal now
        if threading.current_thread() is threading.main_thread():
            now += 0.019
        return run(self, frame, out)

    frame = noise(HEIGHT, WIDTH)
    results = []
    with Sharpener("sharp-balanced", target_fps=50, threads=1) as sharpener:
        monkeypatch.setattr(Variant, "run", slow)
        monkeypatch.setattr(sharpener._chooser, "clock", lambda: now)
        for _ in range(60):
            results.append(sharpener(frame).astype(int))
            pending = sharpener._chooser._course(HEIGHT, WIDTH).pending
            if pending is not None:
                pending.exception()
        assert [switch.after for switch in sharpener.switches] == ["sharp-fast"]
        assert sharpener.variant == "sharp-fast"
    whole = np.abs(results[0] - results[-1]).max()
    pairs = itertools.pairwise(results)
    steps = [np.abs(after - before).max() for before, after in pairs]
    assert whole > 20
    assert max(steps) <= whole / FADE_FRAMES + 2


def test_a_stream_of_several_sizes_goes_on(times: dict[str, float]) -> None:
    # 64x96 and 63x95 are padded to the same size: the second is measured while the slots of the
    # first are in flight.
    with Sharpener("sharp-balanced", target_fps=50, threads=1) as sharpener:
        frames = [noise(64, 96)] * 4 + [noise(63, 95)] * 4
        shapes = [result.shape for result in sharpener.stream(frames * 2)]
    assert shapes == [frame.shape for frame in frames * 2]
