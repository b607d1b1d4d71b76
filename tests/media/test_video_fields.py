"""Interlaced videos become whole frames, at their own times."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ovsharp.media import read_video

av = pytest.importorskip("av")


def moving(index: int) -> Any:
    frame = np.full((64, 96, 3), 60, np.uint8)
    frame[16:48, 4 + 2 * index : 24 + 2 * index] = 220
    return frame


def interlaced(path: Path, *, flagged: bool = True, whole_first: int = 0) -> Path:
    """Write 12 frames whose odd rows are half a frame later: combs at what moves."""
    options = {"x264-params": "tff=1"} if flagged else {}
    with av.open(str(path), "w") as out:
        coded: Any = out.add_stream("libx264", rate=25, options={"crf": "4", **options})
        coded.width, coded.height, coded.pix_fmt = 96, 64, "yuv420p"
        for index in range(12):
            frame = moving(2 * index)
            frame[1::2] = moving(2 * index + 1)[1::2]
            picture = av.VideoFrame.from_ndarray(frame, "bgr24").reformat(
                format="yuv420p", dst_colorspace=1, dst_color_range=1
            )
            out.mux(coded.encode(picture))
        out.mux(coded.encode(None))
    return path


def combs(frame: Any) -> float:
    """Tell how much rows differ from both of their neighbours."""
    grey = frame[18:46].astype(int).mean(axis=2)
    return float(np.abs(2 * grey[1:-1] - grey[:-2] - grey[2:]).mean())


@pytest.mark.parametrize(
    ("mode", "flagged", "whole"),
    [("auto", True, True), ("on", False, True), ("auto", False, False), ("off", True, False)],
)
def test_combs_go_where_they_are_told_of(
    tmp_path: Path, mode: Any, flagged: bool, whole: bool
) -> None:
    source = interlaced(tmp_path / "in.mkv", flagged=flagged)
    with read_video(source) as video:
        before = list(video)
    with read_video(source, deinterlace=mode) as video:
        after = list(video)
        again = list(video)
    assert [shot.pts for shot in after] == [shot.pts for shot in before]
    assert all(np.array_equal(a.frame, b.frame) for a, b in zip(after, again, strict=True))
    shares = [
        combs(a.frame) / combs(b.frame) for a, b in zip(after[2:-2], before[2:-2], strict=True)
    ]
    assert (max(shares) < 0.5) == whole
    assert ("interlaced frames were made whole (bwdif)" in video.notes) == whole
    assert any("--deinterlace makes them whole" in note for note in video.notes) == (mode == "off")
    if not whole:
        assert all(np.array_equal(a.frame, b.frame) for a, b in zip(after, before, strict=True))
