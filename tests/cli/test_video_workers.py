"""`ovsharp video --workers`: the same bytes as in one process."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from ovsharp.apps import Choice, VideoJob, origin_of, parts_of, sharpen_part
from ovsharp.cli.video import video
from ovsharp.degrade import parse
from ovsharp.errors import MediaError, MissingExtraError, UsageError
from ovsharp.media import SEGMENT, frame_times, read_video, write_video
from ovsharp.runtime import origin
from tests.media.clips import TIMES, clip, hum
from tests.networks import write_frame_model
from tests.photos import crop

pytest.importorskip("av")

FRAMES = 2 * SEGMENT + 60
CHANGE = SEGMENT + 100
"""Frame from which nothing is wrong any more."""


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two segments and a quarter of a photo that moves: blocky, then clean; with B-frames."""
    import av

    path = tmp_path_factory.mktemp("long") / "in.mp4"
    photo = crop(100, 150, 96, 150)
    blocky = parse("jpeg(quality=15)")
    with av.open(str(path), "w") as out:
        stream: Any = out.add_stream("libx264", rate=30, options={"crf": "6", "g": "100"})
        stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, 90)
        sound: Any = out.add_stream("aac", rate=48000)
        for index in range(FRAMES):
            picture = np.ascontiguousarray(photo[:, index // 30 % 20 : index // 30 % 20 + 128])
            picture = blocky(picture, seed=index) if index < CHANGE else picture
            frame = av.VideoFrame.from_ndarray(picture, "bgr24")
            frame.pts, frame.time_base = 3 * index + index % 2, Fraction(1, 90)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
        hum(out, sound, 200)
    return path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(video, [str(argument) for argument in arguments])


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def fast(long: Path) -> Path:
    """What one process makes of it."""
    path = long.with_name("fast.mp4")
    assert run(long, "-o", path, "--model", "call-fast").exit_code == 0
    return path


@pytest.fixture(scope="module")
def steady(long: Path) -> Path:
    path = long.with_name("steady.mp4")
    assert run(long, "-o", path, "--model", "call-fast", "--steady").exit_code == 0
    return path


@pytest.mark.parametrize(
    "options",
    [
        [],
        [
            *("--steady", "--start", "0.5", "--keep-every", "2", "--side-by-side"),
            *("--codec", "vp9", "--strength", "0.5"),
        ],
    ],
    ids=["plain", "otherwise"],
)
def test_the_output_is_that_of_one_process(long: Path, tmp_path: Path, options: list[str]) -> None:
    one, many = tmp_path / "one.mp4", tmp_path / "many.mp4"
    figures = tmp_path / "report.json"
    plain = run(long, "-o", one, *options)
    split = run(long, "-o", many, "--workers", 2, "--json", figures, *options)
    assert plain.exit_code == split.exit_code == 0, split.output
    assert digest(one) == digest(many)
    (report,) = json.loads(figures.read_text())
    assert report["workers"] == "2 processes"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["many.mp4", "one.mp4", figures.name]
    notes = [
        [line for line in run.stdout.splitlines() if "note:" in line] for run in (plain, split)
    ]
    assert [note for note in notes[0] if "->" not in note] == [
        note for note in notes[1] if "->" not in note
    ]
    by_model, other = (run.stdout.splitlines()[0] for run in (plain, split))
    assert by_model == other
    if options:
        assert by_model.startswith(f"{long}: frames by model: call-")
    if not options:
        assert by_model.startswith(f"{long}: frames by model: ")
        assert "untouched " in by_model
        assert "call-" in by_model
        assert sum("->" in one for one in notes[1]) == sum("->" in one for one in notes[0]) > 0


def job(source: Path, target: Path, **changes: Any) -> VideoJob:
    choice = Choice("call-fast")
    values = {
        "source": source,
        "target": target,
        "choice": choice,
        "reading": {},
        "writing": {"codec": None, "audio": "keep"},
        "steady": True,
        "side_by_side": False,
        "origin": origin_of(choice),
    }
    return VideoJob(**{**values, **changes})


def test_segments_may_be_made_in_any_order(long: Path, steady: Path, tmp_path: Path) -> None:
    target = tmp_path / "many.mp4"
    with read_video(long) as reader, write_video(target, like=reader) as sink:
        times = frame_times(reader)
        assert len(times) == FRAMES
        for part in parts_of(job(long, target), times, [2, 0, 1]):
            sink.add(part.index, sharpen_part(part).content)
        assert sink.missing(3) == []
    assert digest(target) == digest(steady)


def test_an_index_tells_the_frames_that_decoding_gives(tmp_path: Path) -> None:
    source = clip(tmp_path / "in.mkv", sound=True)
    for options in ({}, {"start": 0.2}, {"end": 0.5, "every": 2}, {"start": 0.1, "every": 3}):
        with read_video(source, **options) as reader:  # type: ignore[arg-type]
            assert frame_times(reader) == [shot.pts for shot in reader]
    with read_video(source) as reader:
        assert len(frame_times(reader)) == len(TIMES)


def test_frames_other_than_planned_are_told(long: Path, tmp_path: Path) -> None:
    with read_video(long) as reader:
        times = frame_times(reader)
    for changed in (times[:5] + times[6:], times[:-1], [*times, times[-1] + 100]):
        with pytest.raises(MediaError, match="other frames than its index tells"):
            for part in parts_of(job(long, tmp_path / "out.mp4"), changed, [0, 2]):
                sharpen_part(part)


def test_a_machine_that_makes_other_pixels_refuses(
    long: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with read_video(long) as reader:
        (part,) = parts_of(job(long, tmp_path / "out.mp4"), frame_times(reader), [2])
    monkeypatch.setattr("ovsharp.runtime.same.used_isa", lambda: "another")
    origin.cache_clear()
    try:
        with pytest.raises(UsageError, match=r"would make other pixels .* it has another, "):
            sharpen_part(part)
    finally:
        origin.cache_clear()


def test_a_machine_that_does_not_see_the_input_says_so(tmp_path: Path) -> None:
    (part,) = parts_of(job(tmp_path / "in.mp4", tmp_path / "out.mp4"), [0], [0])
    with pytest.raises(MediaError, match=r"does not see .*in\.mp4: put it where all"):
        sharpen_part(part)


def started(long: Path, target: Path, *options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "ovsharp", "video", str(long), "-o", str(target)]
    return subprocess.Popen(
        [*command, "--model", "call-fast", "--workers", "1", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


def children(pid: int) -> list[int]:
    path = Path(f"/proc/{pid}/task/{pid}/children")
    pids = [int(one) for one in path.read_text().split()] if path.exists() else []
    return [one for one in pids if b"spawn_main" in Path(f"/proc/{one}/cmdline").read_bytes()]


def when(true: Callable[[], object]) -> Any:
    for _ in range(3000):
        if found := true():
            return found
        time.sleep(0.01)
    raise AssertionError("that never happened")


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="needs Linux's /proc")
def test_a_killed_worker_changes_nothing(long: Path, fast: Path, tmp_path: Path) -> None:
    process = started(long, tmp_path / "many.mp4")
    work = tmp_path / ".ovsharp-many.mp4.work"
    when(lambda: list(work.glob("segment-*")))  # the first one is done
    for pid in children(process.pid):
        os.kill(pid, signal.SIGKILL)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert digest(tmp_path / "many.mp4") == digest(fast)
    assert not work.exists()


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="needs Linux's /proc")
def test_an_interrupted_job_is_continued_by_one_process_and_by_many(
    long: Path, fast: Path, tmp_path: Path
) -> None:
    process = started(long, tmp_path / "many.mp4")
    work = tmp_path / ".ovsharp-many.mp4.work"
    when(lambda: list(work.glob("segment-*")))
    workers = children(process.pid)
    os.kill(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "are kept; continue with --resume" in err
    assert "Traceback" not in err
    assert not any(Path(f"/proc/{pid}").exists() for pid in workers)
    assert not (tmp_path / "many.mp4").exists()
    for more in (["--workers", "2"], []):
        for path in work.parent.glob("*.work"):
            shutil.copytree(path, tmp_path / "copy", dirs_exist_ok=True)
        told = run(long, "-o", tmp_path / "many.mp4", "--model", "call-fast", "--resume", *more)
        assert told.exit_code == 0, told.output
        assert digest(tmp_path / "many.mp4") == digest(fast)
        (tmp_path / "many.mp4").unlink()
        shutil.copytree(tmp_path / "copy", work)


def test_segments_behind_a_gap_are_kept(long: Path, steady: Path, tmp_path: Path) -> None:
    """Where workers were interrupted, the first segment may be missing."""
    options = ("--model", "call-fast", "--steady", "--resume")
    shutil.copy(steady, tmp_path / "one.mp4")
    work, kept = tmp_path / ".ovsharp-one.mp4.work", {}
    with read_video(long) as reader:
        for part in parts_of(job(long, tmp_path / "x.mp4"), frame_times(reader), [1]):
            kept[part.index] = sharpen_part(part).content
    process = started(long, tmp_path / "one.mp4", "--steady", "--overwrite")
    when(lambda: list(work.glob("segment-*")))
    os.kill(process.pid, signal.SIGINT)
    process.communicate(timeout=60)
    for path in work.glob("segment-*"):
        path.unlink()
    (work / "segment-000001").write_bytes(kept[1])
    told = run(long, "-o", tmp_path / "one.mp4", *options, "--overwrite")
    assert told.exit_code == 0, told.output
    assert digest(tmp_path / "one.mp4") == digest(steady)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--target-fps", "30"], "cannot be split with --target-fps"),
        (["--skip-damaged"], "cannot be split with --skip-damaged"),
        (["--input-fps", "25"], "cannot be split with --input-fps"),
        (["--cluster", "auto"], "--workers splits work on this machine"),
    ],
)
def test_what_cannot_be_split_is_refused(tmp_path: Path, options: list[str], message: str) -> None:
    source = clip(tmp_path / "in.mp4")
    result = run(source, "-o", tmp_path / "out.mp4", "--workers", "2", *options)
    assert isinstance(result.exception, UsageError)
    assert message in str(result.exception)
    assert not (tmp_path / "out.mp4").exists()


def test_pipes_urls_and_files_without_an_index_are_refused(tmp_path: Path) -> None:
    source = clip(tmp_path / "in.mp4")
    refused = run("https://x.org/in.mp4?key=1", "-o", tmp_path / "out.mp4", "--workers", "2")
    assert "is a URL: download it" in str(refused.exception)
    refused = run(source, "-o", "-", "--workers", "2")
    assert "cannot be split with -o -" in str(refused.exception)
    avi = clip(tmp_path / "in.avi", tuple(range(0, 400, 40)))
    refused = run(avi, "-o", tmp_path / "out.mp4", "--workers", "2")
    assert isinstance(refused.exception, UsageError)
    assert "has no index (avi)" in str(refused.exception)
    os.mkfifo(tmp_path / "pipe.mp4")
    writer = threading.Thread(
        target=lambda: (tmp_path / "pipe.mp4").write_bytes(clip(tmp_path / "x.mkv").read_bytes())
    )
    writer.start()
    refused = run(tmp_path / "pipe.mp4", "-o", tmp_path / "out.mp4", "--workers", "2")
    writer.join(30)
    assert "read once cannot be split" in str(refused.exception)
    assert not list(tmp_path.glob("*out*"))


def test_without_ray_the_line_that_installs_it_is_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ovsharp.extras.find_spec", lambda name: None if name == "ray" else name)
    result = run(clip(tmp_path / "in.mp4"), "-o", tmp_path / "out.mp4", "--cluster", "auto")
    assert isinstance(result.exception, MissingExtraError)
    assert 'pip install "ovsharp[cluster]"' in str(result.exception)


def test_an_enlarging_model_and_a_final_size(tmp_path: Path) -> None:
    source, model = clip(tmp_path / "in.mp4"), write_frame_model(tmp_path / "model", scale=2)
    for name, more in (("one", []), ("many", ["--workers", "1"])):
        options = ["--model", str(model), "--size", "150x100", *more]
        assert run(source, "-o", tmp_path / f"{name}.mp4", *options).exit_code == 0
    assert digest(tmp_path / "one.mp4") == digest(tmp_path / "many.mp4")
