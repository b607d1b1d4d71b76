"""The matrix of round trips that docs/MEDIA.md shows: what is kept, and what becomes of the rest.

`python -m tests.media.matrix` measures all of it and writes the table; the tests measure it again.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from ovsharp.media import Shot, read_video, write_video
from tests.media.clips import draw

PAGE = Path(__file__).parents[2] / "docs" / "MEDIA.md"
BEGIN, END = "<!-- round trips: made by python -m tests.media.matrix -->", "<!-- end -->"

TIMES = (0, 40, 80, 200, 240, 400, 440)
"""Milliseconds, of a variable frame rate."""
STEADY = (".avi", ".ts")
"""Containers of frames at one rate."""
_RATED = ("mpeg4", "mpeg2video", "mjpeg")

Source = tuple[str, str, str, str, str | None]
"""Container, encoder, pixel format, encoders of sound and of subtitles."""
SOURCES: tuple[Source, ...] = (
    ("mp4", "libx264", "yuv420p", "aac", "mov_text"),
    ("mp4", "libx265", "yuv420p10le", "aac", None),
    ("mov", "libx264", "yuv422p", "pcm_s16le", "mov_text"),
    ("mov", "prores_ks", "yuv422p10le", "pcm_s24le", None),
    ("mov", "prores_ks", "yuva444p10le", "pcm_s16le", None),
    ("mov", "qtrle", "argb", "pcm_s16le", None),
    ("mkv", "libx264", "yuv444p", "flac", "srt"),
    ("mkv", "libx264", "yuv420p10le", "ac3", "webvtt"),
    ("mkv", "ffv1", "yuv420p10le", "libopus", "ass"),
    ("mkv", "ffv1", "yuva420p", "libmp3lame", "srt"),
    ("mkv", "ffv1", "yuv444p12le", "pcm_s24le", None),
    ("webm", "libvpx-vp9", "yuv420p", "libopus", "webvtt"),
    ("webm", "libvpx-vp9", "yuva420p", "libopus", None),
    ("webm", "libvpx", "yuv420p", "libopus", None),
    ("avi", "mpeg4", "yuv420p", "pcm_s16le", None),
    ("avi", "mjpeg", "yuvj422p", "libmp3lame", None),
    ("ts", "libx264", "yuv420p", "aac", None),
    ("ts", "mpeg2video", "yuv420p", "mp2", None),
    ("flv", "libx264", "yuv420p", "aac", None),
)
TARGETS = (
    ("mp4", "h264"),
    ("mp4", "hevc"),
    ("mp4", "av1"),
    ("mov", "prores"),
    ("mkv", "ffv1"),
    ("webm", "vp9"),
)


@dataclass(frozen=True)
class Facts:
    """What a reader tells of a file."""

    sound: str | None
    words: str | None
    sampling: str
    bits: int
    alpha: bool
    title: str | None
    languages: tuple[str, ...]
    chapters: int


@dataclass(frozen=True)
class Trip:
    """A video before and after."""

    before: list[Shot]
    after: list[Shot]
    begin: float
    notes: list[str]
    old: Facts
    new: Facts


def name_of(source: Source) -> str:
    return " ".join((source[0], *(str(part or "-").removeprefix("lib") for part in source[1:])))


def film(path: Path, source: Source) -> Path:
    """Write a short video of a kind."""
    _, codec, pixels, sound, subtitles = source
    times = tuple(range(0, 280, 40)) if path.suffix in STEADY else TIMES
    with av.open(str(path), "w") as out:
        quality = {"crf": "4"} if codec.startswith("lib") else {}
        quality |= {"x265-params": "log-level=error"} if codec == "libx265" else {}
        video: Any = out.add_stream(codec, rate=25, options=quality)
        video.width, video.height, video.pix_fmt = 96, 64, pixels
        base = Fraction(1, 25 if codec in _RATED else 1000)
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
        if path.suffix not in STEADY:
            half = {"time_base": Fraction(1, 1000), "metadata": {"title": "One"}}
            out.set_chapters([{"id": 1, "start": 0, "end": 400, **half}])
        for index, time in enumerate(times):
            frame = av.VideoFrame.from_ndarray(_drawn(index), "rgba").reformat(
                format=pixels, dst_colorspace=1, dst_color_range=1
            )
            frame.pts, frame.time_base = round(time / 1000 / base), base
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
        for begin in range(0, 14400, 960):
            out.mux(audio.encode(_tone(audio.codec_context.format.name, begin)))
        out.mux(audio.encode(None))
        if words is not None:
            line = av.subtitles.subtitle.SubtitleSet.create(b"0,0,Default,,0,0,0,,hello", 0, 200)
            packet = words.codec_context.encode_subtitle(line)
            packet.stream, packet.pts, packet.dts = words, 100, 100
            packet.duration, packet.time_base = 200, Fraction(1, 1000)
            out.mux(packet)
    return path


def _drawn(index: int) -> Any:
    alpha = np.full((64, 96, 1), 255, np.uint8)
    alpha[:8] = 90
    return np.ascontiguousarray(np.dstack([draw(index)[..., ::-1], alpha]))


def _tone(kind: str, begin: int) -> Any:
    whole, planar = kind.startswith("s"), kind.endswith("p")
    top = {"s16": 8000, "s32": 8000 << 16}.get(kind[:3], 0.3)
    tone = np.sin((begin + np.arange(960)) * 0.05) * top
    form = (np.int32 if "32" in kind else np.int16) if whole else np.float32
    part = np.stack([tone, -tone]).astype(form)
    data = part if planar else np.ascontiguousarray(part.T).reshape(1, -1)
    heard = av.AudioFrame.from_ndarray(data, kind, "stereo")
    heard.sample_rate, heard.pts = 48000, begin
    return heard


def trip(path: Path, target: Path, codec: str) -> Trip:
    """Copy a video as `--strength 0` does."""
    with read_video(path, deep=True, alpha=True) as video:
        with write_video(target, like=video, codec=codec, crf=4, overwrite=True) as sink:
            before = list(video)
            for shot in before:
                sink.write(shot)
        begin, notes = float(video.begin), [*video.notes, *sink.notes]
    with read_video(target, deep=True, alpha=True) as video:
        after = list(video)
    old, new = facts(path), facts(target)
    if codec == "prores":  # read as 12 bits, whatever there was
        new = replace(new, bits=10)
    return Trip(before, after, begin, notes, old, new)


def facts(path: Path) -> Facts:
    """Read a file by PyAV."""
    with av.open(str(path)) as file:
        video = file.streams.video[0]
        kinds = {kind: getattr(file.streams, kind) for kind in ("audio", "subtitles")}
        names = {kind: [one.codec_context.codec.name for one in kinds[kind]] for kind in kinds}
        tags = {key.lower(): value for key, value in file.metadata.items()}
        spoken = [one.metadata.get("language", "und") for kind in kinds for one in kinds[kind]]
        alpha = video.metadata.get("alpha_mode") == "1"
        return _facts(names, video.pix_fmt or "", alpha, tags, spoken, len(file.chapters()))


def told_by_ffprobe(path: Path) -> Facts:
    """Read a file by FFmpeg's own program."""
    shows = ["-show_streams", "-show_chapters", "-show_format"]
    command = ["ffprobe", "-v", "error", *shows, "-of", "json", str(path)]
    found = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    of = {
        kind: [one for one in found["streams"] if one["codec_type"] == kind[:8]]
        for kind in ("video", "audio", "subtitles")
    }
    names = {kind: [one["codec_name"] for one in of[kind]] for kind in ("audio", "subtitles")}
    tags = {key.lower(): value for key, value in found["format"].get("tags", {}).items()}
    spoken = [
        one.get("tags", {}).get("language", "und")
        for kind in ("audio", "subtitles")
        for one in of[kind]
    ]
    (video,) = of["video"]
    own = {key.lower(): value for key, value in video.get("tags", {}).items()}
    alpha = own.get("alpha_mode") == "1"
    return _facts(names, video["pix_fmt"], alpha, tags, spoken, len(found["chapters"]))


