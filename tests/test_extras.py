"""Packages that only some commands need."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from ovsharp import MissingExtraError, extras


def test_one_thread_imports_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    inside, most = [0], [0]
    together = threading.Barrier(4)

    def slow(name: str) -> str:
        inside[0] += 1
        most[0] = max(most[0], inside[0])
        time.sleep(0.01)
        inside[0] -= 1
        return name

    def meet() -> object:
        together.wait()
        return extras.load("numpy", extra="convert")

    monkeypatch.setattr(extras, "import_module", slow)
    with ThreadPoolExecutor(4) as pool:
        assert [future.result() for future in [pool.submit(meet) for _ in range(4)]] == [
            "numpy"
        ] * 4
    assert most == [1]


def test_a_missing_package_names_its_extra() -> None:
    with pytest.raises(MissingExtraError, match=r'pip install "ovsharp\[video\]"'):
        extras.load("no_such_package", extra="video")
