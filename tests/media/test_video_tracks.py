"""Sound, subtitles, chapters and metadata go along, or the reason is told before the work."""

from __future__ import annotations

import json
import shutil
import subprocess
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from ovsharp.errors import MediaError
from ovsharp.media import CONTAINERS, read_video, write_video
from tests.media.clips import clip, copied

av = pytest.importorskip("av")
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


WORDS = {".mkv": "srt", ".mp4": "mov_text", ".mov": "mov_text", ".webm": "webvtt"}
"""What subtitles are coded as, by container."""


def film(path: Path) -> Path:
    """Make a video of 4 s with sound, subtitles, two chapters and metadata."""
    (path.parent / "words.srt").write_text(SUBTITLES)
    (path.parent / "words.txt").write_text(METADATA)
    command = """ffmpeg -v error -f lavfi -i testsrc=s=96x64:r=25:d=4 -f lavfi -i sine=d=4
        -i words.srt -f ffmetadata -i words.txt -map 0:v -map 1:a -map 2:s -map_metadata 3
        -map_chapters 3 -c:v libx264 -c:a aac -metadata:s:a:0 language=deu
        -metadata:s:s:0 language=fra -disposition:s:0 forced -c:s"""
    subprocess.run([*command.split(), WORDS[path.suffix], path.name], check=True, cwd=path.parent)
    return path


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


@pytest.mark.parametrize("ending", [".mkv", ".mp4"])
def test_everything_survives(tmp_path: Path, ending: str) -> None:
    source = film(tmp_path / f"in{ending}")
    notes = copied(source, tmp_path / f"out{ending}").notes
    before = told(source)
    assert told(tmp_path / f"out{ending}") == before
    assert before["tags"] == {"title": "A film", "artist": "Somebody"}
    assert before["chapters"] == [("One", 0, 1.5), ("Two", 1.5, 3.9)]
    assert [language for _, language, _ in before["languages"]] == ["deu", "fra"]
    assert len(before["subtitles"]) >= 2
    assert notes == []


def test_a_part_keeps_its_own_chapters_and_subtitles(tmp_path: Path) -> None:
    copied(film(tmp_path / "in.mkv"), tmp_path / "out.mkv", start=1.0, end=3.0)
    part = told(tmp_path / "out.mkv")
    assert [title for title, _, _ in part["chapters"]] == ["One", "Two"]
    times = [time for _, *span in part["chapters"] for time in span]
    assert times == pytest.approx([0, 0.5, 0.5, 2.0], abs=0.03)
    assert [time for time, _ in part["subtitles"]] == pytest.approx([1.0], abs=0.03)


@pytest.mark.parametrize(
    ("source", "target"),
    [(".mkv", ".mp4"), (".mkv", ".mov"), (".mp4", ".mkv"), (".mkv", ".webm")],
)
def test_words_go_into_every_container(tmp_path: Path, source: str, target: str) -> None:
    path, other = film(tmp_path / f"in{source}"), tmp_path / f"out{target}"
    notes = copied(path, other).notes
    said = f"#2 ({WORDS[source]}) was converted to {WORDS[target]}: {target}"
    assert len([note for note in notes if said in note]) == 1
    old, new = spoken(path), spoken(other)
    assert [text for *_, text in new] == [text for *_, text in old] == ["hello", "world"]
    for before, after in zip(old, new, strict=True):  # mkv begins with what fills the decoder
        assert after[:2] == pytest.approx(before[:2], abs=0.03)


def spoken(path: Path) -> list[tuple[float, float, str]]:
    """Beginning, length and text of each subtitle, decoded."""
    found = []
    with av.open(str(path)) as file:
        stream = file.streams.subtitles[0]
        for packet in file.demux(stream):
            for line in packet.decode() if packet.size > 2 else ():  # mp4 fills gaps with nothing
                begin, length = (float(t * packet.time_base) for t in (packet.pts, packet.duration))
                found.append((round(begin, 2), round(length, 2), line.dialogue.decode()))
    return found


def test_pictures_of_words_do_not_fit_everywhere(tmp_path: Path) -> None:
    path = tmp_path / "in.mkv"
    with av.open(str(path), "w") as out, av.open(str(clip(tmp_path / "a.mkv", (0, 40)))) as source:
        video = out.add_stream_from_template(source.streams.video[0])
        words: Any = out.add_mux_stream("dvd_subtitle", time_base=Fraction(1, 1000))
        for packet in source.demux():
            if packet.size:
                packet.stream = video
                out.mux(packet)
        packet = av.Packet(b"\0\4\0\4")
        packet.stream, packet.pts, packet.dts, packet.duration = words, 40, 40, 40
        packet.time_base = Fraction(1, 1000)
        out.mux(packet)
    files = set(tmp_path.iterdir())
    advice = r"\.webm cannot hold the subtitle stream #1 \(dvdsub\).* write \.mp4 or .*\.mkv"
    with read_video(path) as made, pytest.raises(MediaError, match=advice):
        write_video(tmp_path / "out.webm", like=made)
    assert set(tmp_path.iterdir()) == files


@pytest.mark.parametrize("ending", CONTAINERS)
def test_every_container_is_what_its_name_says(tmp_path: Path, ending: str) -> None:
    copied(clip(tmp_path / "in.mp4", (0, 40, 80)), tmp_path / f"out{ending}")
    command = ["ffprobe", "-v", "error", "-show_entries", "format=format_name", "-of", "csv=p=0"]
    name = subprocess.run([*command, f"out{ending}"], capture_output=True, cwd=tmp_path, check=True)
    assert (b"matroska" if ending in (".mkv", ".webm") else b"mp4") in name.stdout