def _facts(
    names: dict[str, list[str]],
    pixels: str,
    alpha: bool,
    tags: dict[str, str],
    spoken: list[str],
    chapters: int,
) -> Facts:
    form = av.VideoFormat(pixels, 64, 64)
    across, down = form.chroma_width(64), form.chroma_height(64)
    # In mp4 all layers of MPEG's sound have the one name.
    usual = {"mp2": "mp3", "mp2float": "mp3", "mp3float": "mp3", "subrip": "srt",
             "libopus": "opus", "ssa": "ass"}  # fmt: skip
    first = {kind: next(iter(found), None) for kind, found in names.items()}
    german = {"ger": "deu", "fre": "fra"}  # the one code that QuickTime knows
    return Facts(
        *(usual.get(str(name), name) for name in (first["audio"], first["subtitles"])),
        sampling="4:4:4" if across == 64 else "4:2:2" if down == 64 else "4:2:0",
        bits=form.components[0].bits,
        alpha=alpha or any(one.is_alpha for one in form.components),
        title=tags.get("title"),
        languages=tuple(german.get(code, code) for code in spoken),
        chapters=chapters,
    )


def changes(old: Facts, new: Facts) -> list[str]:
    """Say what is not as it was."""
    found = [
        (f"sound {new.sound}", new.sound != old.sound),
        (f"words {new.words}", new.words != old.words),
        (f"{new.bits} bits", new.bits < old.bits),
        (new.sampling, new.sampling < old.sampling),
        ("opaque", new.alpha < old.alpha),
        ("no title", new.title != old.title),
        ("no language", new.languages != old.languages),
        ("no chapters", new.chapters < old.chapters),
    ]
    return [what for what, changed in found if changed]


def cells() -> dict[tuple[str, str], str]:
    """Read the table: by the names of a source and a target."""
    lines = PAGE.read_text(encoding="utf-8").split(BEGIN)[1].split(END)[0].strip().splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {
        (row[0], target): cell
        for row in rows[2:]
        for target, cell in zip(rows[0][1:], row[1:], strict=True)
    }


def main() -> None:
    """Measure all, and write the table."""
    rows = [["", *(f"{ending} {codec}" for ending, codec in TARGETS)], ["---"] * 7]
    with tempfile.TemporaryDirectory() as name:
        for source in SOURCES:
            path = film(Path(name) / f"in.{source[0]}", source)
            row = [name_of(source)]
            for ending, codec in TARGETS:
                found = trip(path, Path(name) / f"out.{ending}", codec)
                row.append(", ".join(changes(found.old, found.new)) or "kept")
            rows.append(row)
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows).replace("| --- ", "|---")
    page = PAGE.read_text(encoding="utf-8")
    before, after = page.split(BEGIN)[0], page.split(END)[1]
    PAGE.write_text(f"{before}{BEGIN}\n{table}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
