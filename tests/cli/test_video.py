"""`ovsharp video`: from files and folders to videos."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from ovsharp.cli.video import video
from ovsharp.errors import MediaError, UsageError
from ovsharp.media import Shot, read_video, write_video
from tests.interrupt import interrupted
from tests.media.clips import TIMES, clip
from tests.networks import write_frame_model

pytest.importorskip("av")


def run(*arguments: object) -> Result:
    return CliRunner().invoke(video, [str(argument) for argument in arguments])


def probed(path: Path) -> Any:
    if shutil.which("ffprobe") is None:
        pytest.skip("ffprobe is not installed")
    command = ["ffprobe", "-v", "error", "-show_streams", "-show_frames", "-of", "json", str(path)]
    return json.loads(subprocess.run(command, capture_output=True, check=True).stdout)


def test_ffprobe_sees_the_same_times_and_sound(tmp_path: Path) -> None:
    source = clip(tmp_path / "in.mp4", sound=True)
    result = run(source, "-o", tmp_path / "out.mp4", "--json", tmp_path / "report.json")
    assert result.exit_code == 0, result.output
    assert f"{len(TIMES)} frames" in result.stdout
    assert "busy: decode" in result.stdout
    (report,) = json.loads((tmp_path / "report.json").read_text())
    assert report["frames"] == len(TIMES)
    assert report["flicker"]["output"] >= 0
    old, new = probed(source), probed(tmp_path / "out.mp4")
    for kind in ("video", "audio"):
        times = [
            [float(f["pts_time"]) for f in file["frames"] if f["media_type"] == kind]
            for file in (old, new)
        ]
        assert times[0] == pytest.approx(times[1], abs=1e-6)
    assert new["streams"][0]["color_space"] == "bt709"
    assert new["streams"][0]["color_range"] == "tv"


def test_folders_sizes_and_side_by_side(tmp_path: Path) -> None:
    (tmp_path / "in" / "sub").mkdir(parents=True)
    clip(tmp_path / "in" / "a.mp4", (0, 40))
    clip(tmp_path / "in" / "sub" / "b.mkv", (0, 40))
    out = tmp_path / "out"
    result = run(tmp_path / "in", "-o", out, "--size", "48p", "--side-by-side")
    assert result.exit_code == 0, result.output
    assert [str(path.relative_to(out)) for path in sorted(out.rglob("*.m*"))] == [
        "a.mp4",
        "sub/b.mkv",
    ]
    stream = probed(out / "a.mp4")["streams"][0]
    assert (stream["width"], stream["height"]) == (148, 48)


def test_videos_of_every_ending_are_taken_and_others_named(tmp_path: Path) -> None:
    content = clip(tmp_path / "in.mkv", (0, 40)).read_bytes()
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("a.mts", "b.m2ts", "c.3gp", "d.flv", "e.ogv", "f.wmv", "g.mpg", "h.txt"):
        (folder / name).write_bytes(content)
    clip(tmp_path / "i.h264", (0, 40)).rename(folder / "i.h264")
    result = run(folder, "-o", tmp_path / "out", "--strength", 0)
    assert result.exit_code == 0, result.output
    assert sorted(path.stem for path in (tmp_path / "out").glob("*.mp4")) == list("abcdefgi")
    assert f"passed over, no videos by their endings: {folder / 'h.txt'}\n" in result.stderr


def test_the_shorter_side_is_meant_of_what_is_seen(tmp_path: Path) -> None:
    wide = tmp_path / "in.mkv"
    with write_video(tmp_path / "square.mkv") as sink:
        for index in range(2):
            sink.write(Shot(np.zeros((64, 96, 3), np.uint8), index, Fraction(1, 25)))
    command = ["ffmpeg", "-v", "error", "-i", tmp_path / "square.mkv", "-c", "copy"]
    if shutil.which("ffmpeg") is None:
        pytest.skip("ffmpeg is not installed")
    subprocess.run([*command, "-aspect", "2:1", wide], check=True)
    result = run(wide, "-o", tmp_path / "out.mp4", "--size", "32p")
    assert result.exit_code == 0, result.output
    with read_video(tmp_path / "out.mp4") as made:
        assert (made.width, made.height, made.sample_aspect) == (64, 32, 1)


def test_wrong_use_is_told(tmp_path: Path) -> None:
    source = clip(tmp_path / "in.mp4", (0, 40))
    for arguments, error, message in (
        ((source, "-o", source, "--overwrite"), UsageError, "is the input itself"),
        ((source, "-o", tmp_path / "out.mp4", "--size", "big"), UsageError, "cannot read --size"),
        ((tmp_path / "none.mp4", "-o", tmp_path / "o.mp4"), MediaError, "there is no file"),
    ):
        result = run(*arguments)
        assert isinstance(result.exception, error)
        assert message in str(result.exception)
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]


def test_an_interruption_leaves_no_output(tmp_path: Path) -> None:
    source = clip(tmp_path / "in.mp4", tuple(range(0, 15_000, 10)), size=(160, 120))
    work = tmp_path / ".ovsharp-out.mp4.work" / "segment-000000"
    code, errors = interrupted(["video", source, "-o", tmp_path / "out.mp4"], work.is_file)
    assert code == 130, errors
    assert "interrupted" in errors
    assert "frames are kept; continue with --resume" in errors
    assert not (tmp_path / "out.mp4").exists()


def test_an_ending_that_is_no_video_is_refused(tmp_path: Path) -> None:
    result = run(clip(tmp_path / "in.mp4"), "-o", tmp_path / "out.gif")
    assert isinstance(result.exception, UsageError)
    assert "cannot be written as .gif" in str(result.exception)
    assert not (tmp_path / "out.gif").exists()


def test_an_upscaling_model_changes_the_size(tmp_path: Path) -> None:
    source = clip(tmp_path / "in.mp4")
    model = write_frame_model(tmp_path, scale=2)
    result = run(source, "-o", tmp_path / "out.mp4", "--model", model)
    assert result.exit_code == 0, result.output
    with read_video(source) as before, read_video(tmp_path / "out.mp4") as after:
        assert (after.width, after.height) == (2 * before.width, 2 * before.height)
        assert len(list(after)) == len(TIMES)


def test_a_place_without_rights_is_told_and_nothing_is_left(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = run(clip(tmp_path / "in.mp4"), "-o", tmp_path / "file" / "out.mp4")
    assert isinstance(result.exception, OSError)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "in.mp4"]


def test_a_target_speed_chooses_the_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OVSHARP_CACHE", str(tmp_path / "cache"))
    source = clip(tmp_path / "in.mp4")
    report = tmp_path / "report.json"
    # A speed that no machine has: the fastest model, and nothing below to change to.
    result = run(source, "-o", tmp_path / "out.mp4", "--target-fps", "1e6", "--json", report)
    assert result.exit_code == 0, result.output
    text = " ".join(result.stdout.split())
    assert "is the fastest; nothing holds 1e+06 FPS" in text
    assert "runs at the end" in text
    (figures,) = json.loads(report.read_text())
    assert figures["notes"][-1] in result.stdout
    slow = ("--target-fps", "0.001", "--model", "sharp-fast")
    result = run(source, "-o", tmp_path / "slow.mp4", *slow)
    assert "note: sharp-quality runs at the end" in result.stdout


def test_a_target_speed_needs_a_family_and_no_resume(tmp_path: Path) -> None:
    source, target = clip(tmp_path / "in.mp4"), tmp_path / "out.mp4"
    for arguments, message in (
        (("--resume",), "needs one model for all frames"),
        (("--model", "sharp-gla"), "'sharp-gla' has no other sizes"),
    ):
        result = run(source, "-o", target, "--target-fps", 30, *arguments)
        assert isinstance(result.exception, UsageError)
        assert message in str(result.exception)


def test_an_interruption_while_a_source_stalls_ends_at_once(tmp_path: Path) -> None:
    content = clip(tmp_path / "in.mkv", tuple(range(0, 8000, 40))).read_bytes()
    os.mkfifo(tmp_path / "pipe")
    fed, done = threading.Event(), threading.Event()

    def feed() -> None:
        with (tmp_path / "pipe").open("wb", buffering=0) as pipe:
            pipe.write(content[: len(content) * 3 // 4])
            fed.set()
            done.wait(60)

    feeder = threading.Thread(target=feed)
    feeder.start()
    work = tmp_path / ".ovsharp-out.mp4.work"
    began = time.monotonic()
    code, errors = interrupted(
        ["video", tmp_path / "pipe", "-o", tmp_path / "out.mp4"],
        lambda: fed.is_set() and work.is_dir(),
    )
    done.set()
    feeder.join(5)
    assert code == 130, errors
    assert time.monotonic() - began < 28  # sooner than the 30 s after which a source has stalled
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.mkv", "pipe"]


def test_the_budget_is_told(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    result = run(clip(tmp_path / "in.mp4"), "-o", tmp_path / "out.mp4", "--json", report)
    assert result.exit_code == 0, result.output
    (figures,) = json.loads(report.read_text())
    allowed = min(figures["budget"].values())
    assert figures["budget"][figures["slowest"]] == allowed
    assert figures["share_of_slowest"] == pytest.approx(figures["system_fps"] / allowed, abs=0.01)
    assert f"of the slowest ({figures['slowest']}) is reached" in result.stdout


def test_what_stands_still_is_held_steady(tmp_path: Path) -> None:
    still = tmp_path / "in.mp4"
    noise = np.random.default_rng(0)
    with write_video(still, crf=2) as sink:
        for index in range(12):
            frame = np.full((64, 96, 3), 90, np.int64) + noise.integers(-1, 2, (64, 96, 1))
            sink.write(Shot(frame.astype(np.uint8), index, Fraction(1, 25)))
    flickers = []
    for flags in (("--no-steady",), ()):
        report = tmp_path / "report.json"
        files = ("-o", tmp_path / "out.mp4", "--overwrite", "--json", report)
        result = run(still, *files, "--model", "call-codec", *flags)
        assert result.exit_code == 0, result.output
        flickers.append(json.loads(report.read_text())[0]["flicker"]["output"])
    assert flickers[1] < 0.7 * flickers[0]


def test_frames_that_stand_still_are_not_computed_again(tmp_path: Path) -> None:
    source = tmp_path / "in.mkv"
    with write_video(source, codec="ffv1") as sink:
        for index in range(6):
            picture = np.full((64, 96, 3), 40 * (index // 3), np.uint8)
            sink.write(Shot(picture, index, Fraction(1, 25)))
    model = write_frame_model(tmp_path / "model")
    report = tmp_path / "report.json"
    result = run(source, "-o", tmp_path / "out.mkv", "--model", model, "--json", report)
    assert result.exit_code == 0, result.output
    assert "note: 4 frames are equal to the one before and were not computed again" in result.stdout
    (figures,) = json.loads(report.read_text())
    assert (figures["repeated"], figures["sharpened"]) == (4, 6)
