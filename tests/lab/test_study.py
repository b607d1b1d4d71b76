from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from ovsharp.cli.main import main
from ovsharp.errors import UsageError
from ovsharp.opinions import Conditions, open_study
from tests.interrupt import LISTENING
from tests.opinions.ratings import fill, folder_of_conditions

QUALITY = {"hidden-a": 1, "hidden-b": 3, "hidden-c": 5}


def test_it_serves_until_ctrl_c_and_ends_with_0(tmp_path: Path) -> None:
    stimuli = folder_of_conditions(tmp_path / "stimuli")
    call = ["study", stimuli, "-o", tmp_path / "out", "--port", "0"]
    with subprocess.Popen(
        [sys.executable, "-c", LISTENING, *call],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline(), process.stdout.readline()]
        time.sleep(0.3)  # into the loop that waits for raters
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=60)
    assert "9 questions a rater" in lines[0]
    assert "http://127.0.0.1:" in lines[1]
    assert "--results" in rest
    assert (process.returncode, errors) == (0, "")


@pytest.mark.parametrize("method", ["acr", "pairs"])
def test_results_are_printed_and_written(tmp_path: Path, method: str) -> None:
    folder = tmp_path / "study"
    stimuli = Conditions(folder_of_conditions(tmp_path / "stimuli"))
    study = open_study(folder, stimuli, "acr" if method == "acr" else "pairs")
    for rater in ("a", "b"):
        fill(study, folder, rater, QUALITY, until=99)
    fill(study, folder, "late", QUALITY, until=2)
    result = CliRunner().invoke(main, ["study", str(folder), "--results"], catch_exceptions=False)
    assert result.exit_code == 0
    assert "2 raters, 1 not finished (late)" in result.output
    wanted = "rated 2.00 better" if method == "acr" else "in 6 of 6 comparisons"
    assert f"hidden-c is {'' if method == 'acr' else 'preferred to hidden-b '}{wanted}" in (
        result.output
    )
    assert json.loads((folder / "results.json").read_text())["method"] == method
    for name in ("results.csv", "votes.csv", "report.html"):
        assert (folder / name).stat().st_size


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (["study"], "give a folder of stimuli"),
        (["study", "--results"], "name the folder"),
        (["study", "nowhere"], "there is no folder nowhere"),
        (["study", "nowhere", "--results"], "holds no study"),
        (["study", "x", "--results", "--seed", "3"], "--seed has no meaning with --results"),
        (["study", "x", "--model", "sharp-gla"], "not both"),
        (["study", "--model", "sharp-gla", "--data", "x"], "--degrade"),
    ],
)
def test_wrong_usage_is_told_in_a_sentence(call: list[str], sentence: str) -> None:
    result = CliRunner().invoke(main, call)
    assert isinstance(result.exception, UsageError)
    assert sentence in str(result.exception)


def test_a_study_that_has_begun_takes_no_other_design(tmp_path: Path) -> None:
    folder = tmp_path / "study"
    open_study(folder, Conditions(folder_of_conditions(tmp_path / "stimuli")), "acr")
    result = CliRunner().invoke(main, ["study", str(folder), "--method", "pairs"])
    assert isinstance(result.exception, UsageError)
    assert "--method has no meaning with a study that has begun" in str(result.exception)
