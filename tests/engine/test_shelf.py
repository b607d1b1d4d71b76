"""Compiled models stay while there is memory for them."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

import pytest

from ovsharp.engine import shelf as room
from ovsharp.engine.shelf import Shelf
from ovsharp.errors import InferenceError, UsageError


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """What was compiled, in order; a model of height N takes N megabytes."""
    monkeypatch.setattr(room, "Slots", lambda compiled: compiled)
    return []


def take(shelf: Shelf, compiled: list[tuple[str, int]], owner: str, megabytes: int) -> Any:
    def compile_size(height: int, _width: int) -> Any:
        compiled.append((owner, height))
        return SimpleNamespace(megabytes=float(height))

    return shelf.get(owner, megabytes, 8, compile_size)


def test_what_is_in_use_stays_within_the_limit(compiled: list[tuple[str, int]]) -> None:
    shelf = Shelf(100)
    for _ in range(3):
        for number in range(10):
            take(shelf, compiled, f"model {number}", 10)
    assert len(compiled) == shelf.count == 10
    take(shelf, compiled, "another", 15)  # two go, those that were not used for longest
    assert shelf.count == 9
    for number in range(2, 10):
        take(shelf, compiled, f"model {number}", 10)
    assert len(compiled) == 11
    take(shelf, compiled, "model 0", 10)
    assert compiled[-1] == ("model 0", 10)


def test_what_is_larger_than_the_limit_stays_alone(compiled: list[tuple[str, int]]) -> None:
    shelf = Shelf(10)
    take(shelf, compiled, "small", 4)
    for _ in range(3):
        take(shelf, compiled, "large", 50)
    assert (shelf.count, len(compiled)) == (1, 2)


def test_a_model_can_be_dropped(compiled: list[tuple[str, int]]) -> None:
    shelf = Shelf()
    for owner, size in (("one", 1), ("one", 2), ("two", 1)):
        take(shelf, compiled, owner, size)
    shelf.clear("one")
    assert shelf.count == 1
    shelf.clear()
    assert shelf.count == 0


def test_several_threads_compile_one_thing_once(compiled: list[tuple[str, int]]) -> None:
    shelf, barrier = Shelf(), threading.Barrier(6)
    given: list[Any] = []

    def work() -> None:
        barrier.wait()
        given.append(take(shelf, compiled, "one", 1))

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(compiled) == 1
    assert len({id(one) for one in given}) == 1


def test_what_fails_is_tried_again(compiled: list[tuple[str, int]]) -> None:
    shelf = Shelf()

    def fail(_height: int, _width: int) -> Any:
        raise InferenceError("no")

    with pytest.raises(InferenceError):
        shelf.get("one", 1, 8, fail)
    assert shelf.count == 0
    take(shelf, compiled, "one", 1)
    assert shelf.count == 1


def test_a_limit_is_needed() -> None:
    with pytest.raises(UsageError, match="memory must be 1 MB or more, got 0"):
        Shelf(0)
