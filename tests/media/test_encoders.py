"""Encoders are tried before they are trusted, and the one that runs is named."""

from __future__ import annotations

import os
import sys
import threading
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ovsharp.errors import UsageError
from ovsharp.media import AUTO, CODECS, Encoder, Shot, read_video, write_video
from ovsharp.media import encoders as room
from ovsharp.media.encoders import failure, find_encoder, hardware_encoders, open_encoder
from tests.media.clips import draw

av = pytest.importorskip("av")


def crf(value: int) -> dict[str, str]:
    return {"crf": str(value)}


# Software that stands for a chip: it takes frames in the layout that chips want.
CHIP = Encoder("libx264", "h264", crf, {"preset": "veryfast"}, pixels="nv12", hardware=True)
BROKEN = Encoder("h264_none", "h264", crf, hardware=True)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> list[Encoder]:
    """The hardware that a machine seems to have."""
    made: list[Encoder] = []
    monkeypatch.setattr(room, "hardware_encoders", lambda: tuple(made))
    return made


@pytest.mark.parametrize("codec", CODECS)
def test_what_is_in_software_works(codec: str) -> None:
    encoder = find_encoder(codec, ".mkv")
    assert (encoder.codec, encoder.hardware, failure(encoder)) == (codec, False, "")


@pytest.mark.parametrize("encoder", hardware_encoders(), ids=lambda encoder: encoder.name)
def test_hardware_works_or_says_why_not(encoder: Encoder) -> None:
    reason = failure(encoder)
    if not reason:
        assert find_encoder(encoder.name, ".mkv") == encoder
        return
    with pytest.raises(UsageError, match=f"{encoder.name} does not work on this machine") as caught:
        find_encoder(encoder.name, ".mkv")
    assert reason in str(caught.value)


def test_automatic_takes_the_first_that_works(machine: list[Encoder]) -> None:
    machine += [BROKEN, CHIP]
    assert find_encoder(AUTO, ".mp4") is CHIP
    assert not find_encoder(AUTO, ".webm").hardware


def test_automatic_says_that_nothing_was_found(machine: list[Encoder], tmp_path: Path) -> None:
    machine.append(BROKEN)
    with write_video(tmp_path / "out.mp4", codec=AUTO) as sink:
        assert sink.notes == ["no encoder of hardware works here: libx264 runs"]
        sink.write(Shot(draw(0), 0, Fraction(1, 25)))


def test_a_named_one_never_gives_way_to_another(machine: list[Encoder]) -> None:
    machine += [BROKEN, CHIP]
    with pytest.raises(UsageError, match=r"h264_none does not .*; libx264, h264, .* do$"):
        find_encoder("h264_none", ".mp4")
    with pytest.raises(UsageError, match="knows: h264_none, libx264"):
        find_encoder("h264_nvenc", ".mp4")
    with pytest.raises(UsageError, match=r"\.webm cannot hold h264"):
        find_encoder("libx264", ".webm")


def test_the_layout_that_hardware_takes_keeps_the_picture(
    machine: list[Encoder], tmp_path: Path
) -> None:
    machine.append(CHIP)
    for codec in ("h264", AUTO):
        with write_video(tmp_path / f"{codec}.mp4", codec=codec, crf=4) as sink:
            sink.write(Shot(draw(3), 0, Fraction(1, 25)))
    frames = []
    for codec in ("h264", AUTO):
        with read_video(tmp_path / f"{codec}.mp4") as video:
            frames.append(next(iter(video)).frame)
    assert np.array_equal(*frames)


def test_a_driver_that_hangs_does_not_hold_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    done = threading.Event()
    monkeypatch.setattr(room, "_TRY_SECONDS", 0.05)
    monkeypatch.setattr(room, "_failure", lambda _encoder: str(done.wait(20)))
    assert failure(BROKEN) == "it did not answer for 0.05 s"
    done.set()


def test_an_encoder_without_presets_says_so() -> None:
    with pytest.raises(UsageError, match="ffv1 has no presets; leave --preset out"):
        find_encoder("ffv1", ".mkv").at("slow")


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="only root is given it")
def test_no_encoder_takes_the_highest_priority() -> None:
    before = os.sched_getscheduler(0)
    encoder: Any = av.CodecContext.create("libsvtav1", "w")
    encoder.width = encoder.height = 64
    encoder.pix_fmt, encoder.time_base = "yuv420p", Fraction(1, 25)
    open_encoder(encoder)

    threads = [int(task.name) for task in Path("/proc/self/task").iterdir()]
    assert len(threads) > 1
    assert {os.sched_getscheduler(thread) for thread in threads} == {before}
    assert encoder.encode(None) == []
