"""`ovsharp train` and `ovsharp recipes`: what they print, their exit codes and messages."""

from __future__ import annotations

import errno
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import cv2
import pytest
import torch
from click.testing import CliRunner, Result

from ovsharp.cli.recipes import recipes
from ovsharp.errors import ModelLoadError, UsageError
from ovsharp.lab.following import photos_of
from ovsharp.lab.ship import ship
from ovsharp.lab.train import train
from ovsharp.models import load_network
from tests.command import ovsharp
from tests.interrupt import interrupted
from tests.photos import crop

TOML = """\
summary = "for tests"

[student]
architecture = "student"
arguments = { channels = 8, depth = 0, unshuffle = 2 }
loss = { l1 = 1.0, mse = 0.5 }
patch = 32
batch = 2
stages = [{ degrade = "blur(sigma=2)", steps = 400, rate = 1e-3 }]

[sizes]
wide = { arguments = { channels = 16 } }
"""


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    (tmp_path / "photos").mkdir()
    for name in ("astronaut", "coffee"):
        image = crop(0, 0, 96, 96, name=name)
        cv2.imwrite(str(tmp_path / "photos" / f"{name}.png"), image)
    path = tmp_path / "mine.toml"
    path.write_text(TOML, encoding="utf-8")
    return path


def options(recipe: Path, *more: object) -> list[str]:
    folder = recipe.parent
    names = ("--recipe", recipe, "--data", folder / "photos", "-o", folder / "run", *more)
    return [str(name) for name in names]


def call(recipe: Path, *more: object) -> Result:
    return CliRunner().invoke(train, options(recipe, *more))


def test_a_training_says_how_it_went(recipe: Path) -> None:
    figures = recipe.with_name("figures.json")
    result = call(recipe, "--steps", 2, "--size", "wide", "--json", figures)
    assert result.exit_code == 0, result.exception
    assert "best on the validation images: SSIM 0." in result.output
    assert "on cpu" in result.output
    weights = recipe.parent / "run" / "student.pth"
    network = load_network(weights)
    assert network.arguments["channels"] == 16
    told = json.loads(figures.read_text())
    assert told["weights"] == str(weights)
    assert 0 < told["ssim_out"] < 1
    assert network.degradation  # what it undoes travels with it
    next_line = next(line for line in result.output.splitlines() if line.startswith("next: "))
    given = shlex.split(next_line.removeprefix("next: ovsharp ship "))
    ship.make_context("ship", list(given))  # takes the line as it is printed
    assert given[0] == str(weights)


def more_photos(recipe: Path) -> None:
    for index in range(1, 6):
        image = crop(60, 80 * index, 128, 128, name="coffee")
        cv2.imwrite(str(recipe.parent / "photos" / f"more {index}.png"), image)


def following(output: str) -> str:
    """Give the line that a step prints for the one after it."""
    (line,) = (one for one in output.splitlines() if one.startswith("next: "))
    return line.removeprefix("next: ")


def run_as_printed(line: str, *more: str) -> str:
    """Run a printed line; `more` only makes it quick."""
    result = ovsharp(*shlex.split(line)[1:], *more)
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.mark.slow
def test_each_step_from_training_to_int8_works_as_printed(recipe: Path) -> None:
    more_photos(recipe)
    printed = call(recipe, "--steps", 2).output.splitlines()
    run = recipe.parent / "run"
    line, *others = printed[printed.index("or, step by step:") + 1 :]
    for made in ("student-fp32.xml", "student-int8.xml"):
        after = following(run_as_printed(line))
        assert (run / made).is_file()
        # Each step knows the next one, as training has printed it.
        line, *others = others
        assert after == line
    assert "\nstudent: " in run_as_printed(line, "--sizes", "96x96", "--seconds", "0.1")


@pytest.mark.slow
def test_the_line_that_does_all_works_as_printed(recipe: Path) -> None:
    more_photos(recipe)
    line = following(call(recipe, "--steps", 2).output)
    printed = run_as_printed(line, "--sizes", "96x96", "--seconds", "0.1").splitlines()
    assert (recipe.parent / "run" / "shipped" / "README.md").is_file()
    run_as_printed(following(printed[-1]))
    (picture,) = (recipe.parent / "run" / "shipped").glob("sharpened-*.png")
    assert cv2.imread(str(picture)) is not None


def test_convert_forgets_photos_that_are_gone(recipe: Path) -> None:
    assert call(recipe, "--steps", 2).exit_code == 0
    weights = recipe.parent / "run" / "student.pth"
    assert photos_of(weights) == recipe.parent / "photos"
    (recipe.parent / "photos").rename(recipe.parent / "elsewhere")
    assert photos_of(weights) is None


