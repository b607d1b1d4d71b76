"""Videos of 10 bits and HDR: corrections are added to all bits, and nothing is mapped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ovsharp.errors import MediaError
from ovsharp.media import Shot, VideoWriter, read_video, write_video
from ovsharp.media.deep import _frame_of, _planes

av = pytest.importorskip("av")

HDR = (
    "log-level=error:hdr10=1:max-cll=1000,400:"
    "master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1)"
)


def deep(
    path: Path,
    *,
    pixels: str = "yuv420p10le",
    codec: str = "ffv1",
    hdr: bool = False,
    rotation: int = 0,
) -> Path:
    """Write three frames whose values need 10 bits."""
    options = {"x265-params": HDR if hdr else "log-level=error"} if codec == "libx265" else {}
    with av.open(str(path), "w") as out:
        coded: Any = out.add_stream(codec, rate=25, options=options)
        coded.width, coded.height, coded.pix_fmt = 96, 64, pixels
        if rotation:
            coded.set_display_rotation(rotation)
        context = coded.codec_context
        context.colorspace, context.color_range = (9, 1) if hdr else (1, 1)
        context.color_primaries, context.color_trc = (9, 16) if hdr else (1, 1)
        form = av.VideoFormat(pixels, 96, 64)
        for index in range(3):
            planes = []
            for place in range(3):
                high = form.chroma_height(64) if place else 64
                wide = form.chroma_width(96) if place else 96
                y, x = np.mgrid[:high, :wide]
                planes.append(301 + 100 * place + (3 * x + 2 * y + index) % 210)
            out.mux(coded.encode(_frame_of(planes, pixels)))
        out.mux(coded.encode(None))
    return path


def planes_of(path: Path) -> list[list[np.ndarray[Any, Any]]]:
    with av.open(str(path)) as file:
        return [_planes(frame) for frame in file.decode(video=0)]


def made(source: Path, target: Path, change: Any = None, **options: Any) -> VideoWriter:
    with read_video(source, deep=True) as video, write_video(target, like=video, **options) as sink:
        for shot in video:
            sink.write(shot if change is None else shot.replaced(change(shot.frame)))
    return sink


@pytest.mark.parametrize("pixels", ["yuv420p10le", "yuv422p10le", "yuv444p10le", "yuv420p12le"])
def test_what_is_left_alone_keeps_every_bit(tmp_path: Path, pixels: str) -> None:
    source = deep(tmp_path / "in.mkv", pixels=pixels)
    sink = made(source, tmp_path / "out.mkv", codec="ffv1")
    assert sink.notes == []
    for old, new in zip(planes_of(source), planes_of(tmp_path / "out.mkv"), strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(old, new, strict=True))


def test_a_correction_is_added_where_it_is(tmp_path: Path) -> None:
    source = deep(tmp_path / "in.mkv")

    def lighter(frame: Any) -> Any:
        changed = frame.copy()
        changed[:, 48:] += 10
        return changed

    made(source, tmp_path / "out.mkv", lighter, codec="ffv1")
    old, new = planes_of(source)[1], planes_of(tmp_path / "out.mkv")[1]
    change = new[0].astype(int) - old[0]
    assert np.array_equal(new[0][:, :40], old[0][:, :40])
    assert change[:, 56:].mean() == pytest.approx(10 * 4 * 219 / 255, abs=0.5)
    assert np.abs(new[1].astype(int) - old[1]).mean() < 0.6


@pytest.mark.parametrize(
    ("codec", "ending", "name"),
    [
        (None, "mp4", "hevc"),
        ("h264", "mkv", "h264"),
        ("av1", "mkv", "libdav1d"),
        ("prores", "mov", "prores"),
    ],
)
def test_encoders_are_given_10_bits(
    tmp_path: Path, codec: str | None, ending: str, name: str
) -> None:
    source = deep(tmp_path / "in.mkv", pixels="yuv420p10le")
    sink = made(source, tmp_path / f"out.{ending}", codec=codec, crf=4)
    assert sink.notes == []
    with read_video(tmp_path / f"out.{ending}", deep=True) as video:
        assert video.deep
    with av.open(str(tmp_path / f"out.{ending}")) as file:
        assert file.streams.video[0].codec_context.name == name


def test_an_encoder_without_10_bits_is_named(tmp_path: Path) -> None:
    sink = made(deep(tmp_path / "in.mkv"), tmp_path / "out.webm")
    assert sink.notes == ["10-bit input is written with 8 bits"]


@pytest.mark.parametrize(("codec", "ending"), [("hevc", "mp4"), ("hevc", "mkv"), ("av1", "mkv")])
def test_hdr_keeps_its_curve_and_its_metadata(tmp_path: Path, codec: str, ending: str) -> None:
    source = deep(tmp_path / "in.mkv", codec="libx265", hdr=True)
    made(source, tmp_path / f"out.{ending}", codec=codec, crf=4)
    told = []
    for path in (source, tmp_path / f"out.{ending}"):
        with av.open(str(path)) as file:
            frame = next(file.decode(video=0))
            data = {one.type.name: bytes(one) for one in frame.side_data}
            display = np.frombuffer(data["MASTERING_DISPLAY_METADATA"][:80], np.int32)
            told.append(
                (
                    (frame.color_trc, frame.color_primaries, frame.colorspace, frame.color_range),
                    np.round(display[::2] / display[1::2], 3).tolist(),
                    np.frombuffer(data["CONTENT_LIGHT_LEVEL"], np.uint32)[:2].tolist(),
                )
            )
    assert told[0] == told[1]
    assert told[0][0] == (16, 9, 9, 1)
    old, new = planes_of(source)[0], planes_of(tmp_path / f"out.{ending}")[0]
    assert np.abs(old[0].astype(int) - new[0]).mean() < 4  # of 1023: not mapped


def test_a_phone_that_was_held_upright(tmp_path: Path) -> None:
    source = deep(tmp_path / "in.mov", codec="prores_ks", pixels="yuv444p10le", rotation=90)
    made(source, tmp_path / "out.mkv", codec="ffv1")
    old, new = planes_of(source)[1], planes_of(tmp_path / "out.mkv")[1]
    assert all(np.array_equal(np.rot90(a), b) for a, b in zip(old, new, strict=True))


def test_other_sizes_and_two_beside_each_other(tmp_path: Path) -> None:
    source = deep(tmp_path / "in.mkv")
    made(source, tmp_path / "x2.mkv", lambda f: np.kron(f, np.ones((2, 2, 1), np.uint8)), crf=4)
    made(source, tmp_path / "size.mkv", size=(144, 96), crf=4)
    made(source, tmp_path / "two.mkv", lambda f: np.hstack([f, f]), crf=4)
    old = planes_of(source)[0][0]
    for name, shape in (("x2", (128, 192)), ("size", (96, 144)), ("two", (64, 192))):
        plane = planes_of(tmp_path / f"{name}.mkv")[0][0]
        assert plane.shape == shape
        assert plane.mean() == pytest.approx(old.mean(), abs=6)


def test_without_asking_hdr_is_refused(tmp_path: Path) -> None:
    source = deep(tmp_path / "in.mkv", codec="libx265", hdr=True)
    with pytest.raises(MediaError, match="is HDR, PQ"):
        read_video(source)


def test_a_shot_keeps_what_it_was(tmp_path: Path) -> None:
    with read_video(deep(tmp_path / "in.mkv"), deep=True) as video:
        shot = next(iter(video))
    assert isinstance(shot, Shot)
    assert shot.deep is not None
    assert shot.replaced(shot.frame + 1).deep is shot.deep
