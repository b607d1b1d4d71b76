"""`ovsharp image`: other sizes, other formats, standard input and output."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from ovsharp import Sharpener
from ovsharp.apps import Upscalers
from ovsharp.cli.image import image
from ovsharp.errors import MediaError, UsageError
from ovsharp.media import Size, read_picture
from tests.command import streamed
from tests.networks import write_frame_model
from tests.photos import crop

PHOTO = crop(100, 180, 60, 100)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_frame_model(tmp_path_factory.mktemp("model"), scale=2)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    cv2.imwrite(str(tmp_path / "photo.png"), PHOTO)
    return tmp_path / "photo.png"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(image, [str(argument) for argument in arguments])


def piped(*arguments: object, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """A process of its own, with real pipes."""
    command = [sys.executable, "-m", "ovsharp", *map(str, arguments)]
    return subprocess.run(command, input=given, capture_output=True, timeout=120)


@pytest.mark.parametrize(
    ("scale", "name"), [(0.5, "call"), (1, "call"), (1.5, "x2-quality"), (2, "x2-quality"),
                        (3, "x4"), (4, "x4"), (6, "x4")]
)  # fmt: skip
def test_the_nearest_model_that_reaches_the_size(scale: float, name: str) -> None:
    assert Upscalers().name(scale) == name


@pytest.mark.parametrize("scale", [0.7, 1.5, 2, 3])
def test_scale(photo: Path, model: Path, scale: float) -> None:
    out = photo.parent / "out.png"
    result = run(photo, "-o", out, "--model", model, "--scale", scale)
    assert result.exit_code == 0, result.output
    size = (round(100 * scale), round(60 * scale))
    with Sharpener(model) as sharpener:
        expected = Image.fromarray(sharpener(PHOTO)).resize(size, Image.Resampling.LANCZOS)
    np.testing.assert_array_equal(read_picture(out).pixels, np.asarray(expected))
    said = f"test, x2, then Lanczos to {size[0]}x{size[1]}"
    assert (said in result.stdout) == (scale != 2)


def test_shipped_models_enlarge(photo: Path) -> None:
    out = photo.parent / "out"
    result = run(photo, "-o", out, "--scale", "1.5", "--json", photo.parent / "report.json")
    assert result.exit_code == 0, result.output
    assert "x2-quality, x2, then Lanczos to 150x90" in result.stdout
    assert read_picture(out / "photo.png").pixels.shape == (90, 150, 3)
    images = json.loads((photo.parent / "report.json").read_text())["images"]
    assert images[0]["resampled"] == "x2, then Lanczos to 150x90"


@pytest.mark.parametrize(("size", "expected"), [("90p", (90, 150)), ("150x90", (90, 150)),
                                                ("50x50", (50, 50))])  # fmt: skip
def test_size(photo: Path, model: Path, size: str, expected: tuple[int, int]) -> None:
    result = run(photo, "-o", photo.parent / "out.png", "--model", model, "--size", size)
    assert result.exit_code == 0, result.output
    assert read_picture(photo.parent / "out.png").pixels.shape[:2] == expected
    assert ("proportions were changed" in result.stdout) == (size == "50x50")


@pytest.mark.parametrize("kind", ["deep", "grey", "alpha"])
def test_all_that_a_picture_has_is_resampled(tmp_path: Path, model: Path, kind: str) -> None:
    stored: Any = {
        "deep": PHOTO.astype(np.uint16) * 257,
        "grey": PHOTO[..., 0],
        "alpha": np.dstack([PHOTO, PHOTO[..., 1]]),
    }[kind]
    cv2.imwrite(str(tmp_path / "in.png"), stored)
    arguments = ["--model", model, "--scale", "1.5", "--strength", "0"]
    result = run(tmp_path / "in.png", "-o", tmp_path / "out.png", *arguments)
    assert result.exit_code == 0, result.output
    written = cv2.imread(str(tmp_path / "out.png"), cv2.IMREAD_UNCHANGED)
    expected = cv2.resize(stored, (150, 90), interpolation=cv2.INTER_CUBIC)
    assert written.dtype == stored.dtype
    assert written.shape == expected.shape
    assert np.abs(written.astype(int) - expected).mean() < 0.02 * np.iinfo(stored.dtype).max


def test_side_by_side_has_the_size_too(photo: Path, model: Path) -> None:
    arguments = ["--model", model, "--scale", "1.5", "--side-by-side"]
    assert run(photo, "-o", photo.parent / "out.png", *arguments).exit_code == 0
    assert read_picture(photo.parent / "out.png").pixels.shape == (90, 304, 3)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--size", "12", "--model", "x"], "cannot read --size 12"),
        (["--size", "0x12"], "cannot read --size 0x12"),
        (["--size", "90p", "--scale", "2"], "give one of them"),
    ],
)
def test_sizes_that_make_no_sense(photo: Path, arguments: list[str], said: str) -> None:
    result = run(photo, "-o", photo.parent / "out.png", *arguments)
    with pytest.raises(UsageError, match=said):
        assert result.exception is not None
        raise result.exception


def test_a_size_beyond_the_limit_is_refused_before_the_model_runs(photo: Path, model: Path) -> None:
    result = run(photo, "-o", photo.parent / "o.png", "--model", model, "--size", "20000x20000")
    with pytest.raises(MediaError, match="20000x20000 pixels would be too large"):
        assert result.exception is not None
        raise result.exception


def test_resume_knows_the_size(photo: Path, model: Path) -> None:
    arguments = [photo, "-o", photo.parent / "out", "--model", model, "--resume"]
    assert "1 of 1 images written" in run(*arguments).stdout
    assert "1 of 1 images written" in run(*arguments, "--scale", "1.5").stdout
    assert "finished before" in run(*arguments, "--scale", "1.5").stdout


def test_sizes_never_vanish() -> None:
    assert Size(scale=0.01).of(10, 1000) == (1, 10)


@pytest.mark.parametrize("kind", ["jpg", "webp", "tif", "avif"])
def test_another_format(photo: Path, model: Path, kind: str) -> None:
    out = photo.parent / "out"
    assert run(photo.parent, "-o", out, "--model", model, "--format", kind).exit_code == 0
    assert [path.name for path in out.glob("photo*")] == [f"photo.{kind}"]
    result = run(photo, "-o", photo.parent / "out.png", "--model", model, "--format", kind)
    assert isinstance(result.exception, UsageError)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP", "BMP"])
def test_from_standard_input_to_standard_output(model: Path, kind: str) -> None:
    given = io.BytesIO()
    Image.fromarray(PHOTO).save(given, kind)
    ran = streamed("image", "-", "-o", "-", "--model", model, given=given.getvalue())
    assert ran.returncode == 0, ran.stderr
    with Image.open(io.BytesIO(ran.stdout)) as written:
        assert (written.format, written.size) == (kind, (200, 120))
    assert b"standard input" in ran.stderr
    assert b"ovsharp-" not in ran.stderr  # the folder that it lay in


def test_from_a_file_to_standard_output_in_another_format(photo: Path, model: Path) -> None:
    ran = piped("image", photo, "-o", "-", "--model", model, "--format", "webp")
    with Image.open(io.BytesIO(ran.stdout)) as written:
        assert written.format == "WEBP"
    assert not list(Path().glob("-"))


def test_from_standard_input_to_a_file(photo: Path, model: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jpg"
    ran = piped("image", "-", "-o", out, "--model", model, given=photo.read_bytes())
    assert ran.returncode == 0, ran.stderr
    assert read_picture(out).pixels.shape == (120, 200, 3)


@pytest.mark.parametrize(("given", "said"), [(b"", b"the file is empty"), (b"text", b"no image")])
def test_a_stream_without_an_image(model: Path, given: bytes, said: bytes) -> None:
    ran = streamed("image", "-", "-o", "-", "--model", model, given=given)
    assert ran.returncode == 1
    assert ran.stdout == b""
    assert ran.stderr.startswith(b"ovsharp: standard input is no image")
    assert said in ran.stderr


def test_a_stream_stands_for_one_image(photo: Path) -> None:
    for arguments in (["-", photo, "-o", "out"], [photo.parent, "-o", "-"]):
        result = run(*arguments)
        assert isinstance(result.exception, UsageError)
        assert "stands for one image" in str(result.exception)
