from __future__ import annotations

from pathlib import Path

import cv2
from click.testing import CliRunner
from skimage import data

from ovsharp.cli.main import main


def photos(folder: Path) -> Path:
    folder.mkdir()
    for index in range(2):
        cut = data.astronaut()[index * 90 :][:64, 100:196, ::-1]
        cv2.imwrite(str(folder / f"a_{index}.png"), cut)
    return folder


def test_it_writes_all_files_and_compares(tmp_path: Path) -> None:
    folder, out = photos(tmp_path / "photos"), tmp_path / "out"
    call = ["eval", "--model", "sharp-gla", "--data", str(folder), "--degrade", "gla"]
    result = CliRunner().invoke(main, [*call, "-o", str(out)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert "sharp-gla takes SSIM from" in result.output
    names = {"results.json", "results.csv", "images.csv", "report.html", "rows.jsonl"}
    assert {path.name for path in out.iterdir()} == names
    again = CliRunner().invoke(
        main, ["compare", str(out / "results.json"), str(out / "results.json")]
    )
    assert again.exit_code == 0
    assert "0 of 3 means fell" in again.output


def test_a_broken_image_is_listed_and_the_code_is_1(tmp_path: Path) -> None:
    folder = photos(tmp_path / "photos")
    (folder / "a_9.png").write_bytes(b"no image")
    call = ["eval", "--model", "sharp-gla", "--data", str(folder), "-o", str(tmp_path / "out")]
    result = CliRunner().invoke(main, call)
    assert result.exit_code == 1
    assert "1 skipped:" in result.output
    assert "a_9.png" in result.output
    assert (tmp_path / "out" / "report.html").is_file()
