"""Many calls over the same models: each is treated as if it were alone."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ovsharp import Sharpener
from ovsharp.engine import Frame, compile_frames, variant
from ovsharp.errors import InferenceError, UsageError
from ovsharp.runtime import Router, Session
from tests.networks import write_frame_model
from tests.runtime.calls import alone, calls, frame, gains_on
from tests.runtime.models import noise


@pytest.fixture(autouse=True)
def by_corner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Router, "gains_on", gains_on)


def one_by_one(sessions: list[Session], frames: list[list[Frame]]) -> list[list[Frame]]:
    """In turns that a seed decides."""
    results: list[list[Frame]] = [[] for _ in sessions]
    order = np.repeat(np.arange(len(sessions)), len(frames[0]))
    for index in np.random.default_rng(5).permutation(order):
        results[index].append(sessions[index](frames[index][len(results[index])]))
    return results


def all_at_once(sessions: list[Session], frames: list[list[Frame]]) -> list[list[Frame]]:
    """A thread for each."""
    results: list[list[Frame]] = [[] for _ in sessions]
    barrier = threading.Barrier(len(sessions))

    def run(index: int) -> None:
        barrier.wait()
        results[index] = [sessions[index](one) for one in frames[index]]

    threads = [threading.Thread(target=run, args=(index,)) for index in range(len(sessions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return results


def streamed(sessions: list[Session], frames: list[list[Frame]]) -> list[list[Frame]]:
    """Several frames of each in flight."""
    rows = zip(*(one.stream(own) for one, own in zip(sessions, frames, strict=True)), strict=True)
    return [list(column) for column in zip(*rows, strict=True)]


@pytest.mark.parametrize("mode", ["latency", "throughput"])
@pytest.mark.parametrize("together", [one_by_one, all_at_once, streamed])
def test_calls_together_are_what_they_are_alone(
    together: Callable[[list[Session], list[list[Frame]]], list[list[Frame]]], mode: str
) -> None:
    with Sharpener(threads=1, mode=mode) as sharpener:  # type: ignore[arg-type]
        sessions = [
            sharpener.session(look_every=4, **options)  # type: ignore[arg-type]
            for options, _ in calls()
        ]
        results = together(sessions, [frames for _, frames in calls()])
        assert len(sessions[2].switches) == 1
        assert sessions[1].made == {"untouched": 24}
        assert sharpener.frames == sum(call.frames for call in sessions) == 5 * 24
    for own, wanted in zip(results, alone(), strict=True):
        assert all(np.array_equal(*pair) for pair in zip(own, wanted, strict=True))


def test_a_call_tells_its_own_figures_and_the_sharpener_those_of_all() -> None:
    with Sharpener(threads=1) as sharpener, sharpener.session() as one, sharpener.session() as two:
        names = sharpener.variants
        one(frame(1, 30, 0))
        two(frame(2, 20, 0)), two(frame(2, 20, 1))
        assert (one.made, one.variant, one.why) == ({names[1]: 1}, names[1], "expected +2.0 dB")
        assert (two.made, two.gains[names[2]]) == ({names[2]: 2}, 1.0)
        assert sharpener.made == {names[2]: 2, names[1]: 1}
        assert sharpener.variant == names[2]


def test_a_restart_and_a_pin_concern_one_call() -> None:
    with Sharpener(threads=1) as sharpener, sharpener.session() as one, sharpener.session() as two:
        names = sharpener.variants
        for call in (one, two):
            call(frame(1, 30, 0))
        one.restart()
        two.pin(names[3])
        for call in (one, two):
            call(frame(2, 90, 1))
        assert (one.variant, two.variant) == (names[2], names[3])
        sharpener.pin(names[4])  # of all that have no pin of their own
        for call in (one, two):
            call(frame(2, 90, 2))
        assert (one.variant, two.variant) == (names[4], names[3])


def test_a_lone_frame_is_judged_by_itself_while_calls_go_on() -> None:
    with Sharpener(threads=1) as sharpener, sharpener.session() as call:
        names = sharpener.variants
        call(frame(1, 30, 0))
        for place in (2, 3, 2):
            sharpener(frame(place, 30, 0))
            assert sharpener.variant == names[place]
        call(frame(1, 30, 1))
        assert call.switches == sharpener.switches == ()


def test_a_webcam_loop_in_a_session_does_not_flicker() -> None:
    # The damage wavers from frame to frame, as the router sees it.
    frames = [frame(1 + index % 2, 60, index) for index in range(60)]
    with Sharpener(threads=1) as sharpener:
        lone, loop = [], []
        for picture in frames:
            sharpener(picture)
            lone.append(sharpener.variant)
        with sharpener.session() as call:
            for picture in frames:
                call(picture)
                loop.append(call.variant)
            assert len(call.switches) <= 1  # away from what the first frame alone had told
    assert len(set(lone)) == 2
    assert len(set(loop[29:])) == 1


def test_changes_are_counted_from_the_start_of_the_stream() -> None:
    with Sharpener(threads=1) as sharpener, sharpener.session(look_every=4, first=240) as call:
        names = sharpener.variants
        for index in range(12):
            call(frame(1 + (index > 5), 90, index))
        call.restart()  # a segment begins: the count goes on
        for index in range(12, 24):
            call(frame(3, 90, index))
        told = [(switch.frame, switch.before, switch.after) for switch in call.switches]
        assert told[0][1:] == (names[1], names[2])
        assert 246 < told[0][0] < 252
        assert told[1:] == [(252, names[2], names[3])]
    with Sharpener(threads=1) as sharpener, pytest.raises(UsageError, match="0 or more, got -1"):
        sharpener.session(first=-1)


def test_strength_can_be_set_at_any_time() -> None:
    picture = frame(1, 30, 0)
    with Sharpener(threads=1) as sharpener, sharpener.session() as call:
        full = call(picture).astype(int)
        sharpener.strength = 0
        assert np.array_equal(call(picture), picture)  # a call follows its sharpener ...
        call.strength = 0.5
        half = sharpener.strength, call(picture).astype(int)
        assert half[0] == 0  # ... until it has its own
        assert abs(half[1] - (full + picture) / 2).max() <= 0.5
        future = call.submit(picture)
        call.strength = 1
        assert np.array_equal(future.result(), half[1])
        for wrong in (-0.1, 1.6):
            with pytest.raises(UsageError, match="strength must be from 0"):
                call.strength = wrong


def test_a_look_at_one_call_does_not_hold_another(monkeypatch: pytest.MonkeyPatch) -> None:
    looking, go_on = threading.Event(), threading.Event()

    def slow(router: Router, crops: Frame) -> dict[str, float]:
        if crops[0, 0, 0, 0] == 5:
            looking.set()
            assert go_on.wait(30)
        return gains_on(router, crops)

    monkeypatch.setattr(Router, "gains_on", slow)
    with Sharpener(threads=1) as sharpener, sharpener.session() as one, sharpener.session() as two:
        two(frame(1, 30, 0))
        thread = threading.Thread(target=one, args=(frame(5, 30, 0),))
        thread.start()
        assert looking.wait(30)
        for seed in range(1, 4):
            two(frame(1, 30, seed))
        assert one.frames == 0
        go_on.set()
        thread.join(30)
        assert one.frames == 1


def test_calls_of_many_sizes_and_models_compile_once(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[tuple[str, int, int]] = []

    def counting(model: object, spec: object, height: int, width: int, **options: object) -> object:
        compiled.append((spec.name, height, width))  # type: ignore[attr-defined]
        return compile_frames(model, spec, height, width, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(variant, "compile_frames", counting)
    with Sharpener(threads=1) as sharpener:
        sessions = [sharpener.session() for _ in range(12)]
        for seed in range(3):
            for index, call in enumerate(sessions):
                call(frame(1 + index % 6, 90, seed, (32 + 16 * (index // 2), 64)))
        assert len(compiled) == len(set(compiled)) == 12


def test_closing_one_call_leaves_the_others() -> None:
    sharpener = Sharpener(threads=1)
    with sharpener.session() as one, sharpener.session() as two:
        one(frame(1, 30, 0))
        one.close()
        one.close()
        with pytest.raises(InferenceError, match="the session is closed"):
            one(frame(1, 30, 0))
        future = two.submit(frame(1, 30, 0))
        sharpener.close()
        assert future.done()
        with pytest.raises(InferenceError, match="the sharpener is closed"):
            two(frame(1, 30, 0))
        with pytest.raises(InferenceError, match="the sharpener is closed"):
            sharpener.session()


def test_an_event_loop_goes_on(tmp_path: Path) -> None:
    async def work(sharpener: Sharpener, frames: list[Frame]) -> list[Frame]:
        return await asyncio.gather(*(sharpener.asharpen(one) for one in frames))

    frames = [noise(16, 24, seed) for seed in range(8)]
    with Sharpener(write_frame_model(tmp_path), threads=1) as sharpener:
        results = asyncio.run(work(sharpener, frames))
        wanted = [sharpener(one) for one in frames]
    assert all(np.array_equal(*pair) for pair in zip(results, wanted, strict=True))


def test_a_sharpener_says_what_it_is(tmp_path: Path) -> None:
    with Sharpener(threads=2, strength=0.5) as sharpener:
        told = "Sharpener('call', device='CPU', mode='latency', threads=2, strength=0.5)"
        assert repr(sharpener) == told


PREAMBLE = """
import os, signal, sys
import numpy as np
from pathlib import Path
from ovsharp import Sharpener
from ovsharp.errors import InferenceError
frame = np.zeros((32, 48, 3), np.uint8)
"""


def run(program: str, *arguments: object) -> str:
    done = subprocess.run(
        [sys.executable, "-c", PREAMBLE + program, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs Linux")
@pytest.mark.parametrize(("mode", "threads"), [("latency", None), ("throughput", 1)])
def test_no_thread_is_bound_to_a_core(mode: str, threads: int | None) -> None:
    """Two models that run at once would be bound to the same core, and so would two processes."""
    program = """
