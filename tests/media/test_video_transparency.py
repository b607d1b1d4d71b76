"""Transparency stays in codecs that hold it, and is named where it is lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from ovsharp.cli.video import video as command
from ovsharp.media import read_picture, read_video, write_video

av = pytest.importorskip("av")

COUNT = 3


def drawn(index: int) -> Any:
    """A disc that moves, with a soft edge, above a bar that is half seen: RGBA."""
    picture = np.zeros((64, 96, 4), np.uint8)
    picture[..., :3] = (30, 200, 90)
    cv2.circle(picture, (20 + 5 * index, 32), 14, (30, 200, 90, 255), -1, cv2.LINE_AA)
    picture[40:50] = (30, 200, 90, 128)
    return picture


def film(path: Path, codec: str, pixels: str) -> Path:
    with av.open(str(path), "w") as out:
        stream: Any = out.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = 96, 64, pixels
        for index in range(COUNT):
            frame = av.VideoFrame.from_ndarray(drawn(index), "rgba").reformat(format=pixels)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("pixels", ["yuva444p", "yuva422p10le", "yuva420p", "bgra"])
@pytest.mark.parametrize(
    ("codec", "ending"), [("ffv1", ".mkv"), ("prores", ".mov"), ("vp9", ".webm"), ("vp9", ".mkv")]
)
def test_it_is_kept(tmp_path: Path, pixels: str, codec: str, ending: str) -> None:
    source = film(tmp_path / "in.mkv", "ffv1", pixels)
    target = tmp_path / f"out{ending}"
    with read_video(source, deep=True, alpha=True) as video:
        with write_video(target, like=video, codec=codec, crf=4, segment=2) as sink:
            before = list(video)
            for shot in before:
                sink.write(shot)
        assert not any("transparency" in note for note in (*video.notes, *sink.notes))
    with read_video(target, alpha=True) as video:
        after = list(video)
    for index, (old, new) in enumerate(zip(before, after, strict=True)):
        assert old.alpha is not None and new.alpha is not None
        assert old.alpha.shape == (64, 96)
        drawn_alpha = drawn(index)[..., 3].astype(int) * 257
        assert np.abs(old.alpha - drawn_alpha).max() <= 257  # a level, by swscale
        assert np.abs(old.alpha.astype(int) - new.alpha).max() <= (3 if codec == "ffv1" else 700)
        assert np.abs(old.frame.astype(int) - new.frame).mean() < 3


def test_it_grows_and_shrinks_with_the_frame(tmp_path: Path) -> None:
    source = film(tmp_path / "in.mkv", "ffv1", "yuva420p")
    arguments = [str(source), "-o", str(tmp_path / "%d.png"), "--strength", "0", "--size", "48x32"]
    result = CliRunner().invoke(command, arguments)
    assert result.exit_code == 0, result.output
    picture = read_picture(tmp_path / "2.png")
    assert picture.alpha is not None
    expected = cv2.resize(drawn(1)[..., 3], (48, 32), interpolation=cv2.INTER_AREA)
    np.testing.assert_allclose(picture.alpha.astype(int), expected, atol=2)


def test_what_holds_none_says_so(tmp_path: Path) -> None:
    source = film(tmp_path / "in.mkv", "ffv1", "yuva420p")
    for target, beside in (("out.mp4", False), ("%d.jpg", False), ("out.mkv", True)):
        arguments = [str(source), "-o", str(tmp_path / target), "--strength", "0"]
        result = CliRunner().invoke(command, arguments + ["--side-by-side"] * beside)
        assert result.exit_code == 0, result.output
        assert "note: transparency" in result.output


def test_frames_of_10_bits_keep_them(tmp_path: Path) -> None:
    source = film(tmp_path / "in.mov", "prores_ks", "yuva444p10le")
    with read_video(source, deep=True, alpha=True) as video:
        assert (video.deep, video.alpha) == (True, True)
        with write_video(tmp_path / "out.mkv", like=video, codec="ffv1") as sink:
            for shot in video:
                sink.write(shot)
    planes = []
    for path in (source, tmp_path / "out.mkv"):
        with av.open(str(path)) as file:
            frames = [frame.reformat(format="yuva444p12le") for frame in file.decode(video=0)]
            planes.append([[bytes(plane) for plane in frame.planes] for frame in frames])
    assert planes[0] == planes[1]
