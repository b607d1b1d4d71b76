"""`ovsharp degrade` and `ovsharp frames`: images and videos in, training material out."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result

from ovsharp.cli.frames import frames
from ovsharp.degrade import parse
from ovsharp.errors import MediaError, UsageError
from ovsharp.lab.degrade import degrade
from ovsharp.media import find_pairs, read_frame
from tests.media.clips import clip
from tests.photos import crop

PHOTO = crop(100, 180, 61, 103)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    (folder / "sub").mkdir(parents=True)
    cv2.imwrite(str(folder / "one.png"), PHOTO)
    cv2.imwrite(str(folder / "sub" / "two.bmp"), PHOTO[::-1])
    return folder


def call(command: object, *arguments: object) -> Result:
    return CliRunner().invoke(command, [str(a) for a in arguments])  # type: ignore[arg-type]


def test_pairs_are_aligned_and_the_manifest_makes_them_again(photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    text = "down(scale=4) + jpeg(quality=5..35)"
    result = call(degrade, photos, "-o", out, "--degrade", text, "--seed", 7, "--teacher")
    assert result.exit_code == 0, result.exception
    assert len(find_pairs(out)) == 2
    manifest = json.loads((out / "manifest.json").read_text())
    assert (manifest["recipe"], manifest["scale"], manifest["seed"]) == (text, 4, 7)
    assert [pair["name"] for pair in manifest["pairs"]] == ["one.png", "sub/two.png"]
    for pair in manifest["pairs"]:
        sharp = read_frame(pair["source"])
        damaged = read_frame(out / "input" / pair["name"])
        np.testing.assert_array_equal(damaged, parse(text)(sharp, seed=pair["seed"]))
        target = read_frame(out / "target" / pair["name"])
        np.testing.assert_array_equal(target, sharp[:60, :100])
        assert (pair["width"], pair["height"]) == (100, 60)
        teacher = read_frame(out / "teacher" / pair["name"])
        np.testing.assert_array_equal(teacher, cv2.resize(damaged, (100, 60), interpolation=2))


def test_an_image_gets_the_same_damage_in_any_company(photos: Path, tmp_path: Path) -> None:
    call(degrade, photos, "-o", tmp_path / "all", "--degrade", "noise(sigma=5)")
    call(degrade, photos / "one.png", "-o", tmp_path / "one", "--degrade", "noise(sigma=5)")
    call(degrade, photos, "-o", tmp_path / "seed", "--degrade", "noise(sigma=5)", "--seed", 2)
    all_, one, seed = (
        (tmp_path / name / "input" / "one.png").read_bytes() for name in ("all", "one", "seed")
    )
    assert all_ == one != seed


def test_a_second_run_makes_only_what_is_missing(photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    call(degrade, photos, "-o", out, "--degrade", "gla")
    kept = out / "input" / "one.png"
    kept.write_bytes(b"mark")
    (out / "target" / "sub" / "two.png").unlink()
    result = call(degrade, photos, "-o", out, "--degrade", "gla")
    assert result.exit_code == 0
    assert kept.read_bytes() == b"mark"
    assert (out / "target" / "sub" / "two.png").is_file()
    other = call(degrade, photos, "-o", out, "--degrade", "gla", "--seed", 5)
    assert isinstance(other.exception, UsageError)
    assert "choose a new folder" in str(other.exception)


@pytest.mark.parametrize(
    ("recipe", "error", "said"),
    [
        ("nonsense", UsageError, "unknown degradation"),
        ("down(scale=0)", UsageError, "whole number"),
    ],
)
def test_a_wrong_recipe_writes_nothing(
    photos: Path, tmp_path: Path, recipe: str, error: type[Exception], said: str
) -> None:
    result = call(degrade, photos, "-o", tmp_path / "out", "--degrade", recipe)
    assert isinstance(result.exception, error)
    assert said in str(result.exception)
    assert not (tmp_path / "out").exists()


def test_a_corrupt_image_is_listed_and_the_others_are_made(photos: Path, tmp_path: Path) -> None:
    (photos / "bad.png").write_bytes(b"not a picture")
    result = call(degrade, photos, "-o", tmp_path / "out", "--degrade", "gla")
    assert isinstance(result.exception, MediaError)
    assert "1 of 3 inputs failed" in str(result.exception)
    assert "2 of 3 pairs" in result.output
    assert len(find_pairs(tmp_path / "out")) == 2


def test_a_folder_with_other_things_in_it_is_left_alone(photos: Path, tmp_path: Path) -> None:
    result = call(degrade, photos, "-o", photos, "--degrade", "gla")
    assert isinstance(result.exception, UsageError)
    assert not (photos / "input").exists()


def test_frames_at_their_times_without_duplicates(tmp_path: Path) -> None:
    pytest.importorskip("av")
    video = clip(tmp_path / "call.mp4")
    every = call(frames, video, "-o", tmp_path / "all", "--every", "200ms", "--tolerance", 0)
    assert every.exit_code == 0, every.exception
    names = sorted(path.name for path in (tmp_path / "all").iterdir())
    assert names == [f"call_{time:09.3f}s.png" for time in (0, 0.2, 0.4, 0.6)]
    twice = tmp_path / "again.mp4"
    twice.write_bytes(video.read_bytes())
    both = call(frames, video, twice, "-o", tmp_path / "both", "--every", "0.2", "--tolerance", 0)
    assert "call.mp4: 4 kept of 4" in both.output
    assert "again.mp4: 0 kept of 4" in both.output
    same = call(frames, video, "-o", tmp_path / "same", "--every", "200ms", "--tolerance", 256)
    assert "1 kept of 4" in same.output


def test_a_broken_video_is_listed_and_the_others_are_done(tmp_path: Path) -> None:
    pytest.importorskip("av")
    video = clip(tmp_path / "call.mp4")
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no video")
    result = call(frames, broken, video, tmp_path / "gone.mp4", "-o", tmp_path / "out")
    assert isinstance(result.exception, MediaError)
    assert "2 of 3 videos failed" in str(result.exception)
    assert "1 kept" in result.output


def test_a_wrong_time_is_a_usage_error(tmp_path: Path) -> None:
    result = call(frames, tmp_path / "call.mp4", "-o", tmp_path / "out", "--every", "soon")
    assert result.exit_code == 2
    assert "expected 2s" in result.output
