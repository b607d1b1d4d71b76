"""Sound, subtitles, chapters and metadata go along, or the reason is told before the work."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ovsharp.errors import MediaError
from ovsharp.media import CONTAINERS, read_video, write_video
from tests.media.clips import clip

pytest.importorskip("av")
pytestmark = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")

SUBTITLES = """1
00:00:00,500 --> 00:00:01,500
hello

2
00:00:02,000 --> 00:00:03,000
world
"""
METADATA = """;FFMETADATA1
title=A film
artist=Somebody
[CHAPTER]
TIMEBASE=1/1000
START=0
END=1500
title=One
[CHAPTER]
TIMEBASE=1/1000
START=1500
END=3900
title=Two
"""


def film(path: Path, subtitles: str) -> Path:
    """Make a video of 4 s with sound, subtitles, two chapters and metadata."""
    (path.parent / "words.srt").write_text(SUBTITLES)
    (path.parent / "words.txt").write_text(METADATA)
    command = """ffmpeg -v error -f lavfi -i testsrc=s=96x64:r=25:d=4 -f lavfi -i sine=d=4
        -i words.srt -f ffmetadata -i words.txt -map 0:v -map 1:a -map 2:s -map_metadata 3
        -map_chapters 3 -c:v libx264 -c:a aac -metadata:s:a:0 language=deu
        -metadata:s:s:0 language=fra -disposition:s:0 forced -c:s"""
    subprocess.run([*command.split(), subtitles, path.name], check=True, cwd=path.parent)
    return path


def copied(source: Path, target: Path, **options: Any) -> list[str]:
    with read_video(source, **options) as video, write_video(target, like=video) as sink:
        for shot in video:
            sink.write(shot)
    return sink.notes


def told(path: Path) -> dict[str, Any]:
    shows = ["-show_streams", "-show_chapters", "-show_format", "-show_packets"]
    command = ["ffprobe", "-v", "error", *shows, "-show_data", "-of", "json", str(path)]
    found = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    tags = found["format"]["tags"]
    return {
        "tags": {key.lower(): tags[key] for key in tags if key.lower() in ("title", "artist")},
        "chapters": [
            (c["tags"]["title"], float(c["start_time"]), float(c["end_time"]))
            for c in found["chapters"]
        ],
        "languages": [
            (s["codec_name"], s["tags"].get("language"), s["disposition"]["forced"])
            for s in found["streams"]
            if s["codec_type"] in ("audio", "subtitle")
        ],
        "subtitles": [
            (float(p["pts_time"]), p["data"])
            for p in found["packets"]
            if p["codec_type"] == "subtitle"
        ],
    }


@pytest.mark.parametrize(("ending", "subtitles"), [("mkv", "srt"), ("mp4", "mov_text")])
def test_everything_survives(tmp_path: Path, ending: str, subtitles: str) -> None:
    source = film(tmp_path / f"in.{ending}", subtitles)
    notes = copied(source, tmp_path / f"out.{ending}")
    before = told(source)
    assert told(tmp_path / f"out.{ending}") == before
    assert before["tags"] == {"title": "A film", "artist": "Somebody"}
    assert before["chapters"] == [("One", 0, 1.5), ("Two", 1.5, 3.9)]
    assert [language for _, language, _ in before["languages"]] == ["deu", "fra"]
    assert len(before["subtitles"]) >= 2
    assert notes == []


def test_a_part_keeps_its_own_chapters_and_subtitles(tmp_path: Path) -> None:
    copied(film(tmp_path / "in.mkv", "srt"), tmp_path / "out.mkv", start=1.0, end=3.0)
    part = told(tmp_path / "out.mkv")
    assert [title for title, _, _ in part["chapters"]] == ["One", "Two"]
    times = [time for _, *span in part["chapters"] for time in span]
    assert times == pytest.approx([0, 0.5, 0.5, 2.0], abs=0.03)
    assert [time for time, _ in part["subtitles"]] == pytest.approx([1.0], abs=0.03)


@pytest.mark.parametrize(
    ("source", "subtitles", "target", "advice"),
    [
        ("in.mkv", "srt", "out.mp4", r"\.mp4 cannot hold the subtitle stream #2 .* write \.mkv"),
        ("in.mp4", "mov_text", "out.mkv", r"stream #2 \(mov_text\) .* write \.mp4 or \.m4v"),
        ("in.mkv", "srt", "out.webm", r"\.webm cannot hold the subtitle stream #2 \(srt\)"),
    ],
)
def test_what_does_not_fit_is_told_before_the_work(
    tmp_path: Path, source: str, subtitles: str, target: str, advice: str
) -> None:
    path = film(tmp_path / source, subtitles)
    files = set(tmp_path.iterdir())
    with read_video(path) as video, pytest.raises(MediaError, match=advice):
        write_video(tmp_path / target, like=video)
    assert set(tmp_path.iterdir()) == files


@pytest.mark.parametrize("ending", CONTAINERS)
def test_every_container_is_what_its_name_says(tmp_path: Path, ending: str) -> None:
    copied(clip(tmp_path / "in.mp4", (0, 40, 80)), tmp_path / f"out{ending}")
    command = ["ffprobe", "-v", "error", "-show_entries", "format=format_name", "-of", "csv=p=0"]
    name = subprocess.run([*command, f"out{ending}"], capture_output=True, cwd=tmp_path, check=True)
    assert (b"matroska" if ending in (".mkv", ".webm") else b"mp4") in name.stdout
