"""Videos and disks that fail: one sentence, and nothing half-written."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ovsharp.apps import Pipeline
from ovsharp.errors import MediaError, UsageError
from ovsharp.media import Shot, read_video, write_video
from ovsharp.runtime import Sharpener
from tests.media.clips import TIMES, clip, draw

av = pytest.importorskip("av")

EVEN = tuple(range(0, 480, 40))
LONG = tuple(range(0, 4000, 40))


def pictures(path: Path, **options: Any) -> list[np.ndarray[Any, Any]]:
    with read_video(path, **options) as video:
        return [shot.frame for shot in video]


def stream(path: Path, sizes: list[tuple[int, int]], jump: int) -> Path:
    """Write one MPEG-TS of several parts, each beginning `jump` milliseconds after the last."""
    content = b""
    for index, size in enumerate(sizes):
        part = path.with_name(f"part-{index}.ts")
        content += clip(part, tuple(time + index * jump for time in EVEN), size=size).read_bytes()
        part.unlink()
    path.write_bytes(content)
    return path


def test_times_that_stand_still_give_way_to_the_frame_rate(tmp_path: Path) -> None:
    source, target = clip(tmp_path / "in.mp4", EVEN), tmp_path / "still.mkv"
    with av.open(str(source)) as given, av.open(str(target), "w") as out:
        stream = out.add_stream_from_template(given.streams.video[0])
        for number, packet in enumerate(given.demux(video=0)):
            if packet.size:
                packet.pts = packet.dts = number // 8
                packet.stream = stream
                out.mux(packet)
    with read_video(target, rate=25) as video:
        shots = list(video)
        again = list(video.shots(4, after=shots[3].pts))
    assert np.allclose(np.diff([shot.seconds for shot in shots]), 0.04, atol=0.001)
    assert video.notes == ["its times stand still: its frames were placed at the frame rate"]
    for found, expected in ((shots, pictures(source)), (again, pictures(source)[4:])):
        assert len(found) == len(expected)
        for shot, frame in zip(found, expected, strict=True):
            assert np.array_equal(shot.frame, frame)


def test_a_bare_stream_without_times_gets_the_frame_rate(tmp_path: Path) -> None:
    source = clip(tmp_path / "in.h264", EVEN)
    with read_video(source) as video:
        shots = list(video)
    assert len(shots) == len(EVEN)
    steps = np.diff([shot.seconds for shot in shots])
    assert np.allclose(steps, steps[0])
    assert video.notes == ["frames without timestamps were placed at the frame rate"]
    expected = pictures(clip(tmp_path / "in.mp4", EVEN))
    assert all(
        np.array_equal(shot.frame, frame) for shot, frame in zip(shots, expected, strict=True)
    )


def test_joined_recordings_go_on_with_their_sound(tmp_path: Path) -> None:
    parts = [clip(tmp_path / f"{name}.ts", EVEN, sound=True).read_bytes() for name in "ab"]
    source = tmp_path / "in.ts"
    source.write_bytes(b"".join(parts))
    with read_video(source) as video:
        shots = list(video)
        assert video.dropped == 0
        assert video.notes == ["its times jump, as where recordings were joined; they were moved"]
        with write_video(tmp_path / "out.mp4", like=video) as sink:
            for shot in shots:
                sink.write(shot)
    steps = np.diff([shot.seconds for shot in shots])
    assert len(shots) == 2 * len(EVEN)
    assert np.allclose(np.delete(steps, len(EVEN) - 1), 0.04, atol=0.001)
    assert steps[len(EVEN) - 1] == pytest.approx(0.28, abs=0.001)  # the sound went on so long
    with av.open(str(tmp_path / "out.mp4")) as made:
        sound = [packet.pts for packet in made.demux(audio=0) if packet.size]
        assert made.start_time < 100_000
        assert float(made.duration / 1e6) == pytest.approx(0.98 + 0.64, abs=0.3)
    assert len(sound) >= 60
    assert min(np.diff(sound)) > 0


def test_lost_parts_of_a_broadcast_are_told(tmp_path: Path) -> None:
    source = clip(tmp_path / "in.ts", LONG)
    content = source.read_bytes()
    middle = len(content) // 376 * 188
    source.write_bytes(content[:middle] + content[middle + 3 * 188 :])
    with pytest.raises(MediaError, match="is damaged at"):
        pictures(source)
    assert 90 < len(pictures(source, skip_damaged=True)) < len(LONG)


@pytest.mark.parametrize("rate", [25, Fraction(30000, 1001)])
def test_a_bare_stream_is_as_fast_as_its_own_timing_says(tmp_path: Path, rate: Any) -> None:
    source = tmp_path / "in.h264"
    with av.open(str(source), "w") as out:
        coded: Any = out.add_stream("libx264", rate=rate)
        coded.width, coded.height, coded.pix_fmt = 96, 64, "yuv420p"
        for index in range(10):
            out.mux(coded.encode(av.VideoFrame.from_ndarray(draw(index), "bgr24")))
        out.mux(coded.encode(None))
    for given, expected in ((None, rate), (50, 50)):
        with read_video(source, rate=given) as video:
            times = [shot.seconds for shot in video]
        assert np.allclose(np.diff(times), float(1 / Fraction(expected)), atol=1e-6)


def test_a_rate_for_what_has_times_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has times of its own"):
        read_video(clip(tmp_path / "in.mp4"), rate=30)


def test_a_trim_by_an_edit_list_is_no_damage(tmp_path: Path) -> None:
    source = clip(tmp_path / "in.mp4", LONG)
    content = bytearray(source.read_bytes())
    place = content.index(b"elst")  # size, elst, version, count, then duration, time, rate
    assert int.from_bytes(content[place + 8 : place + 12], "big") == 1
    shown = int.from_bytes(content[place + 12 : place + 16], "big") // 2
    content[place + 12 : place + 16] = shown.to_bytes(4, "big")
    source.write_bytes(content)
    with read_video(source) as video:
        assert len(list(video)) == len(LONG) // 2
        assert video.dropped == 0


def test_a_change_of_size_is_refused_and_each_part_is_taken(tmp_path: Path) -> None:
    source = stream(tmp_path / "in.ts", [(96, 64), (128, 96)], jump=1000)
    with pytest.raises(MediaError, match=r"changes its size from 96x64 to 128x96 at"):
        pictures(source)
    assert {frame.shape for frame in pictures(source, end=0.6)} == {(64, 96, 3)}
    later = pictures(source, start=0.7)
    assert {frame.shape for frame in later} == {(96, 128, 3)}
    assert len(later) == len(EVEN)


def cut(path: Path, share: float) -> Path:
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    return path


def spoilt(path: Path) -> Path:
    """Put noise into the pictures of an MP4."""
    content = bytearray(path.read_bytes())
    begin = content.index(b"mdat") + 1000
    content[begin : begin + 400] = np.random.default_rng(0).bytes(400)
    path.write_bytes(content)
    return path


def empty(path: Path) -> Path:
    path.touch()
    return path


def text(path: Path) -> Path:
    path.write_text("no video\n" * 300)
    return path


def sound(path: Path) -> Path:
    with av.open(str(path), "w") as out:
        stream = out.add_stream("aac", rate=48000)
        part = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        part.sample_rate = 48000
        out.mux(stream.encode(part))
        out.mux(stream.encode(None))
    return path


@pytest.mark.parametrize(
    ("name", "made", "said"),
    [
        ("in.mp4", lambda path: cut(clip(path, LONG), 0.5), "no video that FFmpeg can read"),
        ("in.mp4", lambda path: cut(clip(path, LONG), 0.6), "is damaged: it tells of no video"),
        ("in.mkv", lambda path: cut(clip(path, LONG), 0.6), "the file is truncated"),
        ("in.avi", lambda path: cut(clip(path, LONG), 0.3), "is damaged at"),
        ("in.mp4", lambda path: spoilt(clip(path, LONG)), "is damaged at"),
        ("in.mp4", empty, "is empty"),
        ("in.mp4", text, "no video that FFmpeg can read"),
        ("in.mp4", sound, "only sound"),
        ("in.ts", lambda path: stream(path, [(96, 64), (128, 96)], 1000), "changes its size"),
        ("in.mp4", lambda path: clip(path, EVEN, transfer=16), "is HDR"),
    ],
)
def test_what_cannot_be_read_leaves_no_file_and_no_thread(
    tmp_path: Path, name: str, made: Any, said: str
) -> None:
    source = made(tmp_path / name)
    before = threading.active_count()
    with (
        Sharpener(threads=1) as sharpener,
        pytest.raises(MediaError, match=said) as caught,
        read_video(source) as video,
        write_video(tmp_path / "new" / "out.mp4", like=video) as sink,
    ):
        Pipeline(video.shots(), sharpener, sink, interrupt=video.interrupt).run()
    assert "\n" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert threading.active_count() == before


@pytest.mark.parametrize(("true", "name"), [("mkv", "in.mp4"), ("mp4", "in.avi"), ("ts", "in")])
def test_a_wrong_ending_does_not_matter(tmp_path: Path, true: str, name: str) -> None:
    source = clip(tmp_path / f"true.{true}", EVEN)
    expected = pictures(source)
    source.rename(tmp_path / name)
    found = pictures(tmp_path / name)
    assert len(found) == len(EVEN)
    assert all(np.array_equal(a, b) for a, b in zip(found, expected, strict=True))


def test_frames_that_damage_swallows_are_told_by_their_gap(tmp_path: Path) -> None:
    source = clip(tmp_path / "in.mkv", (*range(0, 1000, 40), *range(3000, 4000, 40)))
    with read_video(source) as video:
        assert len(list(video)) == 50
        assert video.notes == ["there are no frames from 0.96 s to 3.00 s: pause or damage"]


@pytest.mark.parametrize(("codec", "size"), [("h264", (65, 97)), ("av1", (66, 98))])
def test_odd_sides_are_kept_or_made_even(tmp_path: Path, codec: str, size: tuple[int, int]) -> None:
    source = clip(tmp_path / "in.mp4", EVEN, size=(97, 65), pixels="yuv444p")
    with (
        read_video(source) as video,
        write_video(tmp_path / "out.mp4", like=video, crf=1, codec=codec) as sink,
    ):
        shots = list(video)
        for shot in shots:
            sink.write(shot)
    assert shots[0].frame.shape == (65, 97, 3)
    written = pictures(tmp_path / "out.mp4")
    assert {frame.shape for frame in written} == {(*size, 3)}
    assert np.abs(written[3][:65, :97].astype(int) - shots[3].frame).mean() < 3
    assert any(note.startswith("odd sides were made even") for note in sink.notes) == (
        codec == "av1"
    )


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_every_turn_of_a_phone_is_undone(tmp_path: Path, degrees: int) -> None:
    source = clip(tmp_path / "in.mp4", EVEN, rotation=degrees)
    with read_video(source) as video:
        first = next(iter(video)).frame
        assert video.notes == [f"frames turned upright by {degrees} degrees, the tag is cleared"]
    assert np.abs(first.astype(int) - np.rot90(draw(0), degrees // 90)).mean() < 4


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
@pytest.mark.parametrize("mirror", [(True, False), (False, True)])
def test_mirrored_pictures_are_mirrored_back(
    tmp_path: Path, degrees: int, mirror: tuple[bool, bool]
) -> None:
    source = tmp_path / "in.mp4"
    corner = draw(0)
    corner[:20, :20] = 250
    with av.open(str(source), "w") as out:
        coded: Any = out.add_stream("libx264", rate=25, options={"crf": "4"})
        coded.width, coded.height, coded.pix_fmt = 96, 64, "yuv420p"
        coded.set_display_rotation(degrees, *mirror)
        out.mux(coded.encode(av.VideoFrame.from_ndarray(corner, "bgr24")))
        out.mux(coded.encode(None))
    with read_video(source) as video:
        (first,) = [shot.frame for shot in video]
        assert "mirrored back" in video.notes[0]
    # FFmpeg's way to say it: the turn first, then the flip, in the axes of the screen.
    expected = np.rot90(corner, degrees // 90)
    expected = expected[:, ::-1] if mirror[0] else expected[::-1]
    assert np.abs(first.astype(int) - expected).mean() < 4


_JOINED_ON_A_FULL_DISK = """
import resource, sys
from fractions import Fraction
from pathlib import Path
import numpy as np
from ovsharp.media import Shot, write_video

