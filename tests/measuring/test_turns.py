from __future__ import annotations

import math

import numpy as np
import pytest

from ovsharp.measuring import turns as timing
from ovsharp.measuring.turns import Workload, latency, measure
from tests.clock import Clock as PlainClock


class Clock(PlainClock):
    def workload(self, key: str, *seconds: float, frames: int = 1, burst: bool = False) -> Workload:
        return Workload(key, self.takes(key, *seconds, frames=frames), burst=burst)


def _turns(order: list[str]) -> list[str]:
    return [key for index, key in enumerate(order) if index == 0 or order[index - 1] != key]


def test_workloads_take_turns() -> None:
    clock = Clock()
    loads = [clock.workload("a", 0.01), clock.workload("b", 0.02), clock.workload("c", 0.03)]
    measure(loads, seconds=1.0, clock=clock)
    turns = _turns(clock.order)
    assert turns == ["a", "b", "c"] * (len(turns) // 3)
    assert len(turns) >= 3 * 4, "warm-up and several turns each"


def test_a_slow_spell_hits_all_workloads_alike() -> None:
    clock = Clock()

    def workload(key: str, cost: float) -> Workload:
        def run() -> int:
            clock.now += cost * (4 if 3 < clock.now < 6 else 1)
            return 1

        return Workload(key, run)

    result = measure([workload("a", 0.01), workload("b", 0.02)], seconds=4.0, clock=clock)
    ratio = (result["b"].seconds / result["b"].frames) / (result["a"].seconds / result["a"].frames)
    assert ratio == pytest.approx(2, rel=0.1)


def test_a_timing_counts_calls_after_warm_up_only() -> None:
    clock = Clock()
    result = measure([clock.workload("a", 0.9, 0.4, 0.01)], seconds=0.5, clock=clock)["a"]
    assert result.latency is not None
    assert (result.latency.p50, result.latency.p99) == (10.0, 10.0)
    assert result.fps == pytest.approx(100)
    assert result.frames == result.latency.n >= 50


def test_warm_up_ends_when_times_have_settled() -> None:
    clock = Clock()
    falling = [0.03 * 0.8**step for step in range(10)]
    result = measure([clock.workload("a", *falling, 0.003)], seconds=0.1, clock=clock)["a"]
    assert result.stable
    assert 10 <= result.warmup_calls <= 20


def test_warm_up_is_bounded_and_says_so() -> None:
    clock = Clock()
    restless = [0.001 * 1.5**step for step in range(60)]
    result = measure([clock.workload("a", *restless)], seconds=0.1, clock=clock)["a"]
    assert not result.stable
    assert result.warmup_calls <= timing.WARM_CALLS


def test_a_slow_workload_gets_more_seconds_but_not_for_ever() -> None:
    clock = Clock()
    slow = measure([clock.workload("slow", 0.5)], seconds=1.0, clock=clock)["slow"]
    assert slow.frames == timing.MIN_CALLS
    crawling = measure([clock.workload("crawling", 4.0)], seconds=1.0, clock=clock)["crawling"]
    assert crawling.frames == 1


def test_a_burst_counts_its_frames_and_has_no_latency() -> None:
    clock = Clock()
    result = measure(
        [clock.workload("ring", 0.5, frames=20, burst=True)], seconds=1.0, clock=clock
    )["ring"]
    assert result.fps == pytest.approx(40)
    assert result.latency is None


def test_progress_adds_up_to_the_counted_seconds() -> None:
    clock = Clock()
    done: list[float] = []
    loads = [clock.workload("a", 0.01), clock.workload("b", 0.1)]
    result = measure(loads, seconds=1.0, clock=clock, advance=done.append)
    assert sum(done) == pytest.approx(sum(part.seconds for part in result.values()))


def test_percentiles_are_numpys_in_milliseconds() -> None:
    calls = np.random.default_rng(0).gamma(3, 0.004, 999)
    result = latency(calls)
    assert result.n == 999
    for value, share in ((result.p50, 50), (result.p90, 90), (result.p99, 99)):
        assert value == pytest.approx(np.percentile(calls, share) * 1e3, abs=1e-3)


def test_the_interval_of_the_median_covers_it_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    truth = 1e3 * math.log(2)
    results = [latency(rng.exponential(1.0, 60)) for _ in range(400)]
    covered = np.mean([result.low <= truth <= result.high for result in results])
    assert 0.93 <= covered <= 0.99


def test_one_call_has_percentiles_too() -> None:
    result = latency([0.002])
    assert (result.low, result.p50, result.p99, result.high, result.n) == (2.0, 2.0, 2.0, 2.0, 1)
