"""`ovsharp quantize`: what it prints, its exit codes and its messages."""

from __future__ import annotations

import json
import re
import time
from inspect import signature
from pathlib import Path

import pytest
from click.testing import CliRunner

from ovsharp import calibration
from ovsharp.calibration import LimitError
from ovsharp.calibration.quantizer import PRESETS
from ovsharp.degrade import RECIPES
from ovsharp.engine import write_ir
from ovsharp.errors import UsageError
from ovsharp.lab.quantize import quantize
from tests.calibration.networks import hostile_model, unsharp_model, write_hostile
from tests.command import ovsharp
from tests.interrupt import interrupted
from tests.networks import frame_spec, write_frame_model
from tests.photos import write_photos


@pytest.fixture(autouse=True)
def quick(fitted_little: None) -> None:
    """What the best ranges and weights are worth is a question of `tests/calibration`."""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = write_photos(tmp_path / "photos", 8)
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    return folder


def options(model: Path, data: Path, *more: str) -> list[str]:
    return [
        "--calib", str(data), "--model", str(model), "--subset", "8", "--size", "64x64", *more
    ]  # fmt: skip


def test_it_prints_eight_lines_and_the_next_one(data: Path, tmp_path: Path) -> None:
    model = write_frame_model(tmp_path / "model", layers=3)
    done = ovsharp("quantize", *options(model, data, "-o", str(tmp_path / "out")))
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    starts = [line.split()[0] for line in lines]
    assert starts == [*("size", "speed", "SSIM", "PSNR", "drop", "worth", "ran", "files", "next:")]
    assert "the input's own" in lines[2]
    assert "(limit 0.002)" in lines[4]
    assert "8 crops of 5 images, 1 skipped; layers given back to floating point: none" in lines[6]
    assert all(Path(name.strip()).is_file() for name in lines[7].removeprefix("files").split(","))


def test_a_model_that_is_worse_than_its_input_is_a_poor_yardstick(
    data: Path, tmp_path: Path
) -> None:
    model, _ = write_hostile(tmp_path / "model")  # random weights
    result = CliRunner().invoke(quantize, options(model, data, "--max-drop", "1"))
    assert result.exit_code == 0, result.output
    said = " ".join(result.output.split())
    assert "worth WORSE THAN ITS OWN INPUT on average, SSIM 0." in said
    assert "worse than its own input on 1 of 1 images, so this drop is a poor yardstick" in said
    assert "It was made for gla and measured on gla; of others it seems made for none" in said


def test_a_damage_that_nobody_names_is_found(data: Path, tmp_path: Path) -> None:
    """A filter that undoes a blur, without a word of it in its spec."""
    model = write_ir(unsharp_model(), frame_spec(degradation="", margin=1), tmp_path / "model")
    result = CliRunner().invoke(quantize, options(model, data), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    said = " ".join(result.output.split())
    found = re.search(r"nobody says so, but it seems made for (.+?) \(SSIM 0", said)
    assert found
    assert re.search("blur|down_up", RECIPES.get(found[1], found[1]))


def test_a_damage_that_cannot_be_found_is_asked_for(data: Path, tmp_path: Path) -> None:
    model = write_ir(hostile_model(), frame_spec(degradation=""), tmp_path / "model")
    result = CliRunner().invoke(quantize, options(model, data))
    assert isinstance(result.exception, UsageError)
    assert "none of the damages that were tried gets better: " in str(result.exception)
    assert "name its own with --degrade" in str(result.exception)


def test_json_has_the_same_figures(data: Path, tmp_path: Path) -> None:
    model = write_frame_model(tmp_path / "model", layers=3)
    result = CliRunner().invoke(quantize, options(model, data, "--json"))
    assert result.exit_code == 0
    figures = json.loads(result.output)
    quality, quantization = figures["quality"], figures["quantization"]
    drop = quality["before"]["ssim"] - quality["after"]["quality"]["ssim"]
    assert drop == pytest.approx(quantization["ssim_drop"])
    assert list(figures["skipped"]) == ["broken.jpg"]
    assert figures["speed"]["before"]["fps"] > 0


def test_a_drop_over_the_limit_fails(data: Path, tmp_path: Path) -> None:
    model, _ = write_hostile(tmp_path / "model")
    before = sorted(model.parent.iterdir())
    result = CliRunner().invoke(
        quantize, options(model, data, "--max-drop", "0", "--degrade", "clean")
    )
    assert isinstance(result.exception, LimitError)
    table = [line.split() for line in result.stderr.splitlines() if line.strip()]
    assert [row[1] for row in table[-4:]] == ["0", "1", "2", "all"]
    assert max(len(line) for line in result.stderr.splitlines()) <= 80
    assert sorted(model.parent.iterdir()) == before


def test_an_empty_folder_fails_in_one_sentence(tmp_path: Path) -> None:
    model = write_frame_model(tmp_path / "model")
    (tmp_path / "empty").mkdir()
    done = ovsharp("quantize", *options(model, tmp_path / "empty"))
    assert done.returncode == 1
    assert done.stderr.startswith("ovsharp: nothing to calibrate on: the folder")
    assert done.stderr.count("\n") == 1


def test_wrong_usage_has_its_own_exit_code(data: Path, tmp_path: Path) -> None:
    model = write_frame_model(tmp_path / "model")
    done = ovsharp("quantize", *options(model, data, "--degrade", "fog"))
    assert done.returncode == 2
    assert "unknown degradation 'fog'" in done.stderr


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    model = write_frame_model(tmp_path / "model")
    done = ovsharp("quantize", *options(model, tmp_path / "nowhere"))
    assert done.returncode == 1
    assert "nowhere: No such file or directory" in done.stderr


def test_a_device_that_is_not_there_is_one_line(data: Path, tmp_path: Path) -> None:
    model = write_frame_model(tmp_path / "model")
    arguments = options(model, data, "--device", "GPU.9", "-o", str(tmp_path / "out"))
    done = ovsharp("quantize", *arguments)
    assert done.returncode == 2
    assert "there is no device 'GPU.9'" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_an_output_that_cannot_be_written_leaves_nothing(data: Path, tmp_path: Path) -> None:
    model = write_frame_model(tmp_path / "model")
    before = sorted(tmp_path.rglob("*"))
    done = ovsharp("quantize", *options(model, data, "-o", str(data / "broken.jpg" / "out")))
    assert done.returncode == 1
    assert "broken.jpg" in done.stderr
    assert "Traceback" not in done.stderr
    assert sorted(tmp_path.rglob("*")) == before


def test_ctrl_c_leaves_nothing(data: Path, tmp_path: Path) -> None:
    model = write_frame_model(tmp_path / "model")
    before = sorted(tmp_path.rglob("*"))
    arguments = options(model, data, "-o", str(tmp_path / "out"))
    start = time.monotonic()
    # It takes several seconds, and writes at the end.
    code, errors = interrupted(["quantize", *arguments], lambda: time.monotonic() > start + 1)
    assert (code, errors) == (130, "ovsharp: interrupted")
    assert sorted(tmp_path.rglob("*")) == before


def test_the_defaults_are_those_of_the_library() -> None:
    options = {option.name: option for option in quantize.params}
    for name, parameter in signature(calibration.quantize).parameters.items():
        if name in options and parameter.default not in (parameter.empty, None):
            assert options[name].default == parameter.default, name
    assert tuple(options["preset"].type.choices) == PRESETS
