"""`--workers` of `image`, `eval`, `degrade` and `frames`: the same bytes as in one process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result

from ovsharp.cli.frames import frames
from ovsharp.cli.image import image
from ovsharp.degrade import parse
from ovsharp.errors import MediaError, UsageError
from ovsharp.lab.degrade import degrade
from ovsharp.lab.eval import eval as evaluate
from ovsharp.media.finished import RECORD
from tests.media.clips import clip
from tests.photos import crop

ASTRONAUT = crop()


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Damaged in several ways, of several kinds and sizes; and one that is no image."""
    folder = tmp_path_factory.mktemp("photos")
    (folder / "sub").mkdir()
    damages = ("jpeg(quality=15)", "noise(sigma=12)", "blur(sigma=1)", "clean")
    for index in range(8):
        crop = ASTRONAUT[30 * index :][:160, 20 * index :][:, : 200 - 8 * (index % 2)]
        name = f"{index}.{'jpg' if index % 3 == 0 else 'png'}"
        picture = parse(damages[index % 4])(np.ascontiguousarray(crop), seed=index)
        cv2.imwrite(str(folder / ("sub" if index % 2 else "") / name), picture)
    (folder / "4no.png").write_bytes(b"no image")
    return folder


def run(command: object, *arguments: object) -> Result:
    return CliRunner().invoke(command, [str(one) for one in arguments])  # type: ignore[arg-type]


def contents(folder: Path, *but: str) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in but
    }


def both(
    command: object, out: Path, *arguments: object, but: tuple[str, ...] = (), workers: int = 2
) -> tuple[Result, Result]:
    """Run in this process and in others, and see that the files are the same."""
    plain = run(command, *arguments, "-o", out / "one")
    split = run(command, *arguments, "-o", out / "many", "--workers", workers)
    assert contents(out / "one", *but) == contents(out / "many", *but)
    return plain, split


def told(result: Result, out: Path) -> list[str]:
    """Lines that hold no time."""
    lines = [
        line.replace(str(out / "many"), str(out / "one")) for line in result.stdout.split("\n")
    ]
    return [line for line in lines if "per second" not in line]


def test_images(photos: Path, tmp_path: Path) -> None:
    reports = [tmp_path / "one.json", tmp_path / "many.json"]
    plain, split = both(image, tmp_path, photos, but=(RECORD,))
    assert len(contents(tmp_path / "many", RECORD)) == 8
    assert told(plain, tmp_path) == told(split, tmp_path)
    assert isinstance(split.exception, MediaError)
    assert str(plain.exception) == str(split.exception)
    records = [(tmp_path / name / RECORD).read_text().splitlines() for name in ("one", "many")]
    assert sorted(records[0]) == sorted(records[1])
    # What the others have finished counts for one process, too.
    again = run(image, photos, "-o", tmp_path / "many", "--resume", "--json", reports[0])
    assert "8 of 9 images were finished before" in again.stdout


def test_images_that_grow(photos: Path, tmp_path: Path) -> None:
    options = ("--model", "x2-quality", "--size", "300p", "--side-by-side", "--format", "webp")
    both(image, tmp_path, photos / "sub", *options, but=(RECORD,), workers=1)
    assert {Path(name).suffix for name in contents(tmp_path / "many", RECORD)} == {".webp"}


def test_pairs(photos: Path, tmp_path: Path) -> None:
    options = ("--degrade", "noise(sigma=1..9) + jpeg(quality=10..60)", "--teacher")
    plain, split = both(degrade, tmp_path, photos, *options)
    assert str(plain.exception) == str(split.exception)
    assert told(plain, tmp_path) == told(split, tmp_path)
    assert len(json.loads((tmp_path / "many" / "manifest.json").read_text())["pairs"]) == 8


