"""Whatever ends a command, at whatever moment: files are complete or absent, nothing is left."""

from __future__ import annotations

import os
import random
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

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")

FULL_SIZE = (240, 320)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("inputs")
    (folder / "photos").mkdir()
    for index in range(6):
        picture = np.random.default_rng(index).integers(0, 256, (*FULL_SIZE, 3), np.uint8)
        cv2.imwrite(str(folder / "photos" / f"{index}.png"), picture)
    drawn.write_onnx(folder / "net.onnx")
    clip(folder / "call.mp4", tuple(range(0, 480, 10)))
    return folder


def command(verb: str, inputs: Path, out: Path) -> list[str]:
    model = ["--model", "call-fast"]
    return {
        "image": ["image", str(inputs / "photos"), "-o", str(out), *model],
        "video": ["video", str(inputs / "call.mp4"), "-o", str(out / "a.mp4"), *model],
        "convert": ["convert", str(inputs / "net.onnx"), "-o", str(out)],
        "degrade": ["degrade", str(inputs / "photos"), "-o", str(out), "--degrade", "gla"],
        "frames": ["frames", str(inputs / "call.mp4"), "-o", str(out)],
    }[verb]


def started(arguments: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def ended_at_random(
    verb: str, number: signal.Signals, inputs: Path, out: Path, chance: random.Random
) -> None:
    process = started(command(verb, inputs, out))
    assert process.stdout is not None
    process.stdout.readline()  # before that, Python itself starts
    # From when it begins to write, or before.
    deadline = time.monotonic() + chance.choice([0.5, 60])
    while not out.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    time.sleep(chance.random() * 0.5)
    process.send_signal(number)
    _, errors = process.communicate(timeout=120)
    codes = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGKILL: -9}
    assert process.returncode in (0, codes[number]), errors
    assert "Traceback" not in errors
    check(out, killed=process.returncode == -9)


def check(out: Path, *, killed: bool) -> None:
    """Every file is whole, and nothing else is there; of a killed one but what tells its owner."""
    for path in out.rglob("*") if out.exists() else ():
        if any(part.startswith(".ovsharp-") for part in path.relative_to(out).parts):
            # A video goes on with its work, folders of images with their record.
            assert killed or ".work" in str(path) or path.suffix == ".jsonl", path
        elif path.suffix == ".png":
            assert cv2.imread(str(path)) is not None, path
        elif path.suffix in (".mp4", ".xml", ".onnx"):
            assert ENDINGS[path.suffix](path), path


@pytest.mark.parametrize(
    ("verb", "name"),
    [("image", "SIGTERM"), ("convert", "SIGKILL"), ("degrade", "SIGINT")],
)
def test_a_command_that_is_ended(verb: str, name: str, inputs: Path, tmp_path: Path) -> None:
    number = signal.Signals[name]
    ended_at_random(verb, number, inputs, tmp_path / "out", random.Random(3))


@pytest.mark.slow
@pytest.mark.parametrize("verb", ["image", "video", "convert", "degrade", "frames"])
def test_commands_that_are_ended_at_many_moments(verb: str, inputs: Path, tmp_path: Path) -> None:
    chance = random.Random(verb)
    for turn in range(12):
        number = chance.choice([signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
        ended_at_random(verb, number, inputs, tmp_path / str(turn), chance)


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


@pytest.mark.parametrize("verb", ["image", "video", "degrade", "frames"])
def test_a_full_disk_and_a_folder_that_may_not_be_written(
    verb: str, inputs: Path, tmp_path: Path
) -> None:
    script = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (99, 99))\n{SCRIPT}"
    run = subprocess.run(
        [sys.executable, "-c", script, *command(verb, inputs, tmp_path / "out")],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 1, run.stderr
    assert "Traceback" not in run.stderr
    assert run.stderr.strip()
    check(tmp_path / "out", killed=False)


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
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False
    )
    assert (run.returncode, run.stderr) == (0, "")