from threading import Thread
threads = None if sys.argv[2] == "None" else int(sys.argv[2])
sharpeners = [Sharpener(name, threads=threads, mode=sys.argv[1]) for name in ("call-noise", "call")]
def work(sharpener):
    for _ in range(40):
        sharpener(frame)
works = [Thread(target=work, args=(one,)) for one in sharpeners]
for one in works:
    one.start()
seen = set()
while any(one.is_alive() for one in works):
    for task in Path("/proc/self/task").iterdir():
        try:
            seen.add(len(os.sched_getaffinity(int(task.name))))
        except ProcessLookupError:
            pass
print(seen == {len(os.sched_getaffinity(0))})
"""
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("needs two cores")
    assert run(program, mode, threads) == "True"


@pytest.fixture
def forking(tmp_path: Path) -> Callable[..., list[str]]:
    """Run something before a fork, and something in each child, none of which may hang."""
    model = write_frame_model(tmp_path)

    def work(before: str, *children: str) -> list[str]:
        program = f"""
def make():
    return Sharpener(Path({str(model)!r}), threads=1)
{before}
for child in {children!r}:
    if os.fork() == 0:
        signal.alarm(30)
        try:
            exec(child)
            print("child is done", flush=True)
        except InferenceError as error:
            print(error, flush=True)
        os._exit(0)
    os.wait()