def test_a_term_can_be_left_out(recipe: Path) -> None:
    assert call(recipe, "--steps", 2, "--without", "mse").exit_code == 0
    log = (recipe.parent / "run" / "log.jsonl").read_text().splitlines()
    assert list(json.loads(log[-1])["losses"]) == ["l1"]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--teacher-steps", "3"], "has no teacher"),
        (["--no-teacher", "--teacher-steps", "3"], "do not go with --no-teacher"),
        (["--qat", "x.pth", "--resume"], "--qat starts from its own weights"),
        (["--size", "huge"], "has no size 'huge': expected wide"),
        (["--without", "ssim"], "has no loss term 'ssim'"),
    ],
)
def test_what_does_not_go_together_is_said(recipe: Path, more: list[str], message: str) -> None:
    result = call(recipe, *more)
    assert isinstance(result.exception, UsageError)
    assert message in str(result.exception)
    assert not (recipe.parent / "run").exists()


def test_weights_of_strangers_are_read_within_limits(
    recipe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = recipe.with_name("teacher.pth")
    torch.save({"a": torch.zeros(4, 4)}, weights)
    monkeypatch.setenv("OVSHARP_MAX_MEMORY_MB", "10")
    result = call(recipe, "--init", weights)
    assert isinstance(result.exception, ModelLoadError)
    assert "teacher.pth is too much" in str(result.exception)
    assert not (recipe.parent / "run").exists()


@pytest.mark.slow
def test_ctrl_c_keeps_the_checkpoint_and_resume_goes_on(recipe: Path) -> None:
    arguments = options(recipe, "--validate-every", 1)
    checkpoint = recipe.parent / "run" / "checkpoint.pth"
    code, errors = interrupted(["train", *arguments], checkpoint.exists)
    assert code == 130
    assert errors.splitlines()[-1] == "ovsharp: interrupted"
    assert "Traceback" not in errors
    command = [sys.executable, "-m", "ovsharp", "train", *arguments, "--resume"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    log = (recipe.parent / "run" / "log.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in log] == list(range(1, 401))


def without_shared_memory() -> list[str]:
    """Give what runs a command where /dev/shm cannot be written to; empty if nothing can."""
    inside = "mount -t tmpfs -o ro none /dev/shm"
    ways = ["unshare", "--mount", "--user", "--map-root-user"]
    for way in (ways[:2], ways):
        try:
            subprocess.run([*way, "sh", "-c", inside], check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            continue
        return [*way, "sh", "-c", f'{inside} && exec "$@"', "sh"]
    return []


def test_a_machine_that_lends_no_semaphore_is_told(
    recipe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused() -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr("ovsharp.training.feed.multiprocessing.Lock", refused)
    done = ovsharp("train", *options(recipe, "--steps", 2))
    assert done.returncode == 1
    assert done.stderr.startswith("ovsharp: training prepares its batches in processes")
    assert "/dev/shm: Read-only file system" in done.stderr
    assert not (recipe.parent / "run").exists()


@pytest.mark.slow
def test_a_machine_without_shared_memory_is_told(recipe: Path) -> None:
    """As containers may be: the processes that cut patches cannot talk to the training there."""
    begin = without_shared_memory()
    if not begin:
        pytest.skip("nothing may be mounted here")
    command = [*begin, sys.executable, "-m", "ovsharp", "train", *options(recipe, "--steps", 2)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert done.stderr.startswith("ovsharp: training prepares its batches in processes")
    assert "/dev/shm: Read-only file system" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (recipe.parent / "run").exists()


def test_a_mistake_in_a_recipe_ends_in_a_sentence(recipe: Path) -> None:
    recipe.write_text(TOML.replace("batch", "bach"), encoding="utf-8")
    done = ovsharp("train", *options(recipe))
    assert done.returncode == 2
    assert "mine.toml, line 8: 'student.bach' is unknown here" in done.stderr
    assert "Traceback" not in done.stderr


def test_recipes_are_listed_and_shown() -> None:
    listed = CliRunner().invoke(recipes).output
    for name in ("call", "dynamic-duo", "edsr", "gla", "synergy", "visionarv"):
        assert f" {name} " in listed
    shown = CliRunner().invoke(recipes, ["dynamic-duo"]).output
    for text in ("gradient 0.5", "the teacher sees the base", "7,900 steps", "dynamic-duo-teacher"):
        assert text in shown
    content = json.loads(CliRunner().invoke(recipes, ["gla", "--json"]).output)
    assert content[0]["student"]["loss"] == {"l1": 0.7}
