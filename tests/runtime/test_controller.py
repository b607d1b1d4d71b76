"""The controller of auto quality, with numbers alone: 50 FPS, 20 ms a frame."""

from __future__ import annotations

import itertools

from ovsharp.runtime.controller import (
    LATE,
    MAX_BACKOFF,
    PATIENCE_SECONDS,
    ROOM,
    WINDOW,
    Controller,
)

TARGET = 50
PERIOD = 1 / TARGET
COSTS = (16, 8, 4)
PATIENCE = round(PATIENCE_SECONDS * TARGET)


def controller(level: int = 1) -> Controller:
    return Controller(TARGET, COSTS, level)


def feed(control: Controller, share: float, frames: int) -> list[int]:
    """Feed frames that take this share of the period, at whatever level."""
    return [control.feed(share * PERIOD) for _ in range(frames)]


def live(control: Controller, slowness: float, frames: int) -> list[int]:
    """A machine on which a model takes its cost times the slowness, in shares of the period."""
    return [control.feed(slowness * COSTS[control.level] * PERIOD) for _ in range(frames)]


def test_steps_down_before_frames_are_late() -> None:
    control = controller()
    load = [0.6 + 0.005 * frame for frame in range(80)]  # 1.0 is late
    levels = [control.feed(share * PERIOD) for share in load]
    assert load[levels.index(2)] < 1
    assert control.cause < PERIOD


def test_single_slow_frames_change_nothing() -> None:
    control = controller()
    for _ in range(40):
        assert set(feed(control, 0.7, 4)) == {1}
        assert control.feed(5 * PERIOD) == 1


def test_steps_over_a_model_that_would_be_late_too() -> None:
    control = controller(level=0)
    # 2.5 periods: the next model would take 1.25, the fastest 0.63.
    assert feed(control, 2.5, WINDOW)[-1] == 2


def test_the_fastest_stays_when_nothing_holds() -> None:
    control = controller(level=2)
    assert set(feed(control, 3.0, 50)) == {2}


def test_a_slower_model_below_is_no_way_out() -> None:
    control = Controller(TARGET, (16, 8, 9), 1)
    assert set(feed(control, 1.2, 50)) == {1}


def test_steps_up_after_sustained_room_only() -> None:
    control = controller(level=2)
    share = 0.9 * ROOM * COSTS[2] / COSTS[1]
    levels = feed(control, share, PATIENCE + WINDOW)
    assert levels.index(1) == PATIENCE + WINDOW - 2
    interrupted = controller(level=2)
    for _ in range(20):
        assert set(feed(interrupted, share, PATIENCE // 2)) == {2}
        assert set(feed(interrupted, 0.8, WINDOW)) == {2}


def test_between_the_bounds_it_stays() -> None:
    control = controller()
    upper = LATE - 0.01
    lower = 1.01 * ROOM * COSTS[1] / COSTS[0]
    assert set(feed(control, upper, 500)) == {1}
    assert set(feed(control, lower, 500)) == {1}


def test_a_better_model_that_fails_is_tried_less_and_less() -> None:
    # The costs say that the better model fits, but here it takes twice as long as they say.
    control, tries = controller(level=2), []
    for frame in range(5000):
        before = control.level
        share = {2: 0.3, 1: 1.1}[before]
        if control.feed(share * PERIOD) < before:
            tries.append(frame)
    gaps = [after - before for before, after in itertools.pairwise(tries)]
    assert gaps == sorted(gaps)
    assert gaps[-1] >= 4 * PATIENCE
    assert gaps[-1] <= 2 * MAX_BACKOFF * PATIENCE


def test_a_try_that_holds_restores_the_patience() -> None:
    control = controller(level=2)
    feed(control, 0.3, PATIENCE + WINDOW - 1)
    assert control.level == 1
    assert feed(control, 1.1, WINDOW)[-1] == 2
    feed(control, 0.3, 2 * PATIENCE + WINDOW - 1)
    assert control.level == 1
    feed(control, 0.7, 10 * PATIENCE)
    assert feed(control, 1.1, WINDOW)[-1] == 2
    assert feed(control, 0.3, PATIENCE + WINDOW)[-1] == 1


def test_it_settles_on_a_machine_that_slows_down_and_recovers() -> None:
    control = controller(level=0)
    assert live(control, 0.04, 300)[-1] == 0
    assert live(control, 0.09, 300)[-1] == 1
    assert live(control, 0.20, 300)[-1] == 2
    assert live(control, 0.04, 800)[-1] == 0


def test_the_same_times_give_the_same_decisions() -> None:
    times = [PERIOD * (0.2 + (7 * frame % 13) / 10) for frame in range(1000)]
    first, second = controller(), controller()
    assert [first.feed(t) for t in times] == [second.feed(t) for t in times]


def test_a_decision_may_be_taken_back() -> None:
    control = controller()
    assert feed(control, 1.2, WINDOW)[-1] == 2
    control.stay(1)
    assert control.level == 1
    assert feed(control, 1.2, WINDOW)[-1] == 2
