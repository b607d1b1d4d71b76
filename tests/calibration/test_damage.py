"""What a model seems made for, found by trying."""

from __future__ import annotations

from pathlib import Path

from ovsharp.calibration import likely, try_damages
from ovsharp.degrade import parse
from tests.calibration.networks import hostile_model, unsharp_model
from tests.networks import frame_spec
from tests.photos import write_photos


def test_the_damage_that_is_undone_best_comes_first(tmp_path: Path) -> None:
    data = write_photos(tmp_path, 4)
    trials = try_damages(unsharp_model(), frame_spec(degradation="", margin=1), data)
    gains = [trial.gain for trial in trials]
    assert gains == sorted(gains, reverse=True)
    assert trials[0] == likely(trials)
    assert "blur" in (best := parse(trials[0].recipe).text) or "down_up" in best
    assert "noise" in trials[-1].recipe  # a filter that sharpens makes it worse
    assert trials[-1].worse == trials[-1].crops == 4


def test_a_model_that_undoes_nothing_seems_made_for_nothing(tmp_path: Path) -> None:
    data = write_photos(tmp_path, 4)
    assert likely(try_damages(hostile_model(), frame_spec(degradation=""), data)) is None
