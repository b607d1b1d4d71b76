"""Whoever reads a video, the same models make its frames: no reader's colours decide."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from ovsharp import Sharpener
from ovsharp.degrade import parse_sending, send_clip
from ovsharp.engine import upscale
from ovsharp.media import read_video
from tests.photos import crop

pytest.importorskip("av")


@pytest.mark.parametrize("sent", ["x264(crf=6)", "x264(crf=24, scale=2)", "x264(crf=28, scale=2)"])
def test_a_plain_opencv_loop_gets_the_models_that_video_gets(sent: str, tmp_path: Path) -> None:
    photo = crop(0, 0, 384, 512)
    moving = [np.roll(photo, 2 * index, 1) for index in range(6)]
    path = tmp_path / "call.mkv"
    sending = parse_sending(sent)
    send_clip(moving, path, sending, Fraction(30))
    loop = cv2.VideoCapture(str(path))
    with Sharpener() as sharpener, read_video(path) as reader:
        for shot in reader:
            ok, other = loop.read()
            assert ok
            names = []
            for frame in (shot.frame, other):
                sharpener(frame if sending.scale == 1 else upscale(frame, 2))
                names.append(sharpener.variant)
            assert names[0] == names[1]
