"""Sound, covers, fonts, tags and colours are kept; what cannot be is converted or named."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from ovsharp.errors import MediaError, UsageError
from ovsharp.media import Shot, read_video, write_video
from tests.media.clips import clip, copied, draw

av = pytest.importorskip("av")

RATE = 48000
TONE = np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE)


def film(
    path: Path,
    sound: str,
    *,
    tags: dict[str, str] | None = None,
    cover: str = "",
    font: bool = False,
    language: str = "",
) -> Path:
    """Write a second of pictures beside a stereo tone."""
    options = {"movflags": "use_metadata_tags"} if tags else {}
    with av.open(str(path), "w", container_options=options) as out:
        video: Any = out.add_stream("mpeg4", rate=25)
        video.width, video.height, video.pix_fmt = 96, 64, "yuv420p"
        audio: Any = out.add_stream(sound, rate=RATE)
        audio.layout, audio.bit_rate = "stereo", 128_000
        out.metadata.update(tags or {})
        if language:
            audio.metadata["language"] = language
        picture = None
        if cover:
            picture = out.add_stream(cover, rate=1)
            picture.width, picture.height = 16, 16
            picture.pix_fmt = "yuvj420p" if cover == "mjpeg" else "rgb24"
            picture.disposition = 0x400
        if font:
            out.add_attachment("font.ttf", "application/x-truetype-font", b"a font" * 50)
        for index in range(25):
            out.mux(video.encode(av.VideoFrame.from_ndarray(draw(index), "bgr24")))
        out.mux(video.encode(None))
        kind = audio.codec_context.format.name
        planes = np.stack([TONE, -TONE])
        sizes = {"s16": (np.int16, 20000), "s32": (np.int32, 1 << 30), "flt": (np.float32, 0.6)}
        kind_type, scale = sizes[kind.rstrip("p")]
        planes = (planes * scale).astype(kind_type)
        for begin in range(0, RATE, 960):
            part = planes[:, begin : begin + 960]
            data = part if kind.endswith("p") else part.T.reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(data), kind, "stereo")
            frame.sample_rate, frame.pts = RATE, begin
            out.mux(audio.encode(frame))
        out.mux(audio.encode(None))
        if picture is not None:
            white = av.VideoFrame.from_ndarray(np.full((16, 16, 3), 255, np.uint8), "rgb24")
            out.mux([*picture.encode(white), *picture.encode(None)])
    return path


def heard(path: Path) -> tuple[str, np.ndarray[Any, Any]]:
    """Give the codec of the sound and its samples, -1..1, 2 x n."""
    with av.open(str(path)) as file:
        frames = []
        to_float = av.AudioResampler("fltp", "stereo", RATE)
        for frame in file.decode(audio=0):
            frames += [part.to_ndarray() for part in to_float.resample(frame)]
        frames += [part.to_ndarray() for part in to_float.resample(None)]
        return file.streams.audio[0].codec_context.name, np.concatenate(frames, axis=1)


@pytest.mark.parametrize(
    ("source", "sound", "target", "becomes"),
    [
        ("in.avi", "pcm_s16le", "out.mp4", "aac"),  # AVI names no layout of channels
        ("in.mkv", "flac", "out.mov", "aac"),
        ("in.mkv", "flac", "out.mp4", "flac"),
        ("in.mkv", "flac", "out.webm", "opus"),
        ("in.mp4", "aac", "out.webm", "opus"),
        ("in.avi", "pcm_alaw", "out.mkv", "pcm_s16le"),
        ("in.avi", "adpcm_ms", "out.mkv", "pcm_s16le"),
        ("in.avi", "wmav2", "out.mkv", "aac"),
        ("in.mkv", "libopus", "out.mov", "aac"),
    ],
)
def test_sound_is_copied_or_else_converted_and_named(
    tmp_path: Path, source: str, sound: str, target: str, becomes: str
) -> None:
    old = film(tmp_path / source, sound)
    notes = copied(old, tmp_path / target).notes
    codec, samples = heard(tmp_path / target)
    assert codec == becomes
    assert any("was converted to" in note for note in notes) == (becomes != sound)
    _, before = heard(old)
    assert abs(samples.shape[1] - before.shape[1]) < 2500
    count = min(samples.shape[1], before.shape[1]) - 4000
    spectrum = np.abs(np.fft.rfft(samples[0, 2000 : 2000 + count] * np.hanning(count)))
    assert np.argmax(spectrum) * RATE / count == pytest.approx(440, abs=3)
    loud = [float(np.std(part[:, 4000:40000])) for part in (before, samples)]
    assert loud[1] == pytest.approx(loud[0], rel=0.1)
    if becomes == "pcm_s16le":
        assert np.allclose(samples[:, :40000], before[:, :40000], atol=1e-4)


def test_what_to_do_with_sound_can_be_chosen(tmp_path: Path) -> None:
    source = film(tmp_path / "in.mkv", "flac")
    copied(source, tmp_path / "none.mkv", audio="none")
    with av.open(str(tmp_path / "none.mkv")) as file:
        assert not file.streams.audio
    copied(source, tmp_path / "aac.mkv", audio="aac")
    assert heard(tmp_path / "aac.mkv")[0] == "aac"
    with read_video(source) as video:
        with pytest.raises(MediaError, match=r"\.mov cannot hold the audio stream #1 \(flac\)"):
            write_video(tmp_path / "out.mov", like=video, audio="copy")
        with pytest.raises(UsageError, match=r"\.webm cannot hold --audio aac"):
            write_video(tmp_path / "out.webm", like=video, audio="aac")
    assert not list(tmp_path.glob(".ovsharp*"))


@pytest.mark.parametrize("cover", ["mjpeg", "png"])
@pytest.mark.parametrize("target", ["out.mp4", "out.mkv", "out.mov"])
def test_covers_stay_or_are_named(tmp_path: Path, cover: str, target: str) -> None:
    source = film(tmp_path / "in.mp4", "aac", cover=cover)
    notes = copied(source, tmp_path / target).notes
    with av.open(str(source)) as old, av.open(str(tmp_path / target)) as new:
        before = [bytes(p) for p in old.demux(old.streams.video[1]) if p.size]
        after = [stream for stream in new.streams.video if stream.disposition & 0x400]
        if target == "out.mov":
            assert "the cover picture was left out: .mov holds none of its kind" in notes
            assert not after
        else:
            assert [bytes(p) for p in new.demux(after[0]) if p.size] == before
            assert notes == []


def test_fonts_stay_or_are_named(tmp_path: Path) -> None:
    source = film(tmp_path / "in.mkv", "aac", font=True)
    assert copied(source, tmp_path / "out.mkv").notes == []
    with av.open(str(tmp_path / "out.mkv")) as new:
        (font,) = [stream for stream in new.streams if stream.type == "attachment"]
        assert (font.name, font.data) == ("font.ttf", b"a font" * 50)
    notes = copied(source, tmp_path / "out.mp4").notes
    assert notes == ["the attachment font.ttf was left out (.mp4)"]


def test_tags_of_phones_stay_and_lost_ones_are_named(tmp_path: Path) -> None:
    tags = {"title": "T", "com.apple.quicktime.model": "A phone", "com.android.version": "14"}
    source = film(tmp_path / "in.mov", "aac", tags=tags)
    for name in ("out.mov", "out.mp4", "out.mkv"):
        assert copied(source, tmp_path / name).notes == []
        with av.open(str(tmp_path / name)) as new:
            assert tags.items() <= {key.lower(): new.metadata[key] for key in new.metadata}.items()
    with av.open(str(tmp_path / "own.mkv"), "w") as out:
        video: Any = out.add_stream("mpeg4", rate=25)
        video.width, video.height, video.pix_fmt = 96, 64, "yuv420p"
        out.metadata["MY_OWN"] = "7"
        out.mux(video.encode(av.VideoFrame.from_ndarray(draw(0), "bgr24")))
        out.mux(video.encode(None))
    notes = copied(tmp_path / "own.mkv", tmp_path / "own.mp4").notes
    assert notes == ["tags that .mp4 does not keep were left out: MY_OWN"]


def test_a_language_that_a_container_cannot_say_is_named(tmp_path: Path) -> None:
    source = film(tmp_path / "in.mkv", "aac", language="cym")
    assert copied(source, tmp_path / "out.mp4").notes == []
    notes = copied(source, tmp_path / "out.mov").notes
    assert notes == ["the language of stream #1 (cym) was left out"]


@pytest.mark.parametrize(
    ("pixels", "codec", "becomes"),
    [
        ("yuv444p", "h264", "yuv444p"),
        ("yuv422p", "h264", "yuv422p"),
        ("yuv444p", "hevc", "yuv444p"),
        ("yuv444p", "vp9", "yuv444p"),
        ("yuv444p", "av1", "yuv420p"),
        ("yuv422p", "ffv1", "yuv422p"),
        ("yuv420p", "prores", "yuv422p10le"),
        ("yuv444p", "libx264-lossless", "yuv444p"),
    ],
)
def test_colours_keep_their_resolution_or_it_is_named(
    tmp_path: Path, pixels: str, codec: str, becomes: str
) -> None:
    source = clip(tmp_path / "in.mkv", (0, 40, 80), pixels=pixels)
    notes = copied(source, tmp_path / "out.mkv", codec=codec).notes
    with read_video(tmp_path / "out.mkv") as video:
        assert video.pixels == becomes
    lost = ["colours are stored at a lower resolution: 4:4:4 became 4:2:0"]
    assert notes == (lost if codec == "av1" else [])


@pytest.mark.parametrize("codec", ["ffv1", "libx264-lossless"])
def test_a_lossless_codec_keeps_every_frame(tmp_path: Path, codec: str) -> None:
    source = clip(tmp_path / "in.mkv", (0, 40, 80), pixels="yuv444p")
    copied(source, tmp_path / "once.mkv", codec=codec)
    copied(tmp_path / "once.mkv", tmp_path / "twice.mkv", codec=codec)
    with read_video(tmp_path / "once.mkv") as one, read_video(tmp_path / "twice.mkv") as two:
        for a, b in zip(one, two, strict=True):
            # 8-bit YUV to BGR and back is not exact, but for rounding.
            assert np.abs(a.frame.astype(int) - b.frame).max() <= 2


@pytest.mark.parametrize(
    ("target", "options", "said"),
    [
        (
            "out.mp4",
            {"preset": "8"},
            "libx264 has no preset 8; expected ultrafast, superfast, .*, placebo$",
        ),
        (
            "out.mp4",
            {"codec": "av1", "preset": "14"},
            "libsvtav1 has no preset 14; expected 0, 1, .*, 13$",
        ),
        (
            "out.mp4",
            {"codec": "vp9", "preset": "fast"},
            "libvpx-vp9 has no preset fast; expected 0, .*, 8$",
        ),
        ("out.mov", {"size": (16384, 16384)}, "does not take 16384x16384"),
        (
            "out.mov",
            {"size": (48, 32), "codec": "hevc"},
            "libx265 takes sides of 64 pixels or more",
        ),
        ("out.mov", {"encoder_options": {"shine": "1"}}, "libx264 has no option shine"),
        ("out.mov", {"encoder_options": {"tune": "bogus"}}, "does not take tune=bogus"),
        ("out.mov", {"codec": "prores", "bitrate": 1_000_000}, "has no bitrate to choose"),
        ("out.mov", {"codec": "vp9"}, r"\.mov cannot hold vp9: write \.mp4 or"),
        ("out.mov", {"codec": "ffv1"}, r"\.mov cannot hold ffv1: write \.mkv, or choose h264"),
    ],
)
def test_what_an_encoder_does_not_take_is_told_before_the_work(
    tmp_path: Path, target: str, options: dict[str, Any], said: str
) -> None:
    source = clip(tmp_path / "in.mp4", (0, 40))
    with read_video(source) as video, pytest.raises(UsageError, match=said):
        write_video(tmp_path / target, like=video, **options)
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]


def test_a_bitrate_is_held(tmp_path: Path) -> None:
    noise = np.random.default_rng(0)
    sizes = []
    for bitrate in (400_000, 1_600_000):
        path = tmp_path / f"{bitrate}.mkv"
        with write_video(path, bitrate=bitrate, rate=25) as sink:
            for index in range(50):
                frame = noise.integers(0, 256, (96, 160, 3), dtype=np.uint8)
                frame = np.asarray(cv2.blur(frame, (3, 3)), np.uint8)
                sink.write(Shot(frame, index, Fraction(1, 25)))
        sizes.append(path.stat().st_size)
    assert 2 < sizes[1] / sizes[0] < 6
