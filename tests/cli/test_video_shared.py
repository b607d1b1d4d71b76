"""Real clips go through `ovsharp video`, and ffprobe is the judge."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from ovsharp.cli.video import video
from ovsharp.media import VIDEO_ENDINGS, read_video, write_video
from tests.interrupt import interrupted

pytest.importorskip("av")

SHARED = os.environ.get("OVSHARP_SHARED")
CLIPS = sorted(Path(SHARED, "video").glob("*")) if SHARED else []
CLIPS = [path for path in CLIPS if path.suffix in VIDEO_ENDINGS]
FRAMES = 24

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not CLIPS, reason="OVSHARP_SHARED names no folder with video/"),
    pytest.mark.skipif(shutil.which("ffprobe") is None, reason="ffprobe is not installed"),
]
every_clip = pytest.mark.parametrize("source", CLIPS, ids=lambda path: path.stem)


def piece(source: Path, folder: Path, *, loops: int = 0) -> Path:
    """Copy the first frames with their sound, packet by packet, or the whole a few times."""
    target = folder / source.name
    again = ["-stream_loop", str(loops)] if loops else []
    first = [] if loops else ["-frames:v", str(FRAMES)]
    command = ["ffmpeg", "-v", "error", *again, "-i", str(source), *first, "-c", "copy"]
    subprocess.run([*command, str(target)], check=True)
    return target


def judged(path: Path) -> dict[str, Any]:
    """What ffprobe says: times of frames, sound packet by packet, size and duration."""
    shows = ["-show_streams", "-show_format", "-show_packets", "-show_frames", "-show_data_hash"]
    command = ["ffprobe", "-v", "error", *shows, "MD5", "-of", "json", str(path)]
    told = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    entries = told["packets_and_frames"]
    (stream,) = (s for s in told["streams"] if s["codec_type"] == "video")
    return {
        "times": [
            float(e.get("best_effort_timestamp_time", "nan"))  # the last frames of AVI have none
            for e in entries
            if e["type"] == "frame" and e["media_type"] == "video"
        ],
        "sound": [
            (float(e["pts_time"]), e["data_hash"])
            for e in entries
            if e["type"] == "packet" and e["codec_type"] == "audio"
        ],
        "size": (stream["width"], stream["height"]),
        "duration": float(told["format"]["duration"]),
    }


@every_clip
def test_ffprobe_finds_the_same_times_duration_and_sound(source: Path, tmp_path: Path) -> None:
    source = piece(source, tmp_path)
    ending = ".mp4" if source.suffix == ".avi" else source.suffix
    target = tmp_path / f"out{ending}"
    arguments = [str(source), "-o", str(target), "--model", "sharp-fast"]
    result = CliRunner().invoke(video, arguments)
    assert result.exit_code == 0, result.output
    old, new = judged(source), judged(target)
    assert len(new["times"]) == len(old["times"]) >= FRAMES - 3
    known = [pair for pair in zip(new["times"], old["times"], strict=True) if pair[1] == pair[1]]
    assert len(known) >= FRAMES - 3
    assert all(abs(time - told) < 2e-3 for time, told in known)
    assert all(a < b for a, b in pairwise(new["times"]))
    assert new["size"] == old["size"]
    assert new["duration"] == pytest.approx(old["duration"], abs=0.05)
    assert [data for _, data in new["sound"]] == [data for _, data in old["sound"]]
    times = [[time for time, _ in file["sound"]] for file in (new, old)]
    assert times[0] == pytest.approx(times[1], abs=2e-3)


@every_clip
def test_interrupted_and_resumed_equals_the_whole(source: Path, tmp_path: Path) -> None:
    source = piece(source, tmp_path)
    whole, parts = tmp_path / "whole.mp4", tmp_path / "parts.mp4"

    def copied(target: Path, stop: int | None, *, resume: bool = False) -> None:
        with (
            read_video(source) as clip,
            write_video(target, like=clip, segment=4, resume=resume) as sink,
        ):
            assert sink.done == (8 if resume else 0)
            for index, shot in enumerate(clip.shots(sink.done, after=sink.reached)):
                if index == stop:
                    raise KeyboardInterrupt
                sink.write(shot)

    copied(whole, None)
    with pytest.raises(KeyboardInterrupt):
        copied(parts, 10)
    assert not parts.exists()
    copied(parts, None, resume=True)
    assert parts.read_bytes() == whole.read_bytes()


def test_a_command_stopped_by_ctrl_c_goes_on_to_the_same_file(tmp_path: Path) -> None:
    (source,) = (path for path in CLIPS if path.stem == "talkinghead_512_25")
    source = piece(source, tmp_path, loops=2)
    whole, parts = tmp_path / "whole.mp4", tmp_path / "parts.mp4"
    flags = ["--model", "sharp-fast", "--crf", "30"]
    assert CliRunner().invoke(video, [str(source), "-o", str(whole), *flags]).exit_code == 0
    segment = tmp_path / ".ovsharp-parts.mp4.work" / "segment-000000"
    code, errors = interrupted(["video", source, "-o", parts, *flags], segment.is_file)
    assert code == 130, errors
    assert not parts.exists()
    result = CliRunner().invoke(video, [str(source), "-o", str(parts), *flags, "--resume"])
    assert result.exit_code == 0, result.output
    assert parts.read_bytes() == whole.read_bytes()
    assert len(judged(parts)["times"]) == 375
