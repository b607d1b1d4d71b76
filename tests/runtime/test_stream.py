"""Frames in flight: order, bounds, exceptions, and that nothing ever hangs."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path

import numpy as np
import pytest

from ovsharp.engine import Frame
from ovsharp.engine.ring import Slot
from ovsharp.errors import InferenceError
from ovsharp.runtime import Sharpener
from tests.networks import write_frame_model
from tests.runtime.models import noise


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_frame_model(tmp_path_factory.mktemp("models"), unshuffle=2)


@pytest.fixture(params=["latency", "throughput"])
def sharp(model: Path, request: pytest.FixtureRequest) -> Iterator[Sharpener]:
    with Sharpener(model, precision="f32", mode=request.param) as made:
        yield made


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """No inference ends before this is set."""
    event = threading.Event()
    real = Slot.wait

    def wait(slot: Slot) -> None:
        assert event.wait(30)
        real(slot)

    monkeypatch.setattr(Slot, "wait", wait)
    return event


def slots_of(sharp: Sharpener, height: int, width: int) -> int:
    return sharp.settings_for(height, width).requests + 1


def test_results_come_in_order(sharp: Sharpener) -> None:
    frames = [noise(20 + 6 * (seed % 4), 33, seed) for seed in range(40)]
    expected = [sharp(frame) for frame in frames]
    results = list(sharp.stream(iter(frames)))
    assert len(results) == len(frames)
    assert all(np.array_equal(*pair) for pair in zip(results, expected, strict=True))


def test_the_buffer_may_be_reused(sharp: Sharpener) -> None:
    frames = [noise(20, 30, seed) for seed in range(20)]
    expected = [sharp(frame) for frame in frames]

    def one_buffer() -> Iterator[Frame]:
        buffer = np.empty_like(frames[0])
        for frame in frames:
            buffer[:] = frame
            yield buffer

    for result, wanted in zip(sharp.stream(one_buffer()), expected, strict=True):
        assert np.array_equal(result, wanted)


def test_no_frames(sharp: Sharpener) -> None:
    assert list(sharp.stream([])) == []


def test_few_frames_are_taken_ahead(sharp: Sharpener) -> None:
    slots = slots_of(sharp, 16, 16)
    taken = 0

    def source() -> Iterator[Frame]:
        nonlocal taken
        for seed in range(30):
            taken += 1
            yield noise(16, 16, seed)

    for given, _ in enumerate(sharp.stream(source()), start=1):
        assert taken - given <= slots


def test_submit_waits_while_all_slots_are_taken(sharp: Sharpener, gate: threading.Event) -> None:
    slots = slots_of(sharp, 16, 16)
    futures: list[Future[Frame]] = []
    full = threading.Event()

    def submit() -> None:
        for seed in range(slots + 2):
            if len(futures) == slots:
                full.set()
            futures.append(sharp.submit(noise(16, 16, seed)))

    thread = threading.Thread(target=submit)
    thread.start()
    assert full.wait(30)
    thread.join(0.2)
    assert thread.is_alive()
    assert len(futures) == slots
    gate.set()
    thread.join(30)
    assert [future.result(30).shape for future in futures] == [(16, 16, 3)] * (slots + 2)


def test_futures_complete_in_order(sharp: Sharpener) -> None:
    done: list[int] = []
    futures = []
    for index in range(20):
        future = sharp.submit(noise(12, 12, index))
        future.add_done_callback(lambda _, index=index: done.append(index))
        futures.append(future)
    for future in futures:
        future.result(30)
    sharp.close()
    assert done == sorted(done)
    assert len(done) == 20


def test_a_cancelled_frame_frees_its_slot(sharp: Sharpener, gate: threading.Event) -> None:
    slots = slots_of(sharp, 16, 16)
    futures = [sharp.submit(noise(16, 16, seed)) for seed in range(slots)]
    assert futures[-1].cancel()
    gate.set()
    for future in futures[:-1]:
        future.result(30)
    gate.clear()
    again = [sharp.submit(noise(16, 16, seed)) for seed in range(slots)]  # takes every slot
    gate.set()
    for seed, future in enumerate(again):
        assert np.array_equal(future.result(30), sharp(noise(16, 16, seed)))


def test_a_bad_frame_raises_at_its_place(sharp: Sharpener) -> None:
    frames = [noise(16, 16, seed) for seed in range(4)]
    bad = np.zeros((4, 4, 3), np.int64)
    results = []
    with pytest.raises(InferenceError, match="int64"):
        results.extend(sharp.stream([*frames, bad, noise(16, 16)]))
    stream = sharp.stream([*frames, bad])
    assert len([next(stream) for _ in frames]) == 4
    with pytest.raises(InferenceError, match="int64"):
        next(stream)
    assert sharp(frames[0]).shape == (16, 16, 3)


def test_an_exception_of_the_source_raises_at_its_place(sharp: Sharpener) -> None:
    def source() -> Iterator[Frame]:
        yield noise(16, 16, 0)
        yield noise(16, 16, 1)
        raise OSError("the camera is gone")

    stream = sharp.stream(source())
    assert [next(stream).shape, next(stream).shape] == [(16, 16, 3)] * 2
    with pytest.raises(OSError, match="the camera is gone"):
        next(stream)


def test_a_failed_inference_raises_at_its_place(
    sharp: Sharpener, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, count = Slot.wait, 0

    def wait(slot: Slot) -> None:
        nonlocal count
        count += 1
        real(slot)
        if count == 3:
            raise InferenceError("inference of a frame failed")

    monkeypatch.setattr(Slot, "wait", wait)
    stream = sharp.stream(noise(16, 16, seed) for seed in range(6))
    next(stream), next(stream)
    with pytest.raises(InferenceError, match="failed"):
        next(stream)
    assert list(stream) == []
    assert sharp(noise(16, 16)).shape == (16, 16, 3)


def test_openvino_errors_are_named(sharp: Sharpener) -> None:
    slot = sharp._chooser.variant.slots(sharp._chooser.variant.plan(16, 16)).take()
    wrong = {"frame": noise(8, 8), "sharp": noise(16, 16)}
    with pytest.raises(InferenceError, match="starting a frame of 16x16 on CPU failed: "):
        slot.start(wrong)


def test_a_slot_that_an_interrupt_loses_is_replaced(sharp: Sharpener) -> None:
    slots = sharp._chooser.variant.slots(sharp._chooser.variant.plan(16, 16))
    for _ in range(2 * slots.count):
        slots.take()  # Ctrl-C came before anybody held it
    assert len(list(sharp.stream([noise(16, 16)] * 5))) == 5


def test_a_stream_may_be_left_early(sharp: Sharpener) -> None:
    stream = sharp.stream(noise(16, 16, seed) for seed in range(100))
    next(stream)
    stream.close()
    assert len(list(sharp.stream([noise(16, 16)] * 10))) == 10


def test_streams_side_by_side(sharp: Sharpener) -> None:
    frames = [noise(16, 16, seed) for seed in range(10)]
    pairs = list(zip(sharp.stream(frames), sharp.stream(frames[::-1]), strict=True))
    assert all(np.array_equal(pair[0], sharp(frames[i])) for i, pair in enumerate(pairs))
    assert all(np.array_equal(pair[1], sharp(frames[9 - i])) for i, pair in enumerate(pairs))


def test_close_releases_those_who_wait_for_a_slot(model: Path, gate: threading.Event) -> None:
    sharp = Sharpener(model)
    slots = slots_of(sharp, 16, 16)
    futures = [sharp.submit(noise(16, 16)) for _ in range(slots)]
    errors: list[Exception] = []

    def submit() -> None:
        try:
            futures.append(sharp.submit(noise(16, 16)))
        except InferenceError as error:
            errors.append(error)

    waiting = threading.Thread(target=submit)
    waiting.start()
    closing = threading.Thread(target=sharp.close)
    closing.start()
    gate.set()
    closing.join(30)
    waiting.join(30)
    assert not closing.is_alive()
    assert not waiting.is_alive()
    assert len(futures) + len(errors) == slots + 1
    assert all(future.done() for future in futures)


PROGRAM = """
import sys, itertools
import numpy as np
from ovsharp import Sharpener
sharp = Sharpener(sys.argv[1])
frame = np.zeros((64, 64, 3), np.uint8)
"""


def run(model: Path, program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PROGRAM + program, str(model)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_program_that_forgets_to_close_ends(model: Path) -> None:
    done = run(model, "futures = [sharp.submit(frame) for _ in range(20)]; print('end')")
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "end", "")


def test_an_interrupt_while_its_thread_starts_does_not_hang_the_close(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_arguments: object) -> None:
        raise KeyboardInterrupt

    sharp = Sharpener(model, threads=1)
    with monkeypatch.context() as patched:
        patched.setattr("_thread.start_new_thread", interrupt)
        with pytest.raises(KeyboardInterrupt):
            sharp.submit(np.zeros((16, 16, 3), np.uint8))
    closing = threading.Thread(target=sharp.close, daemon=True)
    closing.start()
    closing.join(30)
    assert not closing.is_alive()


@pytest.mark.skipif(sys.platform == "win32", reason="SIGINT to oneself kills a Windows process")
def test_interrupting_a_stream_ends_it(model: Path) -> None:
    program = """
import os, signal, threading
# Where the tests run in the background, SIGINT is ignored, and every child inherits that.
signal.signal(signal.SIGINT, signal.default_int_handler)
threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
try:
    with sharp:
        for result in sharp.stream(itertools.repeat(frame)):
            pass
except KeyboardInterrupt:
    print('interrupted')
"""
    done = run(model, program)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "interrupted", "")
