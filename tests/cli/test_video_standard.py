"""`ovsharp video - -o -`: a link of a chain of programs."""

from __future__ import annotations

import io
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ovsharp.media import RawVideo, read_video
from tests.media.clips import clip

av = pytest.importorskip("av")

EVEN = tuple(range(0, 480, 40))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no /dev/stdin")
def test_a_video_goes_through_the_pipes(tmp_path: Path) -> None:
    source = clip(tmp_path / "in.mkv", EVEN)
    command = [sys.executable, "-m", "ovsharp", "video", "-", "-o", "-", "--strength", "0"]
    with source.open("rb") as file:
        feed = subprocess.Popen(["cat"], stdin=file, stdout=subprocess.PIPE)
    made = subprocess.run(command, stdin=feed.stdout, capture_output=True, check=False)
    feed.wait(10)
    assert made.returncode == 0, made.stderr
    assert b"-: 12 frames" in made.stderr
    with av.open(io.BytesIO(made.stdout), format="yuv4mpegpipe") as file:
        assert file.streams.video[0].average_rate == 25
        frames = [frame.to_ndarray(format="bgr24") for frame in file.decode(video=0)]
    with read_video(source) as video:
        for shot, frame in zip(video, frames, strict=True):
            assert np.abs(shot.frame.astype(int) - frame).mean() < 4
    assert [path.name for path in tmp_path.iterdir()] == ["in.mkv"]


@pytest.mark.parametrize("pixels", ["yuv420p", "yuv422p", "yuv444p"])
def test_frames_are_written_as_they_were_sampled(tmp_path: Path, pixels: str) -> None:
    out = io.BytesIO()
    with read_video(clip(tmp_path / "in.mkv", EVEN, pixels=pixels)) as video:
        video.sample_aspect = Fraction(4, 3)
        with RawVideo(video, out=out) as sink:
            for shot in video:
                sink.write(shot)
    out.seek(0)
    with av.open(out, format="yuv4mpegpipe") as file:
        stream: Any = file.streams.video[0]
        frames = list(file.decode(stream))
        assert stream.sample_aspect_ratio == Fraction(4, 3)
    assert {(frame.format.name, frame.width, frame.height) for frame in frames} == {
        (pixels, 96, 64)
    }
    assert len(frames) == len(EVEN)
