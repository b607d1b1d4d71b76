from __future__ import annotations

import pytest

from ovsharp.benchmarks import compare_speed, speed
from ovsharp.engine import Execution
from ovsharp.reports import Size
from tests.networks import frame_model, frame_spec


def test_every_model_has_a_rate_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speed, "_SECONDS", 0.05)
    models = [(frame_model(layers=layers), Execution("f32")) for layers in (2, 3)]
    rates = compare_speed(models, frame_spec(layers=3), Size.parse("64x64"))
    assert [rate.execution for rate in rates] == ["f32", "f32"]
    assert all(rate.fps > 0 and rate.count > 1 for rate in rates)
    assert rates[0].fps != rates[1].fps
