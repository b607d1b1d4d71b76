"""docs/CALLS.md says what its script computes."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from tests.scripts import loaded

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "CALLS.md"
pytestmark = pytest.mark.skipif(not PAGE.is_file(), reason="ovsharp is installed from a wheel")


@pytest.fixture(scope="module")
def script() -> ModuleType:
    return loaded("calls_on_paper")


def test_the_forecast_is_what_the_script_prints(
    script: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    script.forecast(0.04)
    printed = capsys.readouterr().out.strip()
    assert printed in PAGE.read_text(encoding="utf-8")


def test_the_simulation_is_what_the_page_says(script: ModuleType) -> None:
    times, look = script.service()
    rows = [script.simulate(times, 20, 2, gate=gate, look=look).row() for gate in (False, True)]
    for name, (p50, p95, p99, late, worst) in zip(("queue", "gate"), rows, strict=True):
        waits = f"{p50:.0f} | {p95:.0f} | {p99:.0f}"
        row = f"| 2 | 1.18 | 20 | {name} | {waits} | {late:.1f} | {worst:.1f} |"
        assert row in PAGE.read_text(encoding="utf-8")


def test_the_gate_is_fair_and_a_frame_is_never_counted_twice(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(script, "SECONDS", 5.0)
    for gate in (False, True):
        result = script.simulate([10.0], 9, 2, gate=gate)  # room for 200 frames a second of 270
        assert len(result.waits) == 9 * 150
        assert min(result.waits) >= 10
        assert np.ptp(result.made) <= 1
    assert sum(result.made) == pytest.approx(1000, abs=10)


def test_a_look_holds_a_core_but_not_the_frame_before_it(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(script, "SECONDS", 5.0)
    alone = script.simulate([10.0], 1, 1, gate=True, look=20.0)
    assert max(alone.waits) == pytest.approx(10)
    two = script.simulate([10.0], 2, 1, gate=True, look=20.0)
    assert sum(wait > 20.1 for wait in two.waits) >= 1  # of the other call, behind such a look


def test_ways_are_compared_within_a_round_and_by_their_bytes() -> None:
    module = loaded("split_table")
    runs = {
        "one process": [module.Run(10.0, 18.0, 300, "a"), module.Run(40.0, 20.0, 301, "a")],
        "--workers 2": [module.Run(5.0, 19.0, 500, "a"), module.Run(30.0, 21.0, 499, "a")],
        "--cluster auto": [module.Run(20.0, 0.0, 900, "a"), module.Run(40.0, 0.0, 900, "b")],
    }
    assert module.table(runs)[2:] == [
        "| one process | 25.0 | 1.00 | 19.0 | 301 | equal |",
        "| --workers 2 | 17.5 | 0.62 | 20.0 | 500 | equal |",
        "| --cluster auto | 30.0 | 1.50 |  | 900 | DIFFERS |",
    ]