noise = np.random.default_rng(0)
sink = write_video(Path(sys.argv[1]), segment=4)
try:
    with sink:
        for index in range(16):
            frame = noise.integers(0, 256, (64, 96, 3), dtype=np.uint8)
            sink.write(Shot(frame, index, Fraction(1, 25)))
        whole = sum(path.stat().st_size for path in sink.work.glob("segment-*"))
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(whole * float(sys.argv[2])), -1))
except Exception as error:
    print(type(error).__name__, error)
"""


@pytest.mark.parametrize("share", [0.05, 0.6, 0.98])
def test_a_disk_that_fills_at_the_end_leaves_no_output(tmp_path: Path, share: float) -> None:
    target = tmp_path / "out.mp4"
    command = [sys.executable, "-c", _JOINED_ON_A_FULL_DISK, str(target), str(share)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert "File too large" in done.stdout, done.stdout + done.stderr
    (left,) = tmp_path.iterdir()  # what is encoded waits for --resume
    assert left.name == ".ovsharp-out.mp4.work"
    assert not list(left.glob(".segment*"))


@pytest.fixture
def nobody() -> Iterator[Path]:
    """Give a folder of ours, and give up the rights of root, which stand above the folder's."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "locked").mkdir()
        clip(folder / "in.mp4", EVEN)
        for path, rights in ((folder, 0o755), (folder / "locked", 0o555)):
            path.chmod(rights)
        user = os.geteuid()
        if user == 0:
            os.seteuid(65534)
        try:
            yield folder
        finally:
            os.seteuid(user)


