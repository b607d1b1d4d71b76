"""`ovsharp` itself: verbs, exit codes, and a sentence for every mistake."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from ovsharp import __version__, errors
from ovsharp.cli.main import VERBS, _Terminated, main, run

# Python buffers what it writes into files and pipes, unless it is told otherwise.
BUFFERED = {key: value for key, value in os.environ.items() if key != "PYTHONUNBUFFERED"}


def ovsharp(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ovsharp", *arguments]
    options = {"text": True, "timeout": 60, "stderr": subprocess.PIPE, "env": BUFFERED, **options}
    return subprocess.run(command, **options)


def caused(error: Exception, cause: BaseException) -> Exception:
    error.__cause__ = cause
    return error


def exit_code(error: BaseException | int, monkeypatch: pytest.MonkeyPatch) -> int:
    """Run a command line whose verb ends so."""

    def verb(**_: object) -> int:
        if isinstance(error, BaseException):
            raise error
        return error

    monkeypatch.setattr(main, "main", verb)
    with pytest.raises(SystemExit) as caught:
        run()
    assert isinstance(caught.value.code, int)
    return caught.value.code


@pytest.fixture(autouse=True)
def _no_hard_exit(monkeypatch: pytest.MonkeyPatch) -> None:
    """An interrupted `run` ends the process at once: here it must not end the tests."""
    monkeypatch.setattr("os._exit", sys.exit)


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (0, 0, ""),
        (3, 3, ""),
        (errors.UsageError("wrong flag"), 2, "ovsharp: wrong flag\n"),
        (errors.MissingExtraError("torch", "convert"), 2, 'pip install "ovsharp[convert]"'),
        (errors.DeviceError("no GPU"), 2, "ovsharp: no GPU\n"),
        (errors.MediaError("no image"), 1, "ovsharp: no image\n"),
        (errors.OvsharpError("something"), 1, "ovsharp: something\n"),
        (click.UsageError("no such option"), 2, "Error: no such option"),
        (click.Abort(), 130, "ovsharp: interrupted\n"),
        (KeyboardInterrupt(), 130, "ovsharp: interrupted\n"),
        (_Terminated(), 143, "ovsharp: terminated\n"),
        (
            caused(ImportError("initialization failed"), KeyboardInterrupt()),
            130,
            "ovsharp: interrupted\n",
        ),
        (
            caused(ImportError("initialization failed"), _Terminated()),
            143,
            "ovsharp: terminated\n",
        ),
        (MemoryError(), 1, "ovsharp: not enough memory"),
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), 1, ""),
        (
            OSError(errno.ENOSPC, "No space left", "a.xml"),
            1,
            "the disk is full, cannot write a.xml",
        ),
        (PermissionError(errno.EACCES, "denied", "a.xml"), 1, "no permission to use a.xml"),
        (
            FileNotFoundError(errno.ENOENT, "No such file", "a.xml"),
            1,
            "refused a.xml: No such file",
        ),
        (OSError("cannot write model.xml"), 1, "cannot write model.xml"),
    ],
    ids=repr,
)
def test_every_end_has_its_exit_code_and_its_sentence(
    error: BaseException | int,
    code: int,
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert exit_code(error, monkeypatch) == code
    written = capsys.readouterr().err
    assert message in written
    assert bool(message) == bool(written)
    assert "Traceback" not in written


def test_a_mistake_of_ours_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def verb(**_: object) -> int:
        raise ZeroDivisionError

    monkeypatch.setattr(main, "main", verb)
    with pytest.raises(ZeroDivisionError):
        run()


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help(verb: str) -> None:
    result = CliRunner().invoke(main, [verb, "--help"])
    assert result.exit_code == 0, result.output
    assert "Usage: main" in result.output


def test_help_lists_the_verbs_in_order() -> None:
    result = CliRunner().invoke(main, ["-h"])
    places = [result.output.index(f"\n  {verb} ") for verb in VERBS]
    assert places == sorted(places)


def test_version() -> None:
    assert CliRunner().invoke(main, ["--version"]).output.split() == [
        "ovsharp,", "version", __version__
    ]  # fmt: skip


def test_without_a_verb_it_shows_its_help() -> None:
    result = ovsharp()
    assert result.returncode == 2
    assert "Verbs:" in result.stderr


@pytest.mark.parametrize(
    ("verb", "hint"), [("benhc", "try bench\n"), ("xyzzy", "try convert, quantize, bench")]
)
def test_an_unknown_verb_gets_a_hint(verb: str, hint: str) -> None:
    result = ovsharp(verb)
    assert result.returncode == 2
    assert f"there is no verb '{verb}'; {hint}" in result.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_output_to_a_full_disk_is_a_failure() -> None:
    with Path("/dev/full").open("w") as full:
        result = ovsharp("--help", stdout=full)
    assert result.returncode == 1
    assert result.stderr.startswith("ovsharp: the disk is full")
    assert result.stderr.count("\n") == 1


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
@pytest.mark.parametrize("number", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_at_the_end_of_the_process_changes_nothing(number: str) -> None:
    # At its last moment: Python has given the signals back to the system by then.
    script = (
        "import os, signal, sys\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from ovsharp.cli.main import run\n"
        "class Last:\n"
        "    def __del__(self, kill=os.kill, me=os.getpid(), number=signal.%s):\n"
        "        kill(me, number)\n"
        "sys.modules['last'] = Last()\n"
        "sys.argv = ['ovsharp', '--version']\n"
        "run()"
    )
    run = subprocess.run(
        [sys.executable, "-c", script % number], capture_output=True, text=True, timeout=60
    )
    assert (run.returncode, run.stderr) == (0, "")


def test_a_closed_pipe_is_silent() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "ovsharp", "--help"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=BUFFERED,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == ""
    assert process.wait(timeout=60) == 1


def test_a_machine_without_a_display_is_told_what_to_install(tmp_path: Path) -> None:
    """`opencv-python` cannot be imported where libGL is missing; here by a stand-in."""
    (tmp_path / "cv2.py").write_text(
        "raise ImportError('libGL.so.1: cannot open shared object file: No such file')"
    )
    paths = os.pathsep.join([str(tmp_path), *filter(None, sys.path)])
    environment = {**BUFFERED, "PYTHONPATH": paths}
    ran = ovsharp("image", "a.png", "-o", "b.png", env=environment)
    assert ran.returncode == 2
    assert ran.stderr.startswith("ovsharp: OpenCV misses libGL.so.1")
    assert "pip install opencv-python-headless" in ran.stderr
    command = [sys.executable, "-c", "from ovsharp import Sharpener"]
    python = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60)
    assert "opencv-python-headless" in python.stderr.splitlines()[-1]


@pytest.mark.parametrize("system", ["linux", "darwin", "win32"])
@pytest.mark.parametrize("extra", ["convert", "quantize"])
def test_what_is_printed_installs_pytorch_without_cuda(
    monkeypatch: pytest.MonkeyPatch, system: str, extra: str
) -> None:
    monkeypatch.setattr(sys, "platform", system)
    line = errors.install_line(extra)
    cpu = f'uv pip install --torch-backend cpu "ovsharp[{extra}]"'
    assert line.startswith(cpu) == (system == "linux" and extra == "convert")
    assert line.startswith("pip install") == (not line.startswith("uv"))
