from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import pytest
from click.testing import CliRunner, Result

from ovsharp.errors import DeviceError, UsageError
from ovsharp.lab.bench import bench
from ovsharp.measuring import Report
from ovsharp.measuring.photos import open_album
from tests.benchmarks.startups import one_startup
from tests.command import ovsharp
from tests.interrupt import interrupted
from tests.networks import write_frame_model


@pytest.fixture(scope="module", autouse=True)
def short_startup() -> Iterator[None]:
    with one_startup():
        yield


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """A model, a photo and the shortest of runs, as arguments."""
    folder = tmp_path_factory.mktemp("bench")
    path = write_frame_model(folder / "model")
    (folder / "photos").mkdir()
    cv2.imwrite(str(folder / "photos/a.png"), open_album(None).items[0][2][:64, :64])
    return [
        *("--model", str(path), "--data", str(folder / "photos"), "--sizes", "48x64"),
        *("--precision", "f32", "--mode", "latency", "--seconds", "0.02", "--threads", "1"),
    ]


def test_the_plain_install_is_enough(inputs: list[str], tmp_path: Path) -> None:
    """Without PyTorch, PyAV, NNCF and ONNX: as pip brings ovsharp without an extra."""
    extras = ("torch", "av", "nncf", "onnx")
    report = tmp_path / "report.json"
    script = (
        "import sys\n"
        "class Absent:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name.partition('.')[0] in {extras}:\n"
        "            raise ModuleNotFoundError(name)\n"
        "import importlib.util\n"
        "find = importlib.util.find_spec\n"
        f"absent = lambda name, *more: None if name in {extras} else find(name, *more)\n"
        "importlib.util.find_spec = absent\n"
        "sys.meta_path.insert(0, Absent())\n"
        "from ovsharp.cli.main import run\n"
        "run()"
    )
    # A router's model, whose own damage needs a video codec.
    call = ["bench", *inputs[2:], "--model", "call-codec-fast", "--json", str(report)]
    done = subprocess.run(
        [sys.executable, "-c", script, *call], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    (photos,) = json.loads(report.read_text())["photos"]
    assert "needs the extra video" in photos["why"]


def _invoke(arguments: list[str]) -> Result:
    return CliRunner().invoke(bench, arguments)


@pytest.fixture(scope="module")
def written(inputs: list[str], tmp_path_factory: pytest.TempPathFactory) -> tuple[Result, Path]:
    folder = tmp_path_factory.mktemp("out") / "new"
    files = [f"--{ending}={folder / f'report.{ending}'}" for ending in ("json", "csv", "html")]
    return _invoke([*inputs, *files]), folder


def test_the_tables_are_printed(written: tuple[Result, Path]) -> None:
    result, _ = written
    assert result.exit_code == 0, result.exception
    for text in ("Size and quality", "Speed at 48x64", "SSIM", "30/60 FPS", "FP32", "f32", "test:"):
        assert text in result.output


def test_json_csv_and_html_are_written(written: tuple[Result, Path]) -> None:
    _, folder = written
    assert sorted(path.name for path in folder.iterdir()) == [
        "report.csv",
        "report.html",
        "report.json",
    ]
    text = (folder / "report.json").read_text()
    assert Report.from_json(text).to_json() == text
    with (folder / "report.csv").open() as file:
        (line,) = csv.DictReader(file)
    assert line["model"] == "test"
    assert (folder / "report.html").read_text().startswith("<!DOCTYPE html>")


def _change(path: Path, target: Path, factor: float) -> Path:
    """Write a report whose times are `factor` of the original's."""
    values = json.loads(path.read_text())
    for row in values["rows"]:
        for speed in row["speeds"]:
            for name in ("model_sync", "frame_sync"):
                speed[name]["latency"]["p50"] *= factor
    target.write_text(json.dumps(values))
    return target


def test_a_run_that_is_slower_than_its_baseline_fails(
    inputs: list[str], written: tuple[Result, Path], tmp_path: Path
) -> None:
    old = _change(written[1] / "report.json", tmp_path / "old.json", 1e-4)
    result = ovsharp("bench", *inputs, "--baseline", old, "--json", tmp_path / "new.json")
    assert result.returncode == 1
    assert "Worse than the baseline" in result.stdout
    assert "Traceback" not in result.stderr
    assert (tmp_path / "new.json").is_file(), "the new figures are kept"


def test_a_run_that_is_not_slower_passes(
    inputs: list[str], written: tuple[Result, Path], tmp_path: Path
) -> None:
    old = _change(written[1] / "report.json", tmp_path / "old.json", 1e4)
    result = _invoke([*inputs, "--baseline", str(old)])
    assert result.exit_code == 0
    assert "none worse" in result.output


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff\xfe", b'{"schema": 2, "rows": 3}'])
def test_a_malformed_baseline_is_refused(content: bytes, inputs: list[str], tmp_path: Path) -> None:
    (tmp_path / "old.json").write_bytes(content)
    result = _invoke([*inputs, "--baseline", str(tmp_path / "old.json")])
    assert isinstance(result.exception, UsageError)


@pytest.mark.parametrize("text", ["fast", "-5%", "5", "%", "200%"])
def test_a_limit_that_is_no_share_is_refused(text: str, inputs: list[str]) -> None:
    assert isinstance(_invoke([*inputs, f"--max-regress={text}"]).exception, UsageError)


def test_a_device_that_is_not_there_is_one_line_and_code_2() -> None:
    result = ovsharp("bench", "--device", "GPU.9")
    assert result.returncode == 2
    assert len(result.stderr.strip().splitlines()) == 1
    assert "GPU.9" in result.stderr
    assert "CPU" in result.stderr


def test_a_missing_device_leaves_no_folder(tmp_path: Path) -> None:
    result = _invoke(["--device", "GPU.9", "--json", str(tmp_path / "new/report.json")])
    assert isinstance(result.exception, DeviceError)
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_leaves_nothing_behind(inputs: list[str], tmp_path: Path) -> None:
    folder = tmp_path / "new"
    arguments = [*inputs, "--seconds", "60", "--json", str(folder / "report.json")]
    code, errors = interrupted(["bench", *arguments], folder.exists)
    assert (code, errors) == (130, "ovsharp: interrupted")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_place_of_a_file_is_told_before_measuring(tmp_path: Path) -> None:
    result = _invoke(["--model", "no-such-model", "--json", str(tmp_path)])
    assert result.exit_code == 2
    assert "is a directory" in result.stderr


def test_an_output_that_cannot_be_written_is_told_before_measuring(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = _invoke(["--model", "no-such-model", "--json", str(tmp_path / "file/report.json")])
    assert isinstance(result.exception, OSError)


def test_an_instruction_set_binds_the_whole_run(inputs: list[str], tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    # A process of its own: OpenVINO reads it once.
    command = [sys.executable, "-m", "ovsharp", "bench", *inputs, "--isa", "AVX2", "--json", file]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert Report.from_json(file.read_text()).environment.onednn_max_isa == "AVX2"
    assert "ONEDNN_MAX_CPU_ISA=AVX2" in result.stdout.replace("\n", "")


def test_an_instruction_set_that_comes_too_late_is_refused(inputs: list[str]) -> None:
    # OpenVINO is loaded in the process of the tests.
    result = _invoke([*inputs, "--isa", "AVX2"])
    assert isinstance(result.exception, UsageError)
    assert "too late" in str(result.exception)


def test_rivals_are_told_in_a_table_of_ratios(inputs: list[str], tmp_path: Path) -> None:
    write_frame_model(tmp_path / "peers")
    (tmp_path / "peers" / "test-fp32.xml").rename(tmp_path / "peers" / "rival.xml")
    (tmp_path / "peers" / "test-fp32.bin").rename(tmp_path / "peers" / "rival.bin")
    result = _invoke([*inputs, "--peers", str(tmp_path / "peers")])
    assert result.exit_code == 0, result.exception
    assert "Times faster at 48x64" in result.output
    assert "rival FP32 f32" in result.output