@pytest.mark.parametrize("where", ["file/out.mp4", "file/new/out.mp4", "/proc/out.mp4"])
def test_a_place_where_nothing_can_be_made_is_told_by_its_name(tmp_path: Path, where: str) -> None:
    if where.startswith("/proc") and not Path("/proc/self").is_dir():
        pytest.skip("there is no /proc")
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=r"No such file|Not a directory") as caught:
        write_video(tmp_path / where)
    assert caught.value.filename == str(tmp_path / where)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("full", ["write_text", "open"])
def test_a_disk_without_room_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, full: str
) -> None:
    def refuse(*_arguments: object, **_options: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with (
        pytest.raises(OSError, match="No space left") as caught,
        monkeypatch.context() as patch,
        ExitStack() as stack,
    ):
        if full == "write_text":
            patch.setattr(Path, "write_text", refuse)
        sink = stack.enter_context(write_video(tmp_path / "new" / "out.mp4"))
        patch.setattr(Path, "open", refuse)
        sink.write(Shot(draw(0), 0, Fraction(1, 25)))
    assert caught.value.filename == str(tmp_path / "new" / "out.mp4")
    assert not list(tmp_path.iterdir())


def test_a_folder_without_rights_is_told(nobody: Path) -> None:
    with (
        pytest.raises(PermissionError) as caught,
        read_video(nobody / "in.mp4") as video,
        write_video(nobody / "locked" / "out.mp4", like=video) as sink,
    ):
        sink.write(next(iter(video)))
    assert "locked" in str(caught.value)
    assert not list((nobody / "locked").iterdir())


def fed(pipe: Path, content: bytes, until: threading.Event | None = None) -> threading.Thread:
    """Write into a named pipe from a thread; keep it open until the event."""

    def feed() -> None:
        with pipe.open("wb", buffering=0) as file:
            file.write(content)
            if until is not None:
                until.wait(20)

    os.mkfifo(pipe)
    thread = threading.Thread(target=feed)
    thread.start()
    return thread


def test_a_pipe_gives_all_frames_once(tmp_path: Path) -> None:
    source = clip(tmp_path / "in.mkv")
    thread = fed(tmp_path / "pipe", source.read_bytes())
    with read_video(tmp_path / "pipe") as video:
        frames = [shot.frame for shot in video]
        with pytest.raises(MediaError, match="can be read once"):
            list(video)
    thread.join(5)
    expected = pictures(source)
    assert len(frames) == len(TIMES)
    assert all(np.array_equal(a, b) for a, b in zip(frames, expected, strict=True))


@pytest.mark.parametrize("ending", ["cancel", "stall", "sink"])
def test_a_source_that_stops_in_the_middle_leaves_no_thread(tmp_path: Path, ending: str) -> None:
    content = clip(tmp_path / "in.mkv", tuple(range(0, 8000, 40))).read_bytes()
    done, wrote = threading.Event(), threading.Event()
    feeder = fed(tmp_path / "pipe", content[: len(content) * 3 // 4], done)
    before = threading.active_count()

    class Sink:
        def write(self, shot: Shot) -> None:
            wrote.set()
            if ending == "sink":
                raise OSError(28, "No space left on device")

    stall = 0.5 if ending == "stall" else 60
    with read_video(tmp_path / "pipe", stall=stall) as video, Sharpener(threads=1) as sharpener:
        pipeline = Pipeline(video.shots(), sharpener, Sink(), interrupt=video.interrupt)
        pipeline.start()
        assert wrote.wait(20)
        if ending == "cancel":
            pipeline.cancel()
            pipeline.wait()
        else:
            with pytest.raises((MediaError, OSError), match=r"has stalled|No space"):
                pipeline.wait()
    done.set()
    feeder.join(5)
    assert threading.active_count() < before


def test_pipes_lose_their_sound_with_a_word(tmp_path: Path) -> None:
    thread = fed(tmp_path / "pipe", clip(tmp_path / "in.mkv", sound=True).read_bytes())
    with (
        read_video(tmp_path / "pipe") as video,
        write_video(tmp_path / "out.mkv", like=video) as sink,
    ):
        for shot in video:
            sink.write(shot)
    thread.join(5)
    assert sink.notes == ["a pipe is read once: its sound and metadata are left out"]


@pytest.fixture(scope="module", params=["mp4", "mkv", "ts", "open.mkv", "refresh.mp4"])
def four_seconds(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, list[Shot]]:
    """A video with a key frame each second, and all of its frames."""
    kind = request.param
    source = tmp_path_factory.mktemp("four") / f"in.{kind}"
    special = {
        "open.mkv": {"x264-params": "open-gop=1:keyint=24:bframes=3:scenecut=0"},
        "refresh.mp4": {"x264-params": "intra-refresh=1:keyint=24"},
    }
    options = {"g": "24", "bf": "2", "crf": "20", **special.get(kind, {})}
    noise = np.random.default_rng(0).integers(0, 60, (64, 96, 3), dtype=np.uint8)
    with av.open(str(source), "w") as out:
        coded: Any = out.add_stream("libx264", rate=25, options=options)
        coded.width, coded.height, coded.pix_fmt = 96, 64, "yuv420p"
        for index in range(100):
            picture = draw(index % 40) + np.roll(noise, index, 1)
            out.mux(coded.encode(av.VideoFrame.from_ndarray(picture, "bgr24")))
        out.mux(coded.encode(None))
    with read_video(source) as video:
        return source, list(video)


@pytest.mark.parametrize("start", [0.0, 0.3, 1.0, 2.41, 3.5])
def test_a_start_far_in_gives_the_same_frames(
    four_seconds: tuple[Path, list[Shot]], start: float
) -> None:
    source, whole = four_seconds
    first = whole[0].seconds
    expected = [shot for shot in whole if shot.seconds - first >= start - 1e-6]
    with read_video(source, start=start) as video:
        for _ in range(2):
            shots = list(video)
            assert [shot.pts for shot in shots] == [shot.pts for shot in expected]
            assert all(
                np.array_equal(a.frame, b.frame) for a, b in zip(shots, expected, strict=True)
            )
        rest = list(video.shots(7, after=shots[6].pts))
        assert [shot.pts for shot in rest] == [shot.pts for shot in expected[7:]]
        assert np.array_equal(rest[0].frame, expected[7].frame)


def test_a_start_far_in_decodes_little(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = clip(tmp_path / "in.mp4", tuple(range(0, 40_000, 40)))
    decoded = 0
    timed = type(read_video(source))._timed

    def counted(*arguments: Any) -> Iterator[Any]:
        nonlocal decoded
        for item in timed(*arguments):
            decoded += 1
            yield item

    monkeypatch.setattr("ovsharp.media.reader.VideoReader._timed", counted)
    with read_video(source, start=39.0) as video:
        assert len(list(video)) == 25
    assert decoded < 400  # of 1000: a key frame is due every 250


def test_every_keeps_its_rhythm_over_a_resume(tmp_path: Path) -> None:
    with read_video(clip(tmp_path / "in.mp4"), every=3) as video:
        whole = [shot.pts for shot in video]
        assert [shot.pts for shot in video.shots(2, after=whole[1])] == whole[2:]


def test_shots_of_one_tick_are_written(tmp_path: Path) -> None:
    with write_video(tmp_path / "out.mp4") as sink:
        sink.write(Shot(draw(0), 5, Fraction(1, 25)))
    with read_video(tmp_path / "out.mp4") as video:
        assert len(list(video)) == 1


@pytest.mark.parametrize("how", ["closed", "again"])
def test_frames_of_an_earlier_pass_are_refused(tmp_path: Path, how: str) -> None:
    video = read_video(clip(tmp_path / "in.mp4", tuple(range(0, 4000, 40))))
    shots = video.shots()
    next(shots)
    if how == "closed":
        video.close()
    else:
        next(video.shots())
    with pytest.raises(MediaError, match="was closed, or read from the beginning again"):
        list(shots)
    video.close()


def test_tags_that_are_no_utf8_are_read_as_latin(tmp_path: Path) -> None:
    source, target = tmp_path / "old.avi", tmp_path / "new.mkv"
    with av.open(str(source), "w", metadata_encoding="latin-1") as out:
        out.metadata["title"] = "Caf\u00e9"
        coded: Any = out.add_stream("mpeg4", rate=25)
        coded.width, coded.height, coded.pix_fmt = 96, 64, "yuv420p"
        for index in range(4):
            out.mux(coded.encode(av.VideoFrame.from_ndarray(draw(index), "bgr24")))
        out.mux(coded.encode(None))
    assert b"Caf\xe9" in source.read_bytes()
    with read_video(source) as video, write_video(target, like=video) as sink:
        for shot in video:
            sink.write(shot)
    with av.open(str(target)) as made:
        assert made.metadata["title"] == "Caf\u00e9"


def test_a_codec_that_nobody_knows(tmp_path: Path) -> None:
    source = tmp_path / "in.mkv"
    content = clip(source).read_bytes()
    assert content.count(b"V_MPEG4/ISO/AVC") == 1
    source.write_bytes(content.replace(b"V_MPEG4/ISO/AVC", b"V_MPEG4/XXX/XXX"))
    with pytest.raises(MediaError, match="coded in a way that FFmpeg does not know"):
        read_video(source)


def test_a_closed_video_says_so(tmp_path: Path) -> None:
    with read_video(clip(tmp_path / "in.mp4")) as video:
        assert list(video)
    with pytest.raises(MediaError, match="is closed; open it again with read_video"):
        next(iter(video))


def test_every_counts_from_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="every must be 1 or more, got 0"):
        read_video(clip(tmp_path / "in.mp4"), every=0)


def test_frames_over_the_limit_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = clip(tmp_path / "in.mp4")
    monkeypatch.setenv("OVSHARP_MAX_MEGAPIXELS", "0.001")
    with pytest.raises(MediaError, match=r"expected at most 0\.001 megapixels"):
        read_video(source)


def test_more_video_streams_are_told(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "two.mkv"), "w") as file:
        streams = [file.add_stream("ffv1", 25, width=64, height=48) for _ in range(2)]
        for stream in streams:
            frame = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), "bgr24")
            frame.pts = 0
            file.mux([*stream.encode(frame.reformat(format="yuv420p")), *stream.encode(None)])
    with read_video(tmp_path / "two.mkv") as video:
        assert len(list(video)) == 1
    assert "1 more video stream(s) left out" in video.notes
