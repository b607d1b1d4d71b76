from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from ovsharp.cli.main import main
from ovsharp.errors import UsageError
from tests.photos import write_photos


def test_a_regression_ends_with_code_1(tmp_path: Path) -> None:
    out = tmp_path / "out"
    data = str(write_photos(tmp_path / "photos", 2))
    CliRunner().invoke(main, ["eval", "--model", "sharp-gla", "--data", data, "-o", str(out)])
    values = json.loads((out / "results.json").read_text())
    for row in values["rows"]:
        row["measures"]["ssim"] -= 0.01 * (row["method"] == "sharp-gla")
    worse = tmp_path / "worse.json"
    worse.write_text(json.dumps(values))
    call = ["compare", str(out / "results.json"), str(worse)]
    result = CliRunner().invoke(main, call)
    assert result.exit_code == 1
    assert "WORSE" in result.output
    assert CliRunner().invoke(main, [*call, "--tolerance", "0.02"]).exit_code == 0


@pytest.mark.parametrize("content", [b"\xff\xfe\xff", b"{}"])
def test_what_is_no_evaluation_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "a.json"
    file.write_bytes(content)
    result = CliRunner().invoke(main, ["compare", str(file), str(file)])
    assert isinstance(result.exception, UsageError)
    assert "a.json" in str(result.exception)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["compare", str(tmp_path / "x"), str(tmp_path / "y")])
    assert isinstance(result.exception, UsageError)


def test_folders_are_taken_and_a_model_must_be_shared(tmp_path: Path) -> None:
    data = str(write_photos(tmp_path / "photos", 2))
    for model in ("sharp-gla", "sharp-fast"):
        call = ["eval", "--model", model, "--data", data, "--degrade", "gla"]
        result = CliRunner().invoke(main, [*call, "-o", str(tmp_path / model)])
        assert result.exit_code == 0, result.output
    same, other = str(tmp_path / "sharp-gla"), str(tmp_path / "sharp-fast")
    result = CliRunner().invoke(main, ["compare", same, same])
    assert result.exit_code == 0, result.output
    result = CliRunner().invoke(main, ["compare", same, other])
    assert isinstance(result.exception, UsageError)
    assert "no model in common: sharp-gla then, sharp-fast now" in str(result.exception)
