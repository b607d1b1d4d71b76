"""`ovsharp video frames/%06d.png`: folders of numbered frames, in and out."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from ovsharp.cli.video import video
from ovsharp.errors import MediaError, UsageError
from ovsharp.media import Numbered, NumberedWriter, read_frame, read_video
from tests.media.clips import clip, draw

pytest.importorskip("av")


def run(*arguments: object) -> Result:
    return CliRunner().invoke(video, [str(argument) for argument in arguments])


def frames(folder: Path, name: str = "%04d.png", numbers: range = range(998, 1003)) -> Path:
    folder.mkdir(parents=True)
    quality = [cv2.IMWRITE_JPEG_QUALITY, 100] * name.endswith("jpg")
    for number in numbers:
        path = Numbered(folder / name).named(number)
        cv2.imwrite(str(path), draw(number - numbers[0]), quality)
    return folder / name


@pytest.mark.parametrize("ending", ["png", "jpg", "tif", "bmp"])
def test_frames_become_frames_of_the_same_numbers(tmp_path: Path, ending: str) -> None:
    source = frames(tmp_path / "100%", f"take_%d.{ending}")
    result = run(source, "-o", tmp_path / "out" / "%06d.png", "--strength", 0)
    assert result.exit_code == 0, result.output
    made = sorted((tmp_path / "out").iterdir())
    assert [path.name for path in made] == [f"{number:06}.png" for number in range(998, 1003)]
    for index, path in enumerate(made):
        error = np.abs(read_frame(path).astype(int) - draw(index)).mean()
        assert error < 1 if ending == "jpg" else error == 0
    assert "numbered frames hold pictures only" in result.output
    assert "25 FPS; --input-fps says another" in result.output


@pytest.mark.parametrize("orientation", range(1, 9))
def test_frames_are_turned_upright(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x112] = orientation
    Image.fromarray(draw(3)).save(tmp_path / "1.jpg", exif=exif)
    with read_video(tmp_path / "%d.jpg") as made:
        (shot,) = made
    expected = read_frame(tmp_path / "1.jpg")
    assert shot.frame.shape == expected.shape
    assert np.abs(shot.frame.astype(int) - expected).mean() < 2


def test_frames_become_a_video_at_the_rate_that_is_told(tmp_path: Path) -> None:
    source = frames(tmp_path / "in")
    result = run(source, "-o", tmp_path, "--input-fps", 23.976, "--crf", 4)
    assert result.exit_code == 0, result.output
    with read_video(tmp_path / "in.mp4") as made:
        shots = list(made)
        assert made.rate == Fraction(24000, 1001)
    times = [index * 1001 / 24000 for index in range(5)]
    assert [shot.seconds for shot in shots] == pytest.approx(times, abs=1e-4)
    assert np.abs(shots[4].frame.astype(int) - draw(4)).mean() < 3


def test_a_video_becomes_frames(tmp_path: Path) -> None:
    source = clip(tmp_path / "in.mkv", (0, 40, 80, 200))
    out = tmp_path / "out" / "%03d.png"
    result = run(source, "-o", out, "--strength", 0, "--start", 0.04, "--size", "192x128")
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in out.parent.iterdir()) == ["001.png", "002.png", "003.png"]
    assert read_frame(out.with_name("003.png")).shape == (128, 192, 3)


def test_a_job_goes_on_where_it_stopped(tmp_path: Path) -> None:
    target = Numbered(tmp_path / "out" / "%03d.png")
    with read_video(frames(tmp_path / "in", numbers=range(1, 8))) as source:
        shots = list(source)

        def sink(**options: bool) -> NumberedWriter:
            return NumberedWriter(target, source, job="one", segment=2, **options)

        with pytest.raises(RuntimeError), sink() as begun:
            for shot in shots[:3]:
                begun.write(shot)
            raise RuntimeError
        assert begun.done == 2
        with pytest.raises(UsageError, match=r"001\.png exists; go on with --resume"):
            sink()
        with sink(resume=True) as rest:
            for shot in shots[rest.done :]:
                rest.write(shot)
        assert rest.done == 2
    assert list(target.there()) == list(range(1, 8))
    for number, path in target.files.items():
        np.testing.assert_array_equal(read_frame(path), draw(number - 1))
    assert not rest.work.exists()


def test_frames_of_a_longer_video_do_not_stay(tmp_path: Path) -> None:
    source, old = frames(tmp_path / "in", numbers=range(3)), frames(tmp_path / "out")
    with pytest.raises(UsageError, match=r"0998\.png exists; choose another -o"):
        raise run(source, "-o", old).exception or AssertionError
    assert run(source, "-o", old, "--overwrite").exit_code == 0
    assert list(Numbered(old).there()) == [0, 1, 2]


def test_wrong_use_is_told(tmp_path: Path) -> None:
    source = frames(tmp_path / "in")
    (tmp_path / "in" / "1000.png").rename(tmp_path / "in" / "x.png")
    for arguments, error, message in (
        ((source, "-o", tmp_path / "o.mp4"), MediaError, r"1000\.png is missing"),
        ((tmp_path / "in" / "%d.jpg", "-o", tmp_path), MediaError, "there are no frames"),
        ((tmp_path / "in" / "%d_%d.png", "-o", tmp_path), UsageError, "has 2 numbers"),
        ((source, "-o", tmp_path / "%d.exr"), UsageError, r"cannot be \.exr"),
        ((tmp_path / "in", "-o", tmp_path), MediaError, r"give .*in/%04d\.png|give .*in/%d\.png"),
    ):
        result = run(*arguments)
        assert isinstance(result.exception, error), result.exception
        with pytest.raises(error, match=message):
            raise result.exception
    whole = frames(tmp_path / "whole")
    for arguments, message in (
        ((whole, "-o", whole, "--overwrite"), "is the input itself"),
        ((whole, "-o", whole.with_name("%d.png"), "--overwrite"), "exists|is the input itself"),
        ((whole, "-o", tmp_path / "%d.png", "--codec", "h264"), "--codec is for videos"),
    ):
        with pytest.raises(UsageError, match=message):
            raise run(*arguments).exception or AssertionError
    assert len(Numbered(whole).there()) == 5
