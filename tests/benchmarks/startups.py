"""What a fresh process pays, asked once: each row of a benchmark starts a process for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from ovsharp.benchmarks import subjects
from ovsharp.measuring import Startup


@contextmanager
def one_startup() -> Iterator[None]:
    """Let the first row ask a process of its own, and give its answer to all others."""
    real = subjects.measure_startup
    told: list[Startup] = []

    def measure(*arguments: Any, **options: Any) -> Startup:
        if not told:
            told.append(real(*arguments, **options))
        return told[0]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(subjects, "measure_startup", measure)
        yield