"""
        return run(program).splitlines()

    return work


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize(
    ("before", "children"),
    [
        (
            "sharpener = make(); sharpener(frame)",
            [
                "sharpener(frame)",
                "sharpener.submit(frame).result()",
                "next(sharpener.stream([frame]))",
                "make()",
            ],
        ),
        ("call = make().session()", ["call(frame)"]),
    ],
    ids=["used", "compiled"],
)
def test_a_fork_is_told_at_once_with_the_cure(
    forking: Callable[..., list[str]], before: str, children: list[str]
) -> None:
    told = forking(before, *children)
    assert len(told) == len(children)
    for line in told:
        assert line.startswith("this process was forked from one that used OpenVINO")
        assert "'spawn'" in line


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_child_may_make_the_first_sharpener(forking: Callable[..., list[str]]) -> None:
    assert forking("", "make()(frame)") == ["child is done"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_that_does_something_else_ends(tmp_path: Path) -> None:
    """As a server that forks, or `os.fork` alone: it waits for no thread that is not there."""
    program = f"""
def make():
    return Sharpener(Path({str(write_frame_model(tmp_path))!r}), threads=1)
def child():
    if os.fork() == 0:
        signal.alarm(30)
        sys.exit(7)
    print(os.waitstatus_to_exitcode(os.wait()[1]))
called = make(); called(frame)
child()
submitted = make(); submitted.submit(frame).result()
child()
gate = make().gate().call(); gate(frame)
child()
router = Sharpener(threads=1); router(frame)
child()
"""
    assert run(program).split() == ["7"] * 4