def test_frames(tmp_path: Path) -> None:
    """Frames that several videos have are kept of the first one, whoever is done first."""
    for name, times in (("a", range(0, 4000, 40)), ("b", range(0, 400, 40)), ("c", [0, 500, 990])):
        clip(tmp_path / f"{name}.mp4", tuple(times))
    (tmp_path / "d.mp4").write_bytes(b"no video")
    videos = [tmp_path / f"{name}.mp4" for name in "abdc"]
    options = ("--every", "100ms", "--tolerance", "3")
    plain, split = both(frames, tmp_path, *videos, *options)
    assert plain.stdout == split.stdout
    assert str(plain.exception) == str(split.exception)
    assert 0 < len(contents(tmp_path / "many")) < 40
    assert not list((tmp_path / "many").glob(".*"))


def test_a_folder_without_frames_is_not_made(tmp_path: Path) -> None:
    (tmp_path / "d.mp4").write_bytes(b"no video")
    run(frames, tmp_path / "d.mp4", "-o", tmp_path / "out", "--workers", 1)
    assert not (tmp_path / "out").exists()


def figures(path: Path) -> Any:
    """What an evaluation found, without its date and times."""
    result = json.loads((path / "results.json").read_text())
    del result["date"]
    for method in result["methods"]:
        del method["milliseconds"]
    return result


def test_an_evaluation_of_images(photos: Path, tmp_path: Path) -> None:
    options = ("--data", photos / "sub", "--model", "call", "--degrade", "gla")
    but = ("results.json", "report.html", "results.csv", "rows.jsonl")
    both(evaluate, tmp_path, *options, but=but)
    assert figures(tmp_path / "one") == figures(tmp_path / "many")
    rows = [(tmp_path / name / "rows.jsonl").read_text().splitlines() for name in ("one", "many")]
    assert sorted(rows[0]) == sorted(rows[1])
    resumed = run(evaluate, *options, "-o", tmp_path / "many", "--resume", "--workers", 1)
    assert resumed.exit_code == 0
    assert figures(tmp_path / "one") == figures(tmp_path / "many")
    assert len((tmp_path / "many" / "rows.jsonl").read_text().splitlines()) == len(rows[0])


def test_an_evaluation_of_clips(tmp_path: Path) -> None:
    for name in ("a", "b"):
        clip(tmp_path / f"{name}.mp4", tuple(range(0, 400, 40)))
    options = (
        "--clips",
        tmp_path / "a.mp4",
        "--clips",
        tmp_path / "b.mp4",
        "--sent",
        "x264(crf=30)",
    )
    both(
        evaluate,
        tmp_path,
        *options,
        "--vmaf-every",
        0,
        but=("results.json", "report.html", "results.csv", "rows.jsonl"),
    )
    assert figures(tmp_path / "one") == figures(tmp_path / "many")


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="needs Linux's /proc")
def test_killed_workers_change_nothing(photos: Path, tmp_path: Path) -> None:
    assert run(image, photos / "sub", "-o", tmp_path / "one").exit_code == 0
    command = [sys.executable, "-m", "ovsharp", "image", str(photos / "sub"), "-o"]
    process = subprocess.Popen(
        [*command, str(tmp_path / "many"), "--workers", "1"], stderr=subprocess.PIPE, text=True
    )
    record = tmp_path / "many" / RECORD
    while process.poll() is None and not record.exists():
        time.sleep(0.001)  # without, it takes the core that the process needs
    for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split():
        if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes():
            os.kill(int(pid), signal.SIGKILL)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert contents(tmp_path / "one", RECORD) == contents(tmp_path / "many", RECORD)


def test_what_cannot_be_split_is_refused(photos: Path, tmp_path: Path) -> None:
    one = run(image, photos / "0.jpg", "-o", "-", "--workers", "2")
    assert isinstance(one.exception, UsageError)
    assert "- is one image, and cannot be split" in str(one.exception)
    for command, arguments in (
        (image, [photos]),
        (degrade, [photos]),
        (evaluate, ["--data", photos]),
        (frames, [clip(tmp_path / "a.mp4")]),
    ):
        options = ("-o", tmp_path / "out", "--workers", 1, "--cluster", "auto")
        refused = run(command, *arguments, *options)
        assert isinstance(refused.exception, UsageError)
        assert "choose one" in str(refused.exception)
        assert not (tmp_path / "out").exists()
