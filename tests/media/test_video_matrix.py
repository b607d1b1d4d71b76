"""Round trips: containers x codecs x pixel formats x sound x subtitles, as docs/MEDIA.md says.

Frames, times, tracks and tags come back equal, or a note names what does not; what is refused is
refused before the work. FFmpeg's ffprobe reads the results, where it is installed.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ovsharp.media import read_video, write_video
from tests.media.clips import draw

av = pytest.importorskip("av")

TIMES = (0, 40, 80, 200, 240, 400, 440)
"""Milliseconds, of a variable frame rate."""
SOURCES = [
    ("mp4", "libx264", "yuv420p", "aac", "mov_text"),
    ("mov", "libx264", "yuv422p", "pcm_s16le", "mov_text"),
    ("mkv", "libx264", "yuv444p", "flac", "srt"),
    ("mkv", "ffv1", "yuv420p10le", "libopus", "ass"),
    ("webm", "libvpx-vp9", "yuv420p", "libopus", "webvtt"),
    ("avi", "mpeg4", "yuv420p", "pcm_s16le", None),
    ("ts", "libx264", "yuv420p", "aac", None),
]
HOLDS = {
    "mp4": ({"aac", "flac", "opus", "pcm_s16le"}, {"mov_text"}),
    "mov": ({"aac", "pcm_s16le"}, {"mov_text"}),
    "mkv": ({"aac", "flac", "opus", "pcm_s16le"}, {"srt", "ass", "webvtt"}),
    "webm": ({"opus"}, {"webvtt"}),
}
"""What the page says of sound and subtitles."""
CONVERTED = {"mp4": "mov_text", "mov": "mov_text", "mkv": "srt", "webm": "webvtt"}
CODECS = {"mp4": "h264", "mov": "prores", "mkv": "ffv1", "webm": "vp9"}


def film(path: Path, codec: str, pixels: str, sound: str, subtitles: str | None) -> Path:
    steady = path.suffix in (".avi", ".ts")
    times = tuple(range(0, 280, 40)) if steady else TIMES
    with av.open(str(path), "w") as out:
        quality = {"crf": "4"} if codec.startswith("lib") else {}
        video: Any = out.add_stream(codec, rate=25, options=quality)
        video.width, video.height, video.pix_fmt = 96, 64, pixels
        base = Fraction(1, 25 if path.suffix == ".avi" else 1000)
        video.time_base = video.codec_context.time_base = base
        video.codec_context.colorspace, video.codec_context.color_range = 1, 1
        video.codec_context.max_b_frames = 0
        audio: Any = out.add_stream(sound, rate=48000)
        audio.layout = "stereo"
        words: Any = out.add_stream(subtitles) if subtitles else None
        if words is not None:
            words.codec_context.subtitle_header = b"[Script Info]\n[V4+ Styles]\n[Events]\n"
            words.metadata["language"] = "fra"
        audio.metadata["language"] = "deu"
        out.metadata["title"] = "A film"
        if not steady:
            half = {"time_base": Fraction(1, 1000), "metadata": {"title": "One"}}
            out.set_chapters([{"id": 1, "start": 0, "end": 400, **half}])
        for index, time in enumerate(times):
            frame = av.VideoFrame.from_ndarray(draw(index), "bgr24").reformat(
                format=pixels, dst_colorspace=1, dst_color_range=1
            )
            frame.pts, frame.time_base = round(time / 1000 / base), base
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
        kind = audio.codec_context.format.name
        planar, whole = kind.endswith("p"), kind.startswith("s")
        for begin in range(0, 14400, 960):
            tone = np.sin((begin + np.arange(960)) * 0.05) * (8000 if whole else 0.3)
            part = np.stack([tone, -tone]).astype(np.int16 if whole else np.float32)
            data = part if planar else np.ascontiguousarray(part.T).reshape(1, -1)
            heard = av.AudioFrame.from_ndarray(data, kind, "stereo")
            heard.sample_rate, heard.pts = 48000, begin
            out.mux(audio.encode(heard))
        out.mux(audio.encode(None))
        if words is not None:
            line = av.subtitles.subtitle.SubtitleSet.create(b"0,0,Default,,0,0,0,,hello", 0, 200)
            packet = words.codec_context.encode_subtitle(line)
            packet.stream, packet.pts, packet.dts = words, 100, 100
            packet.duration, packet.time_base = 200, Fraction(1, 1000)
            out.mux(packet)
    return path


def told(path: Path) -> Any:
    if shutil.which("ffprobe") is None:
        pytest.skip("ffprobe is not installed")
    shows = ["-show_streams", "-show_packets", "-show_chapters", "-show_format"]
    command = ["ffprobe", "-v", "error", *shows, "-of", "json", str(path)]
    return json.loads(subprocess.run(command, capture_output=True, check=True).stdout)


def planes(path: Path) -> list[list[bytes]]:
    with av.open(str(path)) as file:
        return [[bytes(plane) for plane in frame.planes] for frame in file.decode(video=0)]


def codec_of(found: Any, kind: str) -> str | None:
    names = [one["codec_name"] for one in found["streams"] if one["codec_type"] == kind]
    return {"subrip": "srt"}.get(names[0], names[0]) if names else None


def languages(found: Any, kind: str) -> list[str]:
    streams = [one for one in found["streams"] if one["codec_type"] == kind]
    return [one.get("tags", {}).get("language", "und") for one in streams]


@pytest.mark.parametrize("ending", HOLDS)
@pytest.mark.parametrize("source", SOURCES, ids=lambda source: "-".join(map(str, source)))
def test_a_round_trip(tmp_path: Path, source: tuple[Any, ...], ending: str) -> None:
    path = film(tmp_path / f"in.{source[0]}", *source[1:])
    target = tmp_path / f"out.{ending}"
    _, _, pixels, sound, words = source
    sounds, subtitles = HOLDS[ending]
    with read_video(path, deep=True) as video:
        with write_video(target, like=video, codec=CODECS[ending], crf=4) as sink:
            before = list(video)
            for shot in before:
                sink.write(shot)
        begin = float(video.begin)
    notes = [*video.notes, *sink.notes]
    with read_video(target, deep=True) as video:
        after = list(video)

    # Frames: as bright as before; every bit of what FFV1 keeps.
    assert len(after) == len(before)
    for old, new in zip(before, after, strict=True):
        error = np.abs(old.frame.astype(int) - new.frame)
        assert error.mean() < 3
    if ending == "mkv" and pixels == "yuv420p10le":
        assert planes(target) == planes(path)
    # Times.
    times = [[shot.seconds for shot in shots] for shots in (before, after)]
    steps = [np.subtract(these, these[0]) for these in times]
    assert steps[1] == pytest.approx(steps[0], abs=0.0011)
    # Matroska begins with what fills a decoder of sound.
    assert times[1][0] == pytest.approx(
        times[0][0] - begin, abs=0.03 if ending == "mkv" else 0.0011
    )

    old_file, new_file = told(path), told(target)
    # Sound: copied, or converted with a note.
    name = sound.removeprefix("lib")
    made = codec_of(new_file, "audio")
    converted = any("audio" in note and "was converted to" in note for note in notes)
    named = source[0] == "avi" and ending == "mp4"  # AVI does not name its channels
    assert converted == (name not in sounds or named)
    assert (made == name) == (not converted)
    if not converted:
        sizes = [
            [int(p["size"]) for p in file["packets"] if p["codec_type"] == "audio"]
            for file in (old_file, new_file)
        ]
        assert sum(sizes[1]) == pytest.approx(sum(sizes[0]), rel=0.06)  # TS adds ADTS headers
    # Subtitles.
    spelled = words if words in subtitles or words is None else CONVERTED[ending]
    assert codec_of(new_file, "subtitle") == spelled
    assert any("subtitle" in note for note in notes) == (spelled != words)
    # Tags, languages and chapters.
    tags = {key.lower(): value for key, value in new_file["format"].get("tags", {}).items()}
    assert tags.get("title") == old_file["format"].get("tags", {}).get("title")
    spoken = [
        [
            one.get("tags", {}).get("language")
            for one in file["streams"]
            if one["codec_type"] == kind
        ]
        for kind in ("audio", "subtitle")
        for file in (old_file, new_file)
    ]
    if ending == "mov":  # which knows the one code only
        spoken = [["ger" if code == "deu" else code for code in codes] for codes in spoken]
    for old_codes, new_codes in (spoken[:2], spoken[2:]):
        assert [c or "und" for c in old_codes] == [c or "und" for c in new_codes]
    assert len(new_file["chapters"]) == len(old_file["chapters"])
    # Pixel formats.
    picture = next(one for one in new_file["streams"] if one["codec_type"] == "video")
    if not any("became 4:2:0" in note or "written with 8 bits" in note for note in notes):
        wanted = "422" if ending == "mov" and "420" in pixels else pixels[3:6]
        assert picture["pix_fmt"][3:6] == wanted
        assert ("10" in picture["pix_fmt"]) >= ("10" in pixels)
