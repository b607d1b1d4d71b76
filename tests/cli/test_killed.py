"""Whatever ends a command, at whatever moment: files are complete or absent, nothing is left."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.cli.endings import ENDINGS, SCRIPT
from tests.convert import drawn
from tests.media.clips import clip
from tests.networks import write_frame_model
from tests.opinions.ratings import folder_of_conditions

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")

SIZE = (72, 96)
TURNS = int(os.environ.get("OVSHARP_KILLS", "6"))
"""At how many moments each command is ended."""
CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGKILL: -9}
LONG = ("quantize", "train", "ship")
"""Commands that load torch or NNCF."""
SHORT = ("image", "video", "convert", "degrade", "frames", "eval", "bench", "study")
SPARED = {"train": ("log.jsonl", "checkpoint.pth", "best.pth", "tensorboard", "patches")}
"""What a training that is ended keeps, to go on with."""
RECIPE = """\
summary = "for tests"
[student]
architecture = "student"
arguments = { channels = 8, depth = 0, unshuffle = 2 }
loss = { l1 = 1.0 }
patch = 32
batch = 2
stages = [{ degrade = "blur(sigma=2)", steps = 60, rate = 1e-3 }]
"""


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import torch

    from ovsharp.models import ARCHITECTURES

    folder = tmp_path_factory.mktemp("inputs")
    (folder / "photos").mkdir()
    for index in range(8):
        picture = np.random.default_rng(index).integers(0, 256, (*SIZE, 3), np.uint8)
        cv2.imwrite(str(folder / "photos" / f"{index}.png"), picture)
    drawn.write_onnx(folder / "net.onnx")
    clip(folder / "call.mp4", tuple(range(0, 480, 10)))
    write_frame_model(folder / "model", layers=3).rename(folder / "model" / "model.xml")
    next((folder / "model").glob("*.bin")).rename(folder / "model" / "model.bin")
    folder_of_conditions(folder / "stimuli")
    (folder / "mine.toml").write_text(RECIPE)
    torch.manual_seed(0)
    student = ARCHITECTURES.build("student", channels=8, depth=1, unshuffle=2)
    torch.save({"state_dict": student.state_dict(), "degradation": "gla"}, folder / "student.pth")
    return folder


def command(verb: str, inputs: Path, out: Path) -> list[str]:
    photos, own = str(inputs / "photos"), str(inputs / "model" / "model.xml")
    model, to = ["--model", "call-fast"], ["-o", str(out)]
    quick = ["--seconds", "0.05"]
    return {
        "image": ["image", photos, *to, *model],
        "video": ["video", str(inputs / "call.mp4"), "-o", str(out / "a.mp4"), *model],
        "convert": ["convert", str(inputs / "net.onnx"), *to],
        "degrade": ["degrade", photos, *to, "--degrade", "gla"],
        "frames": ["frames", str(inputs / "call.mp4"), *to, "--every", "20ms"],
        "eval": ["eval", "--data", photos, *to, "--model", own, "--degrade", "blur(sigma=2)"],
        "bench": [
            *("bench", "--model", own, "--data", photos, "--sizes", "48x64", *quick),
            *("--mode", "latency", "--degrade", "blur(sigma=2)"),
            *(f"--{end}={out / f'report.{end}'}" for end in ("json", "csv", "html")),
        ],
        "study": ["study", str(inputs / "stimuli"), *to, "--port", "0"],
        "quantize": [
            *("quantize", "--calib", photos, "--model", own, *to, "--degrade", "blur(sigma=2)"),
            *("--max-drop", "1", "--size", "64x64", "--subset", "4"),
        ],
        "train": [
            *("train", "--recipe", str(inputs / "mine.toml"), "--data", photos, *to),
            *("--validate-every", "10"),
        ],
        "ship": [
            *("ship", str(inputs / "student.pth"), "--calib", photos, *to, "--max-drop", "1"),
            *("--sizes", "64x64", *quick),
        ],
    }[verb]


def started(arguments: list[str], temporary: Path, script: str = SCRIPT) -> subprocess.Popen[str]:
    temporary.mkdir(exist_ok=True)
    return subprocess.Popen(
        [sys.executable, "-c", script, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "TMPDIR": str(temporary)},
    )


def names_in(out: Path) -> set[str]:
    return {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}


def ended(
    verb: str,
    number: signal.Signals,
    inputs: Path,
    out: Path,
    after: float,
    temporary: Path,
    *,
    whole: set[str] | None = None,
) -> int:
    """Run a command, end it so many seconds after its beginning, and look at what it leaves.

    `whole` are the files of one that was not ended.
    """
    process = started(command(verb, inputs, out), temporary)
    assert process.stdout is not None
    process.stdout.readline()  # before that, Python itself starts
    time.sleep(after)
    process.send_signal(number)
    _, errors = process.communicate(timeout=280)
    # A study that is served ends by Ctrl-C.
    assert process.returncode in (0, CODES[number]), errors
    assert "Traceback" not in errors, errors
    killed = process.returncode == -signal.SIGKILL
    # All is written, and the process not yet over.
    done = process.returncode == 0 or (whole is not None and names_in(out) == whole)
    check(verb, out, killed=killed, done=done)
    if not killed:
        assert not list(temporary.glob("ovsharp-*"))
    return int(process.returncode)


def check(verb: str, out: Path, *, killed: bool, done: bool) -> None:
    """Every file is whole, and nothing else is there; of a killed one but what tells its owner."""
    files = [path for path in out.rglob("*") if path.is_file()] if out.exists() else []
    for path in files:
        parts = path.relative_to(out).parts
        if any(part.startswith(".ovsharp-") for part in parts):
            # A video goes on with its work, folders of images with their record.
            assert killed or ".work" in str(path) or path.suffix == ".jsonl", path
        elif path.suffix in ENDINGS and parts[0] not in ("tensorboard", "patches"):
            assert ENDINGS[path.suffix](path), path
    if not done and verb in ("convert", "quantize", "bench"):  # all of it, or nothing
        assert killed or not out.exists() or not files
    if not done and verb in SPARED:
        tops = {path.relative_to(out).parts[0] for path in files}
        assert killed or tops <= set(SPARED[verb]), tops


def lasts(verb: str, inputs: Path, out: Path, temporary: Path) -> float:
    """Run a command to its end, and give how long that takes; a study until it is served."""
    begun = time.monotonic()
    process = started(command(verb, inputs, out), temporary)
    assert process.stdout is not None
    process.stdout.readline()
    if verb == "study":
        process.stdout.readline()
        took = time.monotonic() - begun
        process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=280)
    assert process.returncode == 0, errors
    check(verb, out, killed=False, done=True)
    assert not list(temporary.glob("ovsharp-*"))
    return took if verb == "study" else time.monotonic() - begun


@pytest.mark.parametrize(
    ("verb", "name"),
    [
        ("image", "SIGTERM"),
        ("convert", "SIGKILL"),
        ("degrade", "SIGINT"),
        ("eval", "SIGTERM"),
        ("bench", "SIGINT"),
        ("study", "SIGKILL"),
    ],
)
def test_a_command_that_is_ended(verb: str, name: str, inputs: Path, tmp_path: Path) -> None:
    after = random.Random(verb).random()
    ended(verb, signal.Signals[name], inputs, tmp_path / "out", after, tmp_path / "tmp")


@pytest.mark.slow
@pytest.mark.timeout(6000)
@pytest.mark.parametrize("verb", [*SHORT, *LONG])
def test_commands_that_are_ended_at_many_moments(verb: str, inputs: Path, tmp_path: Path) -> None:
    temporary = tmp_path / "tmp"
    took, chance = lasts(verb, inputs, tmp_path / "whole", temporary), random.Random(verb)
    whole = names_in(tmp_path / "whole")
    for turn in range(TURNS):
        number = chance.choice([signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
        out = tmp_path / str(turn)
        ended(verb, number, inputs, out, took * chance.random(), temporary, whole=whole)
    # What was killed left its temporary files; the next one clears them away.
    lasts(verb, inputs, tmp_path / "last", temporary)


def test_what_a_killed_command_left_is_cleared_away(inputs: Path, tmp_path: Path) -> None:
    from ovsharp.files import staged

    script = (
        "import os, sys; from pathlib import Path; from ovsharp.files import staged\n"
        "with staged(Path(sys.argv[1])) as staging:\n"
        "    (staging / 'half').write_text('x'); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path / "out")], check=False)
    assert [path.name[:9] for path in (tmp_path / "out").iterdir()] == [".ovsharp-"]
    with staged(tmp_path / "out") as staging:
        (staging / "whole").write_text("x")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["whole"]


def refused(verb: str, inputs: Path, out: Path, temporary: Path, script: str = SCRIPT) -> str:
    """Run a command that has to fail, and give its sentence."""
    process = started(command(verb, inputs, out), temporary, script)
    _, errors = process.communicate(timeout=280)
    assert process.returncode == 1, errors
    assert "Traceback" not in errors
    assert errors.strip()
    return errors


def full_disk(verb: str, inputs: Path, out: Path, temporary: Path) -> None:
    script = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (99, 99))\n{SCRIPT}"
    errors = refused(verb, inputs, out, temporary, script)
    assert str(out) in errors or str(temporary) in errors, errors
    check(verb, out, killed=False, done=False)
    assert not [path for path in out.rglob("*") if path.is_file() and not path.stat().st_size]
    assert not list(temporary.glob("ovsharp-*"))


@pytest.mark.parametrize("verb", SHORT)
def test_a_full_disk(verb: str, inputs: Path, tmp_path: Path) -> None:
    full_disk(verb, inputs, tmp_path / "out", tmp_path / "tmp")


@pytest.mark.slow
@pytest.mark.parametrize("verb", LONG)
def test_a_full_disk_of_what_takes_long(verb: str, inputs: Path, tmp_path: Path) -> None:
    full_disk(verb, inputs, tmp_path / "out", tmp_path / "tmp")


@pytest.mark.skipif(not Path("/sys/kernel").is_dir(), reason="this system has no /sys")
@pytest.mark.parametrize(
    "verb", [*SHORT, *(pytest.param(verb, marks=pytest.mark.slow) for verb in LONG)]
)
def test_a_folder_that_may_not_be_written(verb: str, inputs: Path, tmp_path: Path) -> None:
    # Not even by an administrator, as whom tests may run.
    errors = refused(verb, inputs, Path("/sys/kernel/out"), tmp_path / "tmp")
    assert "/sys/kernel/out" in errors


@pytest.mark.parametrize("verb", ["image", "degrade", "eval", "frames"])
def test_an_input_that_vanishes(verb: str, inputs: Path, tmp_path: Path) -> None:
    own = shutil.copytree(inputs, tmp_path / "inputs")
    for number in range(10, 50):  # more than are read ahead; 7.png is still the last one
        shutil.copy(own / "photos" / "0.png", own / "photos" / f"{number}.png")
    call = command(verb, own, tmp_path / "out")
    if verb == "frames":  # of two videos, the second one is there when the first is read
        call.insert(1, str(shutil.copy(own / "call.mp4", own / "again.mp4")))
        call.append("--overwrite")
    # The last one goes when the first output is written.
    script = (
        "import sys; from pathlib import Path; from ovsharp import files\n"
        "replace = files.os.replace\n"
        "def vanish(*names):\n"
        f"    Path({str(own / 'photos' / '7.png')!r}).unlink(missing_ok=True)\n"
        f"    Path({str(own / 'call.mp4')!r}).unlink(missing_ok=True)\n"
        "    replace(*names)\n"
        f"files.os.replace = vanish\n{SCRIPT}"
    )
    process = started(call, tmp_path / "tmp", script)
    _, errors = process.communicate(timeout=280)
    assert process.returncode == 1 or verb == "eval", errors
    assert "Traceback" not in errors
    check(verb, tmp_path / "out", killed=False, done=False)


def ended_with(program: str) -> tuple[int, str]:
    """Run a program of Python, and give its exit code and its stderr."""
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    return run.returncode, run.stderr


def test_what_a_library_forks_and_ends_says_nothing() -> None:
    script = (
        "import os, signal, time\n"
        "from ovsharp.cli import main\n"
        "def forking():\n"
        "    ready, begun = os.pipe()\n"
        "    child = os.fork()\n"
        "    if not child:\n"
        "        os.write(begun, b'x')\n"
        "        time.sleep(60)\n"
        "    os.read(ready, 1)\n"  # a signal at once would be lost: Python forgets it in a fork
        "    os.kill(child, signal.SIGTERM)\n"
        "    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 143\n"
        "main._run = forking\n"
        "main.run()"
    )
    assert ended_with(script) == (0, "")


@pytest.mark.skipif(os.name == "nt", reason="no signals there")
@pytest.mark.parametrize(("number", "word"), [("SIGINT", "interrupted"), ("SIGTERM", "terminated")])
def test_a_signal_that_comes_in_a_destructor_is_not_lost(number: str, word: str) -> None:
    program = (
        "import signal, time\n"
        "from ovsharp.cli import main\n"
        "class Held:\n"
        "    def __del__(self):\n"
        f"        signal.raise_signal(signal.{number})\n"
        "def work(**_):\n"
        "    Held()\n"
        "    time.sleep(60)\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "main.main.main = work\n"
        "main.run()\n"
    )
    assert ended_with(program) == (CODES[signal.Signals[number]], f"ovsharp: {word}\n")
