"""`ovsharp ship`: from a checkpoint to an INT8 model, a table, a card and a page."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from ovsharp.engine import get_core, read_ir
from ovsharp.errors import MissingExtraError, UsageError
from ovsharp.lab.ship import ship
from tests.benchmarks.startups import one_startup
from tests.convert import torch_networks
from tests.photos import write_photos


@pytest.fixture(autouse=True)
def quick(fitted_little: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Spare each step the processes that load everything anew."""
    monkeypatch.setenv("OVSHARP_MAX_SECONDS", "0")
    with one_startup():
        yield


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    path = tmp_path / "own.pth"
    weights = torch_networks.UNet().state_dict()
    torch.save({"state_dict": weights, "degradation": "gla"}, path)
    return path


def options(checkpoint: Path, data: Path, out: Path) -> list[str]:
    return [
        str(checkpoint), "--calib", str(data), "-o", str(out), "--max-drop", "1",
        "--arch", f"{torch_networks.__file__}:UNet", "--sizes", "64x64", "--seconds", "0.05",
    ]  # fmt: skip


def test_one_line_does_it_all(checkpoint: Path, tmp_path: Path) -> None:
    data, out = write_photos(tmp_path / "photos", 8), tmp_path / "out"
    call = [*options(checkpoint, data, out), "--json", str(tmp_path / "all.json")]
    result = CliRunner().invoke(ship, call, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    figures = json.loads((tmp_path / "all.json").read_text())
    assert [*figures] == ["convert", "quantize", "bench", "eval"]
    assert figures["eval"] == json.loads((out / "pictures" / "results.json").read_text())
    spec = read_ir(out / "own-int8.xml", get_core())[1]
    assert spec.degradation == "gla"  # as the checkpoint says
    for name in ("own-fp32.xml", "own-fp16.xml", "speed.html", "pictures/report.html"):
        assert (out / name).is_file()
    assert "sharp-balanced" in (out / "speed.html").read_text()
    card = (out / "README.md").read_text()
    assert "| made to undo | `" in card
    assert "on 1 images held apart" in card
    # Pictures and card are of what nothing was fitted to.
    (held,) = json.loads((out / "own-int8.calibration.json").read_text())["validation"]
    rows = json.loads((out / "pictures" / "results.json").read_text())["rows"]
    assert {row["image"] for row in rows} == {Path(name).name for name in held["files"]}


@pytest.mark.parametrize(
    ("name", "extras"), [("own.pth", "convert,quantize"), ("own.onnx", "quantize")]
)
def test_all_extras_are_named_before_the_first_step(
    name: str, extras: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ovsharp.extras.find_spec", lambda package: None)
    result = CliRunner().invoke(ship, options(tmp_path / name, tmp_path, tmp_path / "out"))
    assert isinstance(result.exception, MissingExtraError)
    assert f'pip install "ovsharp[{extras}]"' in str(result.exception)
    assert not result.stdout


def test_a_damage_that_nobody_names_is_asked_for(checkpoint: Path, tmp_path: Path) -> None:
    torch.save(torch_networks.UNet().state_dict(), checkpoint)
    data = write_photos(tmp_path / "photos", 8)
    result = CliRunner().invoke(ship, options(checkpoint, data, tmp_path / "out"))
    assert isinstance(result.exception, UsageError)
    assert "say it with --degrade RECIPE" in str(result.exception)
