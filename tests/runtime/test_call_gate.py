"""The gate: many calls in fair turns, the newest frames only, each as if it were alone."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from ovsharp import Sharpener
from ovsharp.engine import Frame
from ovsharp.errors import InferenceError, UsageError
from ovsharp.runtime import Call, Gate, Router, Session
from tests.runtime.calls import alone, calls, gains_on
from tests.runtime.models import noise


class Worker:
    """Sessions that add 1 to each frame, one permit each, and note who was served with what."""

    def __init__(self) -> None:
        self.permits, self.served = threading.Semaphore(0), []
        self.entered: threading.Semaphore = threading.Semaphore(0)
        self.opened = 0
        self.running: Counter[int] = Counter()
        self.caught_up: list[int] = []
        self.most = 0

    def open(self, **options: object) -> Any:
        self.opened += 1
        return _Session(self, self.opened - 1)


class _Session:
    spec = SimpleNamespace(scale=1)

    def __init__(self, worker: Worker, name: int) -> None:
        self.worker, self.name, self.closed = worker, name, False

    def __call__(self, picture: Frame) -> Frame:
        worker = self.worker
        worker.running[self.name] += 1
        assert worker.running[self.name] == 1, "two frames of a call at the same time"
        worker.most = max(worker.most, worker.running.total())
        worker.entered.release()
        assert worker.permits.acquire(timeout=30)
        worker.running[self.name] -= 1
        if picture[0, 0, 0] == 255:
            raise InferenceError("a frame that nobody can make")
        worker.served.append((self.name, int(picture[0, 0, 0])))
        return picture + 1

    def catch_up(self) -> None:
        self.worker.caught_up.append(self.name)
        raise InferenceError("the look failed")

    def close(self) -> None:
        self.closed = True


def told(value: int) -> Frame:
    return np.full((2, 3, 3), value, np.uint8)


def value(future: Future[Frame]) -> int:
    return int(future.result(30)[0, 0, 0])


@contextmanager
def opened(count: int, workers: int = 1, **options: Any) -> Iterator[tuple[Worker, list[Call]]]:
    worker = Worker()
    with Gate(worker.open, workers, **options) as gate:
        yield worker, [gate.call() for _ in range(count)]


def test_the_newest_frame_of_a_call_is_kept() -> None:
    with opened(1) as (worker, (call,)):
        first = call.submit(told(1))
        assert worker.entered.acquire(timeout=30)
        second, third, fourth = (call.submit(told(number)) for number in (10, 20, 30))
        assert (value(second), value(third)) == (10, 20)  # at once, and as they were
        assert not fourth.done()
        worker.permits.release(2)
        assert (value(first), value(fourth)) == (2, 31)
        assert call.counts == {"sharpened": 2, "overtaken": 2, "late": 0}


def test_who_was_served_longest_ago_is_next() -> None:
    with opened(3) as (worker, (one, two, three)):
        futures = [one.submit(told(1))]
        assert worker.entered.acquire(timeout=30)
        futures += [two.submit(told(20)), three.submit(told(30)), two.submit(told(21))]
        futures += [one.submit(told(2))]
        worker.permits.release(4)
        wait(futures, 30)
        assert worker.served == [(0, 1), (1, 21), (2, 30), (0, 2)]


@pytest.mark.parametrize("drawn", [True, False])
def test_under_overload_every_call_gets_as_much(drawn: bool) -> None:
    """Five calls, and a worker that makes three frames while each of them gives one."""
    with opened(5) as (worker, many):
        for turn in range(20):
            order = np.random.default_rng(turn).permutation(5) if drawn else range(5)
            for call in order:
                many[call].submit(told(turn))
            for _ in range(3):
                assert worker.entered.acquire(timeout=30)
                worker.permits.release()
        worker.permits.release(10)
    made = Counter(name for name, _ in worker.served)
    assert max(made.values()) - min(made.values()) <= 1


def test_a_frame_that_waits_too_long_comes_back_as_it_is() -> None:
    now = 0.0
    with opened(3, deadline_ms=40, clock=lambda: now) as (worker, (one, two, three)):
        first = one.submit(told(1))
        assert worker.entered.acquire(timeout=30)
        second = two.submit(told(10))
        now = 0.03
        third = three.submit(told(20))
        now = 0.05
        worker.permits.release(2)
        assert (value(first), value(second), value(third)) == (2, 10, 21)
        assert two.counts == {"sharpened": 0, "overtaken": 0, "late": 1}


def test_no_more_frames_than_workers_at_a_time() -> None:
    with opened(6, workers=2) as (worker, many):
        futures = [call.submit(told(1)) for call in many]
        for _ in range(2):
            assert worker.entered.acquire(timeout=30)
        worker.permits.release(6)
        wait(futures, 30)
        assert worker.most == 2


def test_a_failure_is_told_to_its_owner_and_the_gate_goes_on() -> None:
    with opened(2) as (worker, (one, two)):
        worker.permits.release(2)
        failed, good = one.submit(told(255)), two.submit(told(1))
        with pytest.raises(InferenceError, match="nobody can make"):
            failed.result(30)
        assert value(good) == 2


def test_what_the_next_frame_would_wait_for_is_done_behind_a_result() -> None:
    with opened(3) as (worker, many):
        done: list[list[int]] = []
        worker.permits.release(3)
        for call in many:
            call.submit(told(1)).add_done_callback(lambda _: done.append(worker.caught_up.copy()))
    # Not before it; and where it fails, the gate goes on: the next frame fails, if need be.
    assert done == [[], [0], [0, 1]]
    assert worker.caught_up == [0, 1, 2]


def test_a_frame_that_was_given_up_costs_no_turn() -> None:
    with opened(2) as (worker, (one, two)):
        first = one.submit(told(1))
        assert worker.entered.acquire(timeout=30)
        second, third = two.submit(told(2)), one.submit(told(3))
        assert second.cancel()
        worker.permits.release(2)
        assert (value(first), value(third)) == (2, 4)
        assert worker.served == [(0, 1), (0, 3)]


def test_closing_serves_what_waits() -> None:
    worker = Worker()
    gate = Gate(worker.open, 1)
    call = gate.call()
    worker.permits.release(2)
    futures = [call.submit(told(1)), gate.call().submit(told(2))]
    gate.close()
    gate.close()
    assert [value(future) for future in futures] == [2, 3]
    assert call.session.closed  # type: ignore[attr-defined]
    with pytest.raises(InferenceError, match="the call is closed"):
        call.submit(told(1))
    with pytest.raises(InferenceError, match="the gate is closed"):
        gate.call()


def test_a_gate_that_is_forgotten_ends() -> None:
    def threads() -> int:
        return sum(thread.name == "ovsharp-gate" for thread in threading.enumerate())

    before, worker = threads(), Worker()
    worker.permits.release()
    assert value(Gate(worker.open, 3).call().submit(told(1))) == 2
    for _ in range(100):
        gc.collect()
        if threads() == before:
            break
        threading.Event().wait(0.05)
    assert threads() == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"workers": 0}, "workers must be 1 or more, got 0"),
        ({"deadline_ms": 0}, "deadline_ms must be a number above 0, got 0"),
        ({"deadline_ms": float("nan")}, "deadline_ms must be a number above 0, got nan"),
    ],
)
def test_what_makes_no_sense_is_refused(options: dict[str, Any], message: str) -> None:
    with Sharpener(threads=1) as sharpener, pytest.raises(UsageError, match=message):
        sharpener.gate(**options)


@pytest.fixture
def by_corner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Router, "gains_on", gains_on)


def options_of(index: int) -> dict[str, Any]:
    return {"look_every": 4, **calls()[index][0]}


@pytest.mark.parametrize("mode", ["latency", "throughput"])
@pytest.mark.parametrize("workers", [None, 1, 4])
def test_calls_together_are_what_they_are_alone(
    by_corner: None, mode: Any, workers: int | None
) -> None:
    results: list[list[Frame]] = [[] for _ in calls()]
    with (
        Sharpener(threads=1, mode=mode) as sharpener,
        sharpener.gate(workers=workers) as gate,
    ):

        def run(index: int) -> None:
            with gate.call(**options_of(index)) as call:
                results[index] = [call(one) for one in calls()[index][1]]

        threads = [threading.Thread(target=run, args=(index,)) for index in range(len(results))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert gate.counts == {"sharpened": 5 * 24, "overtaken": 0, "late": 0}
    for own, wanted in zip(results, alone(), strict=True):
        assert all(np.array_equal(*pair) for pair in zip(own, wanted, strict=True))


@pytest.mark.parametrize("seed", range(3))
def test_what_is_let_through_is_what_it_is_alone(by_corner: None, seed: int) -> None:
    """Frames come in bursts, faster than they are made: many are overtaken."""
    served: dict[int, list[tuple[Frame, Frame]]] = {}

    class Noting:
        def __init__(self, session: Session) -> None:
            self.session, self.spec, self.close = session, session.spec, session.close
            self.catch_up = session.catch_up
            self.own = served.setdefault(len(served), [])

        def __call__(self, picture: Frame) -> Frame:
            result = self.session(picture)
            self.own.append((picture, result.copy()))
            return result

    def opens(**options: Any) -> Any:
        return Noting(sharpener.session(**options))

    frames = [own for _, own in calls()]
    given: list[list[tuple[Frame, Future[Frame]]]] = [[] for _ in frames]
    with Sharpener(threads=1) as sharpener, Gate(opens, 2) as gate:
        together = [gate.call(**options_of(index)) for index in range(len(frames))]
        order = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(frames)), 24))
        for index in order:
            picture = frames[index][len(given[index])]
            given[index].append((picture, together[index].submit(picture)))
            if np.random.default_rng([seed, sum(map(len, given))]).random() < 0.5:
                given[index][-1][1].result(30)
        for own in given:
            wait([future for _, future in own], 30)
        assert gate.counts["overtaken"] > 0
        for index, own in enumerate(given):
            with sharpener.session(**options_of(index)) as call:
                for before, after in served[index]:
                    assert np.array_equal(call(before), after)
            let_through = {before.tobytes() for before, _ in served[index]}
            for picture, future in own:
                if picture.tobytes() not in let_through:
                    assert np.array_equal(future.result(), picture)


@pytest.mark.parametrize(
    ("model", "mode", "workers"),
    [("call", "latency", 2), ("call", "throughput", 2), ("call-fast", "throughput", 2)],
)
def test_a_frame_is_ready_for_each_that_runs(
    monkeypatch: pytest.MonkeyPatch, model: str, mode: Any, workers: int
) -> None:
    asked: list[int] = []

    class Asked(Gate):
        def __init__(self, opens: Any, workers: int, **options: Any) -> None:
            asked.append(workers)
            super().__init__(opens, workers, **options)

    monkeypatch.setattr("ovsharp.runtime.sharpener.Gate", Asked)
    with Sharpener(model, threads=1, mode=mode) as sharpener:
        sharpener.gate().close()
    assert asked == [workers]


def test_a_frame_of_an_upscaler_comes_back_enlarged() -> None:
    picture = noise(8, 12)
    with Sharpener("x4-fast", threads=1) as sharpener, sharpener.gate(workers=1) as gate:
        one, two = gate.call(), gate.call()
        futures = [call.submit(picture) for call in (one, two, two, two)]
        assert {future.result(30).shape for future in futures} == {(32, 48, 3)}
        assert sum(gate.counts.values()) == 4


def test_an_event_loop_goes_on() -> None:
    async def work(many: list[Call]) -> list[Frame]:
        return await asyncio.gather(*(call.asharpen(noise(16, 24)) for call in many))

    with Sharpener("call-fast", threads=1) as sharpener, sharpener.gate() as gate:
        results = asyncio.run(work([gate.call() for _ in range(6)]))
        assert all(np.array_equal(one, sharpener(noise(16, 24))) for one in results)


def test_a_program_that_forgets_to_close_ends() -> None:
    program = """
import numpy as np
from ovsharp import Sharpener
call = Sharpener("call-fast", threads=1).gate().call()
for _ in range(3):
    future = call.submit(np.zeros((32, 48, 3), np.uint8))
print(future.result().shape)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "(32, 48, 3)\n", "")
