"""Videos are read with their times and colours, and written whole or not at all."""

from __future__ import annotations

import os
import re
import shutil
import threading
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from ovsharp.errors import MediaError, UsageError
from ovsharp.media import Shot, read_video, write_video
from tests.media.clips import TIMES, clip, copied, draw

av = pytest.importorskip("av")


def seconds(path: Path) -> list[float]:
    with read_video(path) as video:
        return [round(shot.seconds, 6) for shot in video]


@pytest.mark.parametrize("ending", ["mp4", "mkv", "mov"])
def test_variable_times_are_kept(tmp_path: Path, ending: str) -> None:
    source = clip(tmp_path / f"in.{ending}")
    assert seconds(source) == [time / 1000 for time in TIMES]
    target = copied(source, tmp_path / f"out.{ending}", segment=5).path
    assert seconds(target) == seconds(source)
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"in.{ending}", f"out.{ending}"]


@pytest.mark.parametrize("colour", [(1, 1), (1, 2), (5, 1), (5, 2)])
def test_a_known_colour_survives(tmp_path: Path, colour: tuple[int, int]) -> None:
    target = copied(clip(tmp_path / "in.mp4", colour=colour), tmp_path / "out.mp4", crf=4).path
    for path in (tmp_path / "in.mp4", target):
        with read_video(path) as video:
            assert (video.colour.range, video.colour.matrix in (5, 6)) == (
                colour[1],
                colour[0] == 5,
            )
            frame = next(iter(video)).frame
        assert np.abs(frame[16, 32].astype(int) - (30, 200, 120)).max() <= 4


def test_sound_and_metadata_are_copied_packet_by_packet(tmp_path: Path) -> None:
    source = clip(tmp_path / "in.mp4", sound=True)
    target = copied(source, tmp_path / "out.mp4").path

    def sound(path: Path) -> tuple[str, list[tuple[int | None, bytes]]]:
        with av.open(str(path)) as file:
            title = file.metadata["title"]
            return title, [(p.pts, bytes(p)) for p in file.demux(audio=0) if p.size]

    assert sound(target) == sound(source)


def test_phone_videos_are_turned_upright(tmp_path: Path) -> None:
    with read_video(clip(tmp_path / "in.mp4", rotation=90)) as video:
        assert (video.height, video.width) == (96, 64)
        frame = next(iter(video)).frame
    expected = np.rot90(draw(0), 1)
    assert np.abs(frame.astype(int) - expected).mean() < 4
    assert seconds(copied(tmp_path / "in.mp4", tmp_path / "out.mp4").path)
    with read_video(tmp_path / "out.mp4") as video:
        assert next(iter(video)).frame.shape == (96, 64, 3)
        assert not video.notes


def test_odd_sides_become_even(tmp_path: Path) -> None:
    with write_video(tmp_path / "out.mp4") as sink:
        sink.write(Shot(draw(0, 97, 65), 0, Fraction(1, 25)))
    with read_video(tmp_path / "out.mp4") as video:
        assert (video.width, video.height) == (98, 66)


def test_start_end_and_every(tmp_path: Path) -> None:
    with read_video(clip(tmp_path / "in.mp4"), start=0.2, end=0.6, every=2) as video:
        assert [round(shot.seconds, 3) for shot in video] == [0.2, 0.4, 0.48]


def test_hdr_is_refused_and_10_bits_are_named(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="is HDR, PQ"):
        read_video(clip(tmp_path / "hdr.mp4", transfer=16))
    with read_video(clip(tmp_path / "deep.mp4", pixels="yuv420p10le")) as video:
        assert video.notes == ["10-bit input is written with 8 bits"]


@pytest.mark.parametrize("content", [b"", b"no video" * 200])
def test_what_is_no_video_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "in.mp4").write_bytes(content)
    with pytest.raises(MediaError, match=r"is empty|is no video"):
        read_video(tmp_path / "in.mp4")


def test_sound_alone_is_refused(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "in.m4a"), "w", format="mp4") as out:
        stream = out.add_stream("aac", rate=48000)
        part = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        part.sample_rate = 48000
        out.mux(stream.encode(part))
        out.mux(stream.encode(None))
    with pytest.raises(MediaError, match="holds no video, only sound"):
        read_video(tmp_path / "in.m4a")


@pytest.mark.parametrize("ending", ["mp4", "mkv"])
def test_truncated_files_are_refused(tmp_path: Path, ending: str) -> None:
    path = clip(tmp_path / f"in.{ending}", tuple(range(0, 4000, 40)))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(MediaError, match=r"damaged"), read_video(path) as video:
        list(video)


def test_a_stalled_pipe_is_told(tmp_path: Path) -> None:
    data = clip(tmp_path / "in.mkv").read_bytes()
    os.mkfifo(tmp_path / "pipe")
    done = threading.Event()

    def feed() -> None:
        with (tmp_path / "pipe").open("wb") as pipe:
            pipe.write(data[:200])
            pipe.flush()
            done.wait(20)

    thread = threading.Thread(target=feed)
    thread.start()
    try:
        with pytest.raises(MediaError, match="has stalled"):
            read_video(tmp_path / "pipe", stall=0.3)
    finally:
        done.set()
        thread.join()


