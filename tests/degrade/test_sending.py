"""Clips that a call's encoder sends: what arrives is the clip, with its colours."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from ovsharp.degrade import SENDINGS, parse_sending, send_clip
from ovsharp.errors import MediaError, UsageError
from ovsharp.media import Frame, read_video
from ovsharp.quality import psnr
from tests.photos import crop

pytest.importorskip("av")

PHOTO = crop(0, 60, 180, 320)


def pan(frames: int = 12) -> Iterator[Frame]:
    for index in range(frames):
        yield np.ascontiguousarray(np.roll(PHOTO, 2 * index, axis=1))


def received(text: str, path: Path) -> list[Frame]:
    assert send_clip(pan(), path, parse_sending(text), Fraction(25)) == 12
    with read_video(path) as reader:
        assert reader.rate == 25
        return [shot.frame for shot in reader]


@pytest.mark.parametrize("text", ["x264(crf=0)", "vp8(crf=4)", "vp9(crf=0)", "av1(crf=4)"])
def test_the_best_quality_keeps_every_channels_mean(text: str, tmp_path: Path) -> None:
    frames = received(text, tmp_path / "sent.mkv")
    shifts = [
        (frame.astype(float) - truth).mean(axis=(0, 1))
        for frame, truth in zip(frames, pan(), strict=True)
    ]
    assert np.abs(np.mean(shifts, axis=0)).max() < 0.3
    assert psnr(frames[-1], [*pan()][-1]) > 32


@pytest.mark.parametrize("codec", ["x264", "vp8", "vp9", "av1"])
def test_more_bits_look_better(codec: str, tmp_path: Path) -> None:
    last = [*pan()][-1]
    coarse, fine = (
        psnr(received(f"{codec}({how})", tmp_path / "sent.mkv")[-1], last)
        for how in ("kbps=300", "kbps=3000")
    )
    assert fine > coarse + 1


def test_the_bitrate_follows_the_pixels_and_not_what_is_sent_of_them() -> None:
    options = [
        parse_sending(f"x264(kbps=250{more})").options(640, 360) for more in ("", ", scale=2")
    ]
    assert [one["b"] for one in options] == ["62500", "62500"]


def test_it_is_sent_smaller(tmp_path: Path) -> None:
    frames = received("x264(crf=10, scale=2)", tmp_path / "sent.mkv")
    small = cv2.resize(PHOTO, (160, 90), interpolation=cv2.INTER_AREA)
    assert psnr(frames[0], np.asarray(small, np.uint8)) > 32


def test_the_named_ones_can_be_read() -> None:
    texts = [parse_sending(name).text for name in SENDINGS]
    assert texts == ["x264(crf=36)", "x264(kbps=250, scale=2)", "vp8(kbps=300, scale=2, speed=6)"]
    assert [parse_sending(text).text for text in texts] == texts


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("h265(crf=30)", "cannot read"),
        ("x264", "cannot read"),
        ("x264()", "either crf or kbps"),
        ("x264(crf=30, kbps=100)", "either crf or kbps"),
        ("x264(crf=52)", r"crf=0\.\.51"),
        ("vp8(crf=52, scale=0.5)", "'scale=0.5'"),
        ("x264(crf=30, speed=5)", "'speed=5'"),
        ("x264(kbps=2.5)", "'kbps=2.5'"),
    ],
)
def test_nonsense_is_told(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse_sending(text)


def test_frames_that_cannot_be_sent(tmp_path: Path) -> None:
    sending, rate = parse_sending("x264(crf=30)"), Fraction(25)
    with pytest.raises(MediaError, match="no frame"):
        send_clip([], tmp_path / "sent.mkv", sending, rate)
    with pytest.raises(UsageError, match="even sides"):
        send_clip([PHOTO[:99]], tmp_path / "sent.mkv", sending, rate)
    assert not [*tmp_path.iterdir()]
