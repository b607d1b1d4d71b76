import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import get_args

import click
import pytest
import torch
from click.testing import CliRunner

from ovsharp.convert import Form
from ovsharp.engine import get_core, read_ir
from ovsharp.errors import UsageError
from ovsharp.lab.convert import convert
from ovsharp.models import ARCHITECTURES
from tests.command import ovsharp
from tests.convert import drawn
from tests.interrupt import interrupted


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spare each test a process that loads everything anew."""
    monkeypatch.setenv("OVSHARP_MAX_SECONDS", "0")


def test_the_report_says_what_was_found_and_what_comes_next(tmp_path: Path) -> None:
    source = drawn.write_onnx(tmp_path / "net.onnx")
    run = ovsharp("convert", source, "--degrade", "gla")

    assert run.returncode == 0, run.stderr
    assert run.stderr == ""
    for text in (
        "net.onnx",
        "5 in ONNX",
        "any size",
        "1 pixels",
        "0..1 -> 0..1",
        "probed",
        "assumed",
        "parity onnx.reference - source",
        "parity fp16 file",
        "net-fp32.bin",
        f"next: ovsharp bench --model {tmp_path / 'net-fp32.xml'}",
    ):
        assert text in run.stdout
    assert read_ir(tmp_path / "net-fp16.xml", get_core())[1].degradation == "gla"


def test_one_of_two_sets_of_weights_is_chosen_and_the_other_is_named(tmp_path: Path) -> None:
    torch.manual_seed(0)
    arguments = {"channels": 8, "depth": 0, "unshuffle": 2}
    raw, mean = (ARCHITECTURES.build("student", **arguments).state_dict() for _ in range(2))
    path = tmp_path / "epoch=3.ckpt"
    torch.save({"state_dict": raw, "ema": {"module": mean}, "epoch": 3}, path)
    given = ("convert", path, "--storage", "fp32", "--name", "own")
    run = ovsharp(*given)
    assert run.returncode == 1
    assert "choose one with --weights state_dict or --weights ema" in run.stderr
    assert not list(tmp_path.glob("own*"))
    run = ovsharp(*given, "--weights", "ema")
    assert run.returncode == 0, run.stderr
    (line,) = (one for one in run.stdout.splitlines() if one.startswith("weights "))
    assert line.split(maxsplit=1)[1].strip() == "under ema.module; left out: state_dict, epoch"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["absent.pth"], 1, "there is no model file"),
        (["net.onnx", "--input-range", "1,0"], 2, "low then high"),
        (["net.onnx", "--storage", "int8"], 2, "ovsharp quantize"),
        (["net.onnx", "--output-index", "1"], 2, "there is no output 1"),
        (["net.onnx", "--no-such-flag"], 2, "No such option"),
    ],
)
def test_exit_codes(tmp_path: Path, arguments: list[str], code: int, message: str) -> None:
    drawn.write_onnx(tmp_path / "net.onnx")
    run = ovsharp("convert", tmp_path / arguments[0], *arguments[1:], "-o", tmp_path / "out")

    assert run.returncode == code
    assert message in run.stderr
    assert "Traceback" not in run.stderr
    assert not (tmp_path / "out").exists()


def test_every_form_can_be_asked_for() -> None:
    asked = next(one for one in convert.params if one.name == "form")

    assert isinstance(asked.type, click.Choice)
    assert tuple(asked.type.choices) == get_args(Form)


def test_ctrl_c_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OVSHARP_MAX_SECONDS", "60")
    source, out = drawn.write_onnx(tmp_path / "net.onnx"), tmp_path / "out"

    code, errors = interrupted(["convert", source, "-o", out], out.exists)
    assert (code, errors) == (130, "ovsharp: interrupted")
    assert list(tmp_path.iterdir()) == [source]


def test_a_full_disk_names_the_file_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OVSHARP_MAX_SECONDS", "60")
    source = drawn.write_onnx(tmp_path / "net.onnx")
    script = (
        "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)); "
        "from ovsharp.cli.main import run; run()"
    )
    run = subprocess.run(
        [sys.executable, "-c", script, "convert", source, "-o", tmp_path / "out"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 1
    assert "net-fp32.xml" in run.stderr
    assert run.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == [source]


def test_an_endless_model_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OVSHARP_MAX_SECONDS", "2")
    source = drawn.write_endless_onnx(tmp_path / "net.onnx")
    run = ovsharp("convert", source, "-o", tmp_path / "out")
    assert run.returncode == 1
    assert "net.onnx is too much: 'finding colours and ranges' took more than 2 s" in run.stderr
    assert list(tmp_path.iterdir()) == [source]


def test_a_model_that_fills_the_memory_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OVSHARP_MAX_SECONDS", "60")
    monkeypatch.setenv("OVSHARP_MAX_MEMORY_MB", "1000")
    source = drawn.write_growing_onnx(tmp_path / "net.onnx")
    run = ovsharp("convert", source, "--input-range", "0,1", "-o", tmp_path / "out")
    assert run.returncode == 1
    assert "took more than 1000 MB of memory and was ended" in run.stderr
    assert list(tmp_path.iterdir()) == [source]


def test_keys_that_collide_are_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A dictionary takes the square of the number of such keys, so it is written by hand."""
    monkeypatch.setenv("OVSHARP_MAX_SECONDS", "2")
    path = tmp_path / "net.pth"
    keys = (index * (2**61 - 1) for index in range(60_000))  # all of one hash
    entries = b"".join(b"\x8a\x0b" + key.to_bytes(11, "little") + b"N" for key in keys)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("net/data.pkl", b"\x80\x02}(" + entries + b"u.")
        archive.writestr("net/version", "3\n")
    run = ovsharp("convert", path, "-o", tmp_path / "out")
    assert run.returncode == 1
    assert "took more than 2 s of the processor and was ended" in run.stderr
    assert list(tmp_path.iterdir()) == [path]