@pytest.mark.parametrize("kind", ["ts", "mkv"])
def test_a_clock_that_runs_on_begins_at_0(tmp_path: Path, kind: str) -> None:
    times = tuple(1_000_000 + time for time in range(0, 480, 40))
    source = clip(tmp_path / f"in.{kind}", times)
    with (
        read_video(source) as video,
        write_video(tmp_path / "out.mp4", like=video) as sink,
    ):
        for shot in video:
            sink.write(shot)
    assert re.fullmatch(r"times begin at 0, and not at 100[01]\.\d\d s", sink.notes[0])
    assert seconds(tmp_path / "out.mp4") == [time / 1000 for time in range(0, 480, 40)]
    with av.open(str(tmp_path / "out.mp4")) as made:
        assert made.duration == pytest.approx(480_000, abs=1000)


def test_what_apple_and_the_web_expect_of_an_mp4(tmp_path: Path) -> None:
    target = copied(clip(tmp_path / "in.mp4"), tmp_path / "out.mp4", codec="hevc").path
    with av.open(str(target)) as made:
        assert made.streams.video[0].codec_tag == "hvc1"
    content = target.read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")


@pytest.mark.parametrize(
    ("size", "aspect"), [((128, 64), 1), ((96, 64), Fraction(4, 3)), ((64, 64), 2), (None, None)]
)
def test_a_new_size_keeps_the_shape_of_the_picture(
    tmp_path: Path, size: tuple[int, int] | None, aspect: Fraction | None
) -> None:
    wide = Fraction(4, 3)  # 96x64 that is seen as 128x64
    with write_video(tmp_path / "in.mp4") as sink:
        for index in range(3):
            sink.write(Shot(draw(index), index, Fraction(1, 25)))
    with read_video(tmp_path / "in.mp4") as video:
        video.sample_aspect = wide
        with write_video(tmp_path / "out.mp4", like=video, size=size) as sink:
            for shot in video:
                sink.write(shot)
    with read_video(tmp_path / "out.mp4") as video:
        assert video.sample_aspect == (wide if aspect is None else aspect)


def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = clip(tmp_path / "in.mp4")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        copied(source, tmp_path / "new" / "out.mp4")
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]


def test_a_disk_that_will_be_full_is_foreseen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = type(shutil.disk_usage(tmp_path))
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage(1000, 900, 100))
    written = 0
    with (
        pytest.raises(OSError, match="No space left") as caught,
        read_video(clip(tmp_path / "in.mp4")) as video,
        write_video(tmp_path / "out.mp4", like=video, segment=4) as sink,
    ):
        for shot in video:
            sink.write(shot)
            written += 1
    assert written == 3  # not all of them: the first segment does not fit twice
    assert caught.value.filename == str(tmp_path / "out.mp4")


def test_existing_files_and_unknown_endings_are_refused(tmp_path: Path) -> None:
    (tmp_path / "out.mp4").touch()
    with pytest.raises(UsageError, match="--overwrite"):
        write_video(tmp_path / "out.mp4")
    with pytest.raises(UsageError, match=r"expected \.mp4"):
        write_video(tmp_path / "out.gif")


def test_a_resumed_job_equals_an_uninterrupted_one(tmp_path: Path) -> None:
    source = clip(tmp_path / "in.mp4", sound=True)
    whole = copied(source, tmp_path / "whole.mp4", segment=4).path
    target = tmp_path / "out.mp4"
    with (
        pytest.raises(KeyboardInterrupt),
        read_video(source) as video,
        write_video(target, like=video, segment=4) as sink,
    ):
        for index, shot in enumerate(video):
            if index == 9:
                raise KeyboardInterrupt
            sink.write(shot)
    assert not target.exists()
    with (
        read_video(source) as video,
        write_video(target, like=video, segment=4, resume=True) as sink,
    ):
        assert sink.done == 8
        for shot in video.shots(sink.done):
            sink.write(shot)
    assert target.read_bytes() == whole.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.mp4", "out.mp4", "whole.mp4"]


@pytest.mark.parametrize(("codec", "ending"), [("h264", "mp4"), ("ffv1", "mkv"), ("prores", "mov")])
def test_colour_lies_where_the_codec_has_it(tmp_path: Path, codec: str, ending: str) -> None:
    across, down = np.meshgrid(np.arange(96), np.arange(64))
    weight = np.exp(-((across - 40) ** 2 + (down - 32) ** 2) / 60)[..., None]
    frame = np.rint(110 + weight * np.array([-60, -40, 100])).astype(np.uint8)
    path = tmp_path / f"out.{ending}"
    with write_video(path, codec=codec, crf=1) as sink:
        sink.write(Shot(frame, 0, Fraction(1, 25)))
    with av.open(str(path)) as file:
        plane = next(file.decode(video=0)).reformat(format="yuv422p16le").planes[2]
    red = np.frombuffer(bytes(plane), np.uint16).reshape(64, -1)[:, :48].astype(float)
    red -= np.median(red)
    red[red < red.max() / 20] = 0
    # Samples of chroma lie at the left pixel of a pair.
    assert 2 * (red.sum(axis=0) @ np.arange(48)) / red.sum() == pytest.approx(40, abs=0.1)


@pytest.mark.parametrize(("start", "end"), [(-1.0, None), (2.0, 2.0), (2.0, 1.0)])
def test_a_part_that_is_none_is_refused(tmp_path: Path, start: float, end: float | None) -> None:
    with pytest.raises(UsageError, match="expected 0 <= start < end, got start"):
        read_video(tmp_path / "in.mp4", start=start, end=end)
