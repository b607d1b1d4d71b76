"""`--use NAME` takes options from the user's own file; `completion` is click's own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import click
import cv2
import pytest
from click.testing import CliRunner, Result
from PIL import Image
from skimage import data

from ovsharp.cli.main import VERBS, main
from ovsharp.errors import UsageError
from ovsharp.terminal import presets
from tests.networks import write_frame_model

SHELLS = ("bash", "zsh", "fish")


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "presets.toml"
    monkeypatch.setattr(presets, "presets_file", lambda: path)
    return path


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    cv2.imwrite(str(tmp_path / "photo.png"), data.astronaut()[:60, :80])
    return tmp_path / "photo.png"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_the_file_is_in_the_users_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert presets.presets_file().name == "presets.toml"
    assert "ovsharp" in presets.presets_file().parts
    if sys.platform == "linux":
        assert presets.presets_file() == tmp_path / "ovsharp" / "presets.toml"


def test_options_come_from_the_file_and_the_command_line_counts_more(
    config: Path, photo: Path
) -> None:
    model = write_frame_model(photo.parent / "model", scale=2)
    config.write_text(
        f"[image.web]\nmodel = '{model}'\nformat = 'jpg'\nscale = 1.5\nside-by-side = true\n"
    )
    out = photo.parent / "out"
    assert run("image", photo, "-o", out, "--use", "web").exit_code == 0
    with Image.open(out / "photo.jpg") as written:
        assert written.size == (2 * 120 + 4, 90)
    result = run("image", "--scale", "1", photo, "--use", "web", "-o", out, "--format", "webp")
    assert result.exit_code == 0, result.output
    with Image.open(out / "photo.webp") as written:
        assert written.size == (2 * 80 + 4, 60)


def test_without_the_option_nothing_is_read(config: Path, photo: Path) -> None:
    config.write_text("no toml")
    model = write_frame_model(photo.parent / "model")
    assert run("image", photo, "-o", photo.parent / "x.png", "--model", model).exit_code == 0


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "there are no presets: write .*presets.toml"),
        ("[image", "is no TOML that can be read"),
        ("[video.web]\ncrf = 20", r"no preset \[image.web\]; for image it has none"),
        ("[image.small]\n[image.large]", "for image it has small, large"),
        ("[image.web]\nqualty = 3", "sets qualty, which is no option of 'ovsharp image'"),
    ],
)
def test_mistakes_are_told(config: Path, photo: Path, content: str | None, said: str) -> None:
    if content is not None:
        config.write_text(content)
    with pytest.raises(UsageError, match=said):
        raise run("image", photo, "-o", "out", "--use", "web").exception or AssertionError


def test_a_value_that_an_option_does_not_take_is_a_wrong_use(config: Path, photo: Path) -> None:
    config.write_text("[image.web]\nquality = 'high'")
    result = run("image", photo, "-o", "out", "--use", "web")
    assert result.exit_code == 2
    assert "Invalid value for '--quality'" in result.output


@pytest.mark.parametrize("verb", ["image", "video", "camera", "bench"])
def test_every_verb_has_it(verb: str) -> None:
    assert "--use NAME" in run(verb, "--help").output


@pytest.mark.parametrize("shell", SHELLS)
def test_completion_prints_the_script_of_a_shell(shell: str) -> None:
    if shell == "bash" and shutil.which("bash") is None:
        pytest.skip("click asks bash for its version")
    result = run("completion", shell)
    assert result.exit_code == 0, result.output
    assert f"_OVSHARP_COMPLETE={shell}_complete" in result.output


def test_completion_knows_verbs_and_options() -> None:
    def completed(words: str, index: int) -> str:
        environment = {
            **os.environ,
            "_OVSHARP_COMPLETE": "bash_complete",
            "COMP_WORDS": words,
            "COMP_CWORD": str(index),
        }
        command = [sys.executable, "-m", "ovsharp"]
        ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
        return ran.stdout

    assert "plain,image" in completed("ovsharp im", 1)
    assert "plain,--strength" in completed("ovsharp image --st", 2)


def test_presets_are_named_alike_everywhere() -> None:
    context = click.Context(main)
    for verb in VERBS:
        command = main.get_command(context, verb)
        assert command is not None
        uses = [one for one in command.params if one.name == presets.OPTION]
        assert len(uses) == (0 if isinstance(command, click.Group) else 1)