def test_a_model_of_too_many_operations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OVSHARP_MAX_SECONDS", "0")
    monkeypatch.setenv("OVSHARP_MAX_NODES", "4")
    run = ovsharp("convert", drawn.write_onnx(tmp_path / "net.onnx"), "-o", tmp_path / "out")
    assert run.returncode == 1
    assert "has 5 operations; OVSHARP_MAX_NODES sets how many" in run.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such terminals")
def test_a_terminal_shows_the_step_that_it_is_at(tmp_path: Path) -> None:
    import pty

    drawn.write_onnx(tmp_path / "net.onnx")
    shown, terminal = pty.openpty()
    command = [sys.executable, "-m", "ovsharp", "convert", str(tmp_path / "net.onnx")]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    seen = []
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=terminal, env=environment
    ) as process:
        os.close(terminal)
        while True:
            try:
                part = os.read(shown, 4096)
            except OSError:  # the other side is closed
                break
            if not part:
                break
            seen.append(part)
    os.close(shown)
    assert process.returncode == 0
    text = b"".join(seen).decode()
    for step in ("finding colours and ranges", "packing frames", "writing and comparing fp16"):
        assert step in text, text


@pytest.mark.parametrize("package", ["torch", "onnx", "onnxscript"])
def test_a_missing_extra_is_named_and_leaves_nothing(
    tmp_path: Path, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "student.pth").write_bytes(b"\x80")
    monkeypatch.setitem(sys.modules, package, None)

    run = ovsharp("convert", tmp_path / "student.pth", "-o", tmp_path / "out")
    assert run.returncode == 2
    assert f"needs the package '{package}'" in run.stderr
    assert 'pip install "ovsharp[convert]"' in run.stderr
    assert not (tmp_path / "out").exists()


def test_an_extra_that_is_missing_where_models_are_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "student.pth").write_bytes(b"\x80")
    # In every process that is started: models are read in one of their own.
    (tmp_path / "sitecustomize.py").write_text("import sys; sys.modules['torch'] = None")
    command = [sys.executable, "-m", "ovsharp", "convert", tmp_path / "student.pth"]
    run = subprocess.run(
        [*command, "-o", tmp_path / "out"],
        capture_output=True,
        text=True,
        check=False,
        env={
            **os.environ,
            "OVSHARP_MAX_SECONDS": "60",
            "PYTHONPATH": os.pathsep.join((str(tmp_path), *filter(None, sys.path))),
        },
    )

    assert run.returncode == 2
    assert "needs the package 'torch'" in run.stderr
    assert 'pip install "ovsharp[convert]"' in run.stderr
    assert run.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("flag", "value"),
    [
        ("--input-range", "0"),
        ("--output-range", "a,b"),
        ("--mean", "1;2;3"),
        ("--size", "640"),
        ("--arch-args", "{channels: 64}"),
    ],
)
def test_malformed_values_are_refused(tmp_path: Path, flag: str, value: str) -> None:
    source = drawn.write_onnx(tmp_path / "net.onnx")
    result = CliRunner().invoke(convert, [str(source), flag, value])

    assert isinstance(result.exception, UsageError)
    assert list(tmp_path.iterdir()) == [source]
