"""How long things take: warm-up, fair turns, percentiles.

All workloads of one size are measured side by side in turns (A B C A B C ...), so that a slow
minute of a shared machine falls on all of them and their ratios stay true.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from ovsharp.measuring.results import Latency, Timing

TURN_SECONDS = 0.25
"""How long a workload runs before it is the next one's turn, at most."""
MIN_CALLS = 5
"""Fewest counted calls, however slow one is..."""
MAX_STRETCH = 3.0
"""... as long as they take at most this many times the seconds that were asked for."""
WARM_WINDOW = 4
WARM_TOLERANCE = 0.05
WARM_CALLS = 40
WARM_SECONDS = 1.0
"""Warm-up ends when the medians of two successive windows of calls differ by less than the
tolerance, or at this many calls or seconds (then the timing says that it was not stable)."""
P99_CALLS = 100
"""A 99th percentile of fewer calls than this is marked: it is little more than the maximum."""


@dataclass(frozen=True)
class Workload:
    """Something that processes frames and can be timed.

    Example:
        >>> Workload("noop", lambda: 1).run()
        1
    """

    key: str
    run: Callable[[], int]
    """Processes some frames and gives their number: 1, or a whole burst in flight together."""
    burst: bool = False
    """A burst lasts a turn by itself; it has a rate, but no latency per frame."""


@dataclass
class _Record:
    workload: Workload
    typical: float = 0.0
    """Median seconds of a warm call."""
    warmup_calls: int = 0
    stable: bool = False
    seconds: list[float] = field(default_factory=list)
    frames: list[int] = field(default_factory=list)

    def done(self, seconds: float) -> bool:
        spent, calls = sum(self.seconds), len(self.seconds)
        enough = 1 if self.workload.burst else MIN_CALLS
        return spent >= seconds and (calls >= enough or spent >= MAX_STRETCH * seconds)


def measure(
    workloads: Sequence[Workload],
    *,
    seconds: float,
    clock: Callable[[], float] = time.perf_counter,
    advance: Callable[[float], None] | None = None,
) -> dict[str, Timing]:
    """Warm up every workload, then time them in turns until each has had its seconds.

    Args:
        workloads: with different keys.
        seconds: counted time for each workload; slow ones get up to `MAX_STRETCH` times as much
            to reach `MIN_CALLS` calls.
        clock: a monotonic clock in seconds.
        advance: called with the counted seconds of each turn.

    Returns:
        The timing of every workload by its key.
    """
    records = [_warm_up(workload, clock) for workload in workloads]
    waiting = records
    while waiting:
        for record in waiting:
            before = sum(record.seconds)
            _take_turn(record, min(TURN_SECONDS, seconds), clock)
            if advance:
                advance(sum(record.seconds) - before)
        waiting = [record for record in waiting if not record.done(seconds)]
    return {record.workload.key: _timing(record) for record in records}


def _warm_up(workload: Workload, clock: Callable[[], float]) -> _Record:
    record = _Record(workload)
    calls: list[float] = []
    start = clock()
    while True:
        calls.append(_timed(workload, clock)[0])
        if workload.burst or _stable(calls):
            record.stable = True
            break
        if len(calls) >= WARM_CALLS or clock() - start >= WARM_SECONDS:
            break
    record.warmup_calls = len(calls)
    record.typical = float(np.median(calls[-WARM_WINDOW:]))
    return record


def _stable(calls: Sequence[float]) -> bool:
    if len(calls) < 2 * WARM_WINDOW:
        return False
    before = float(np.median(calls[-2 * WARM_WINDOW : -WARM_WINDOW]))
    now = float(np.median(calls[-WARM_WINDOW:]))
    return abs(now - before) <= WARM_TOLERANCE * before


def _take_turn(record: _Record, seconds: float, clock: Callable[[], float]) -> None:
    if record.workload.burst:
        elapsed, frames = _timed(record.workload, clock)
        record.seconds.append(elapsed)
        record.frames.append(frames)
        return
    if record.typical < seconds / 5:
        # The workload before left its own data in the caches. A call of many milliseconds
        # does not notice, and is too dear to throw away.
        record.workload.run()
    spent = 0.0
    while spent < seconds:
        elapsed, frames = _timed(record.workload, clock)
        record.seconds.append(elapsed)
        record.frames.append(frames)
        spent += elapsed


def _timed(workload: Workload, clock: Callable[[], float]) -> tuple[float, int]:
    start = clock()
    frames = workload.run()
    return clock() - start, frames


def _timing(record: _Record) -> Timing:
    seconds, frames = sum(record.seconds), sum(record.frames)
    return Timing(
        frames=frames,
        seconds=seconds,
        fps=frames / seconds,
        latency=None if record.workload.burst else latency(record.seconds),
        warmup_calls=record.warmup_calls,
        stable=record.stable,
    )


def latency(seconds: Iterable[float]) -> Latency:
    """Percentiles of call times, in milliseconds.

    Percentiles are interpolated between the two nearest calls. The 95 % confidence interval of
    the median is the one of order statistics (ranks n/2 -+ 1.96 sqrt(n)/2): it assumes nothing
    about the distribution, but that calls are independent.

    Example:
        >>> latency([0.010, 0.020, 0.030]).p50
        20.0
    """
    ordered = np.sort(np.asarray(list(seconds), np.float64)) * 1e3
    count = len(ordered)
    spread = 1.96 * math.sqrt(count) / 2
    p50, p90, p99 = (round(float(np.percentile(ordered, q)), 4) for q in (50, 90, 99))
    return Latency(
        n=count,
        p50=p50,
        p90=p90,
        p99=p99,
        low=round(float(ordered[max(0, math.floor(count / 2 - spread) - 1)]), 4),
        high=round(float(ordered[min(count - 1, math.ceil(count / 2 + spread))]), 4),
    )
