"""Memory of frames: used again, but never while somebody holds it."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator

import numpy as np
import pytest

from ovsharp.engine import buffers
from ovsharp.engine.buffers import copy_frame, empty_frame

SHAPE = (300, 400, 3)


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    buffers._idle.cache_clear()
    yield
    buffers._idle.cache_clear()


def address(frame: np.ndarray) -> int:
    return int(frame.__array_interface__["data"][0])


def test_memory_is_used_again_when_nobody_holds_it() -> None:
    frame = empty_frame(SHAPE)
    first = address(frame)
    del frame
    assert address(empty_frame(SHAPE)) == first


@pytest.mark.parametrize("view", [lambda a: a[5:, ::2], lambda a: a.view(np.int8), memoryview])
def test_a_view_holds_it(view: object) -> None:
    frame = empty_frame(SHAPE)
    frame[:] = 7
    seen = view(frame)  # type: ignore[operator]
    del frame
    gc.collect()
    others = [empty_frame(SHAPE) for _ in range(3)]
    for other in others:
        other[:] = 9
    assert set(np.asarray(seen).ravel().tolist()) == {7}


def test_what_waits_is_bounded() -> None:
    frames = [empty_frame((1024, 1024, 3)) for _ in range(40)]
    del frames
    assert len(buffers._idle(3 << 20)) == (buffers.IDLE // (3 << 20)) == 10
    for width in range(1000, 1000 + 2 * buffers._SIZES):
        empty_frame((500, width, 3))
    assert buffers._idle.cache_info().currsize == buffers._SIZES


@pytest.mark.parametrize("shape", [(2, 2, 3), (4000, 4000, 3)])
def test_what_is_small_or_very_large_is_left_to_the_system(shape: tuple[int, ...]) -> None:
    assert empty_frame(shape).flags.owndata
    assert buffers._idle.cache_info().currsize == 0


def test_threads_never_share_a_frame() -> None:
    mixed = []

    def use(value: int) -> None:
        for _ in range(200):
            frame = copy_frame(np.full(SHAPE, value, np.uint8))
            if (frame != value).any():
                mixed.append(value)

    threads = [threading.Thread(target=use, args=(value,)) for value in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not mixed
