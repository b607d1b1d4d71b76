from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from ovsharp.cli.main import main
from ovsharp.errors import MediaError, OvsharpError
from ovsharp.quality import psnr_y, ssim_y
from tests.media.clips import clip
from tests.photos import crop


def photos(folder: Path) -> Path:
    folder.mkdir()
    for index in range(2):
        cut = crop(index * 90, 100, 64, 96)
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


def test_sizes_are_rows_and_an_unsharp_mask_is_measured_anew(tmp_path: Path) -> None:
    folder, out = photos(tmp_path / "photos"), tmp_path / "out"
    call = ["eval", "--model", "sharp-balanced", "--quality", "fast", "--quality", "best"]
    call += ["--data", str(folder), "--degrade", "gla", "-o", str(out)]
    scores = []
    for more in ([], ["--unsharp", "0.5", "--resume"]):
        result = CliRunner().invoke(main, [*call, *more], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        rows = json.loads((out / "results.json").read_text())["rows"]
        assert {row["method"] for row in rows} >= {"sharp-balanced fast", "sharp-balanced best"}
        scores.append({(row["image"], row["method"]): row["measures"]["psnr"] for row in rows})
    for (image, method), score in scores[0].items():
        assert (scores[1][image, method] == score) == (method in ("input", "bicubic"))


def test_a_papers_table_is_of_luma_without_the_border(tmp_path: Path) -> None:
    small, large = tmp_path / "small", tmp_path / "large"
    small.mkdir()
    truth = crop(100, 100, 64, 96)
    large.mkdir()
    cv2.imwrite(str(large / "set_a.png"), truth)
    frame = cv2.resize(truth, (48, 32), interpolation=cv2.INTER_CUBIC)
    cv2.imwrite(str(small / "set_a.png"), frame)
    call = ["eval", "--model", "x2-fast", "--pairs", str(small), str(large), "--protocol", "luma"]
    result = CliRunner().invoke(main, [*call, "-o", str(tmp_path / "out")], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    enlarged = cv2.resize(frame, (96, 64), interpolation=cv2.INTER_CUBIC)[2:-2, 2:-2]
    inner = np.ascontiguousarray(truth[2:-2, 2:-2])
    enlarged = np.ascontiguousarray(enlarged)
    assert f"{psnr_y(enlarged, inner):.2f} / {ssim_y(enlarged, inner):.4f}" in result.output
    written = json.loads((tmp_path / "out" / "results.json").read_text())
    assert written["protocol"] == "luma"


def test_a_broken_image_is_listed_and_the_code_is_1(tmp_path: Path) -> None:
    folder = photos(tmp_path / "photos")
    (folder / "a_9.png").write_bytes(b"no image")
    call = ["eval", "--model", "sharp-gla", "--data", str(folder), "-o", str(tmp_path / "out")]
    result = CliRunner().invoke(main, call)
    assert result.exit_code == 1
    assert "1 skipped:" in result.output
    assert "a_9.png" in result.output
    assert (tmp_path / "out" / "report.html").is_file()


def test_without_a_model_the_default_is_meant(tmp_path: Path) -> None:
    folder, out = photos(tmp_path / "photos"), tmp_path / "out"
    call = ["eval", "--data", str(folder), "--degrade", "clean", "-o", str(out)]
    result = CliRunner().invoke(main, call, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert "clean: call takes SSIM from 1.0000" in result.output


def test_wrong_use_leaves_no_folder(tmp_path: Path) -> None:
    folder, out = photos(tmp_path / "photos"), tmp_path / "out"
    for more in (
        ["--data", str(tmp_path / "none")],
        ["--data", str(folder), "--sent", "x264(crf=3)"],
    ):
        result = CliRunner().invoke(main, ["eval", "--model", "sharp-gla", *more, "-o", str(out)])
        assert isinstance(result.exception, OvsharpError)
        assert not out.exists()


def test_pairs_are_not_cropped(tmp_path: Path) -> None:
    folder = str(photos(tmp_path / "photos"))
    call = ["eval", "--pairs", folder, folder, "--crop", "200", "-o", str(tmp_path / "out")]
    result = CliRunner().invoke(main, call)
    assert "--crop makes no sense with --pairs" in str(result.exception)


def test_clips_are_sent_and_scored(tmp_path: Path) -> None:
    pytest.importorskip("av")
    source = clip(tmp_path / "in.mp4", tuple(range(0, 400, 40)))
    out, file = tmp_path / "out", tmp_path / "all.json"
    call = ["eval", "--clips", str(source), "--sent", "bad=x264(crf=40)", "--seconds", "0.2"]
    result = CliRunner().invoke(main, [*call, "-o", str(out), "--json", str(file)])
    assert result.exit_code == 0, result.output
    assert "bad: x264(crf=40), 1 clip" in result.output
    assert "the first 0.2 s" in result.output
    assert max(map(len, result.output.split("bad: call takes")[0].splitlines())) <= 80
    rows = json.loads(file.read_text())["rows"]
    assert [row["method"] for row in rows] == ["input", "call"]
    assert [row["frames"] for row in rows] == [5, 5]
    assert json.loads((out / "results.json").read_text())["rows"] == rows
    assert (out / "report.html").read_text().count("data:image/jpeg") > 5
    panel = cv2.imread(str(out / "panels" / "bad-clips-worst.png"))
    assert panel is not None
    assert panel.shape == (24 + 2 * 64, 3 * 2 * 96, 3)  # input, output and truth, enlarged twice


def test_a_clips_figures_are_those_of_the_file_that_video_writes(tmp_path: Path) -> None:
    pytest.importorskip("av")
    from fractions import Fraction

    from ovsharp.degrade import parse_sending, send_clip
    from ovsharp.media import read_video
    from ovsharp.quality import psnr, ssim

    truth, sent, out = (tmp_path / name for name in ("in.mp4", "sent.mkv", "out.mkv"))
    clip(truth, tuple(range(0, 240, 40)), size=(192, 128))

    def frames(path: Path) -> list[np.ndarray]:
        with read_video(path) as reader:
            return [shot.frame for shot in reader]

    send_clip(frames(truth), sent, parse_sending("x264(crf=38)"), Fraction(25))
    model = ["--model", "sharp-balanced"]
    scored = ["--clips", str(truth), "--sent", "x264(crf=38)", "--measure-every", "1"]
    for call in (
        ["video", str(sent), "-o", str(out), *model, "--codec", "ffv1"],
        ["eval", *scored, *model, "--vmaf-every", "0", "-o", str(tmp_path / "eval")],
    ):
        result = CliRunner().invoke(main, call, catch_exceptions=False)
        assert result.exit_code == 0, result.output
    rows = json.loads((tmp_path / "eval" / "results.json").read_text())["rows"]
    for row, path in zip(rows, (sent, out), strict=True):
        pairs = [*zip(frames(path), frames(truth), strict=True)]
        # The file has one sample of chroma for four pixels.
        for name, measure, tolerance in (("ssim", ssim, 2e-3), ("psnr", psnr, 0.2)):
            mean = np.mean([measure(*pair) for pair in pairs])
            assert row["measures"][name] == pytest.approx(mean, abs=tolerance)
    assert abs(rows[0]["measures"]["psnr"] - rows[1]["measures"]["psnr"]) > 0.5


def test_no_empty_folder_is_left(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.png").write_bytes(b"no image")
    out = tmp_path / "new" / "out"
    call = ["eval", "--model", "sharp-fast", "--data", str(tmp_path / "photos"), "--degrade", "gla"]
    result = CliRunner().invoke(main, [*call, "-o", str(out)])
    assert isinstance(result.exception, MediaError)
    assert [path.name for path in tmp_path.iterdir()] == ["photos"]
