"""One name for one thing: what an option is called, and what it takes, is the same everywhere."""

from __future__ import annotations

import json
import re
import shlex
from collections import defaultdict
from pathlib import Path

import click
import cv2
import pytest
from skimage import data

from ovsharp.cli.main import SPOKEN, VERBS, Verbs
from ovsharp.terminal import EXAMPLES, examples
from ovsharp.terminal.renamed import RENAMED
from tests.command import ovsharp
from tests.networks import write_frame_model

OWN = {
    "--calib",
    "--clips",
    "--data",
    "--fps",
    "--mode",
    "--model",
    "--name",
    "--output",
    "--preset",
    "--quality",
    "--seconds",
    "--size",
    "--teacher",
    "--tolerance",
}
"""Names whose meaning is near, and what they take is not: one or several, a folder or a file."""
UNTOLD = {
    "--calib",
    "--data",
    "--images",
    "--name",
    "--output",
    "--seconds",
    "--seed",
    "--size",
    "--use",
}
"""Names that say it."""
SAME = ("--device", "--threads", "--quiet", "--overwrite", "--json", "--strength", "--unsharp")
"""Names that are written once."""


def options() -> dict[str, dict[str, click.Option]]:
    """Give name of an option -> verb -> option."""
    found: dict[str, dict[str, click.Option]] = defaultdict(dict)
    for verb in VERBS:
        command = Verbs().get_command(None, verb)  # type: ignore[arg-type]
        assert command is not None
        for option in command.params:
            for name in option.opts:
                if isinstance(option, click.Option) and name.startswith("--"):
                    found[name][verb] = option
    return found


def test_an_option_takes_the_same_wherever_it_stands() -> None:
    kinds = {
        name: {(one.type.name, one.is_flag) for one in verbs.values()}
        for name, verbs in options().items()
    }
    assert {name for name, found in kinds.items() if len(found) > 1} <= OWN


def test_shared_options_are_the_same_to_the_letter() -> None:
    for name in SAME:
        found = options()[name].values()
        words = {(one.default, one.required, one.multiple) for one in found}
        assert len(words) == 1, name
        if name != "--json":  # each says what is in the file
            assert len({one.help for one in found}) == 1, name


def test_shared_options_are_there() -> None:
    runs = {"image", "video", "camera", "screen", "serve", "eval", "bench", "profile", "ship"}
    found = options()
    assert set(found["--threads"]) == runs
    assert set(found["--device"]) == runs | {"quantize", "study"}
    assert set(found["--overwrite"]) == {"image", "video", "camera", "frames"}
    assert set(found["--quiet"]) == set(VERBS) - set(SPOKEN)
    assert {"--report", "--degradation"}.isdisjoint(found)
    assert set(found["--recipe"]) == {"train"}
    assert set(found["--every"]) == {"frames"}
    assert set(found["--degrade"]) == {
        *("convert", "quantize", "bench", "ship", "eval", "degrade", "study"),
    }
    assert set(found["--json"]) == {
        *("convert", "quantize", "bench", "eval", "compare", "profile", "image", "video"),
        *("camera", "screen", "frames", "recipes", "info", "devices", "train", "ship"),
    }


@pytest.fixture(scope="module")
def page() -> list[str]:
    path = Path(__file__).parents[2] / "docs" / "COMMANDS.md"
    if not path.is_file():
        pytest.skip("the documentation is not here")
    return path.read_text(encoding="utf-8").splitlines()


def test_the_table_of_verbs_has_them_all(page: list[str]) -> None:
    rows = [line.split("|")[1] for line in page if line.startswith("| `ovsharp ")]
    assert {verb for row in rows for verb in re.findall(r"`ovsharp (\w+)`", row)} == set(VERBS)


def test_the_table_of_names_says_what_they_are_called_and_where(page: list[str]) -> None:
    rows = [line for line in page if line.startswith("| `--")]
    known, told = options(), set()
    for row in rows:
        # Names without verbs behind them are of many.
        for group, verbs in re.findall(r"((?:`--[^`]*`[, ]*)+)(\([^)]*\))?", row.split("|")[1]):
            names = re.findall(r"`(--[\w-]+)", group)
            told |= set(names)
            for name in names:
                where = set(re.findall(r"`(\w+)`", verbs)) or set(known[name])
                assert set(known[name]) == where, name
    assert set(SAME) <= told
    several = {name for name, verbs in known.items() if len(verbs) > 2}
    assert several - told <= UNTOLD


def test_the_table_of_names_tells_all_old_ones(page: list[str]) -> None:
    rows = {row.split("|")[1]: row for row in page if row.startswith("| `--")}
    for (_, old), new in RENAMED.items():
        (row,) = (row for names, row in rows.items() if f"`{new}`" in names)
        until = row.partition(" until 0.1")[0]
        assert f"`{old}`" in until.rpartition(";")[2], (old, new)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    cv2.imwrite(str(tmp_path / "in.png"), data.astronaut()[:64, :64])
    write_frame_model(tmp_path / "model")
    return tmp_path / "in.png"


def test_quiet_says_nothing_and_json_to_standard_output_is_nothing_but_json(photo: Path) -> None:
    model = next((photo.parent / "model").glob("*.xml"))
    call = ("image", photo, "-o", photo.with_name("out.png"), "--overwrite", "--model", model)
    assert "1 of 1 images written" in ovsharp(*call).stdout
    done = ovsharp(*call, "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    done = ovsharp(*call, "--json", "-")
    assert json.loads(done.stdout)["sharpened"] == 1
    clash = ovsharp("image", photo, "-o", "-", "--json", "-", "--model", model)
    assert clash.returncode == 2
    assert "cannot both be standard output" in clash.stderr


def test_quiet_leaves_errors(tmp_path: Path) -> None:
    done = ovsharp("image", tmp_path / "none.png", "-o", tmp_path / "out.png", "--quiet")
    assert done.returncode == 1
    assert "none.png" in done.stderr


@pytest.mark.parametrize("verb", sorted({line.split()[0] for line in EXAMPLES.splitlines()}))
def test_what_the_first_screen_shows_can_be_typed(verb: str) -> None:
    first = ovsharp(verb, "--help").stdout.splitlines()[:24]
    command = Verbs().get_command(None, verb)  # type: ignore[arg-type]
    assert command is not None
    for line in examples(verb):
        assert f"  {line}" in first
        _, _, *words = shlex.split(line.partition(" >> ")[0])
        command.make_context(verb, words)  # every option is there, and none is missing


def test_the_first_screen_of_all_shows_the_way() -> None:
    lines = ovsharp("--help").stdout.splitlines()
    assert max(map(len, lines)) <= 80
    shown = [line.strip() for line in lines if line.startswith("  ovsharp ")]
    assert len(shown) == 4
    for line in shown:
        _, verb, *words = shlex.split(line.partition("   ")[0])
        command = Verbs().get_command(None, verb)  # type: ignore[arg-type]
        assert command is not None
        command.make_context(verb, words)


def test_every_help_fits_80_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for verb in VERBS:
        assert all(len(line) <= 80 for line in ovsharp(verb, "--help").stdout.splitlines()), verb
