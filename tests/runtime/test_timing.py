"""Measured times and their cache, with a clock that only moves when something runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ovsharp.runtime.timing import (
    FILE_NAME,
    ROUNDS,
    SECONDS,
    TimingCache,
    cache_folder,
    measure,
    size_class,
)
from tests.clock import Clock


def test_models_are_timed_in_turns_without_the_first_call() -> None:
    clock = Clock()
    times = measure({"a": clock.takes("a", 9.0, 0.01), "b": clock.takes("b", 0.02)}, clock)
    assert times == pytest.approx({"a": 10, "b": 20})
    assert clock.order[:4] == ["a", "b", "a", "b"]


def test_the_median_of_the_rounds_counts() -> None:
    clock = Clock()
    times = measure({"a": clock.takes("a", 0.01, 0.01, 0.5, 0.01)}, clock)
    assert times["a"] == pytest.approx(10)
    assert len(clock.order) == ROUNDS


def test_frames_side_by_side_share_their_time() -> None:
    clock = Clock()
    assert measure({"a": clock.takes("a", 0.08, frames=4)}, clock)["a"] == pytest.approx(20)


def test_slow_models_are_timed_once() -> None:
    clock = Clock()
    run = clock.takes("a", 2 * SECONDS)
    assert measure({"a": run, "b": clock.takes("b", 0.1)}, clock)["b"] == pytest.approx(100)
    assert clock.order == ["a", "b", "a", "b"]


def test_sizes_of_one_class_are_alike() -> None:
    assert size_class(1080, 1920) == size_class(1920, 1080)
    assert size_class(480, 640) != size_class(1080, 1920)
    assert size_class(1, 1) == 0


def test_figures_are_remembered_beside_others(tmp_path: Path) -> None:
    TimingCache(tmp_path / "new").put({"a": 1.5, "b": 2})
    TimingCache(tmp_path / "new").put({"b": 3.5})
    cache = TimingCache(tmp_path / "new")
    assert [cache.get(key) for key in "abc"] == [1.5, 3.5, None]


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"{", b"[1]", b"\xff\xfe\x00", b'"a"', b"[" * 100_000, b'{"a": "fast"}'),
        *(json.dumps({"a": one}).encode() for one in (-1, 0, None, True, [1])),
        *(b'{"a": NaN}', b'{"a": Infinity}'),
    ],
    ids=range(14),
)
def test_a_corrupt_cache_is_as_good_as_none(content: bytes, tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(content)
    cache = TimingCache(tmp_path)
    assert cache.get("a") is None
    cache.put({"b": 2.5})
    assert TimingCache(tmp_path).get("b") == 2.5


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    cache = TimingCache(tmp_path / "file")
    cache.put({"a": 1.5})
    assert cache.get("a") is None
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_the_folder_is_the_users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OVSHARP_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("os.name", "posix")
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    assert cache_folder() == tmp_path / ".cache" / "ovsharp"
    monkeypatch.setenv("XDG_CACHE_HOME", "not/absolute")
    assert cache_folder() == tmp_path / ".cache" / "ovsharp"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "ovsharp"
    monkeypatch.setenv("OVSHARP_CACHE", str(tmp_path / "own"))
    assert cache_folder() == tmp_path / "own"


def test_without_a_home_nothing_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OVSHARP_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)

    def nowhere() -> Path:
        raise RuntimeError("no home")

    monkeypatch.setattr(Path, "home", nowhere)
    cache = TimingCache()
    cache.put({"a": 1.5})
    assert cache.get("a") is None
