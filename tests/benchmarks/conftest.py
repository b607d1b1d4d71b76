"""What all tests of this room share."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session", autouse=True)
def short_peak() -> None:
    """The yardstick of a profile takes seconds: here one run of one small layer is enough."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ovsharp.measuring.peak._RUNS", 2)
        patch.setattr("ovsharp.measuring.peak.CHANNELS", 32)
        yield
