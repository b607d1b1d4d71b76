"""`ovsharp image`: from files, folders and globs to files."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result

from ovsharp import Sharpener
from ovsharp.cli.image import image
from ovsharp.engine import Frame
from ovsharp.errors import DeviceError, MediaError, UsageError
from ovsharp.media import read_frame, read_picture
from ovsharp.media.finished import RECORD
from ovsharp.runtime import Router
from tests.interrupt import interrupted
from tests.networks import write_frame_model
from tests.photos import crop

PHOTO = crop(100, 180, 61, 103)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_frame_model(tmp_path_factory.mktemp("model"), unshuffle=2)


@pytest.fixture(scope="module")
def model_x2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_frame_model(tmp_path_factory.mktemp("model"), scale=2)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Colour, grey, alpha and 16 bits, one of them in a sub-folder."""
    folder = tmp_path / "photos"
    (folder / "sub").mkdir(parents=True)
    cv2.imwrite(str(folder / "colour.png"), PHOTO)
    cv2.imwrite(str(folder / "grey.png"), PHOTO[..., 0])
    cv2.imwrite(str(folder / "deep.png"), PHOTO.astype(np.uint16) * 257)
    cv2.imwrite(str(folder / "sub" / "alpha.png"), np.dstack([PHOTO, PHOTO[..., 1]]))
    return folder


def run(*arguments: object) -> Result:
    return CliRunner().invoke(image, [str(argument) for argument in arguments])


def raise_it(result: Result) -> None:
    """Raise what `ovsharp.cli.main.run` would turn into a sentence and an exit code."""
    assert result.exception is not None, result.output
    raise result.exception


def files(folder: Path) -> set[str]:
    return {
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and path.name != RECORD
    }


def test_a_folder_keeps_its_structure_and_its_kinds(folder: Path, model: Path) -> None:
    out = folder.parent / "out"
    result = run(folder, "-o", out, "--model", model)
    assert result.exit_code == 0, result.output
    assert files(out) == files(folder)
    kinds = {
        name: (picture.grey, picture.depth, picture.alpha is not None)
        for name in files(out)
        for picture in [read_picture(out / name)]
    }
    assert kinds == {
        "colour.png": (False, 8, False),
        "grey.png": (True, 8, False),
        "deep.png": (False, 16, False),
        str(Path("sub", "alpha.png")): (False, 8, True),
    }
    assert "test on CPU" in result.stdout
    assert "storage fp32, execution" in result.stdout
    assert "4 of 4 images" in result.stdout


def test_the_output_is_the_sharpeners(folder: Path, model: Path, tmp_path: Path) -> None:
    arguments = ("--model", model, "--precision", "f32", "--strength", "0.5", "--tile", "32")
    assert run(folder / "colour.png", "-o", tmp_path / "out.png", *arguments).exit_code == 0
    with Sharpener(model, precision="f32", strength=0.5, tile=32) as sharpener:
        np.testing.assert_array_equal(read_frame(tmp_path / "out.png"), sharpener(PHOTO))


def test_enlarged_pictures(folder: Path, model_x2: Path, tmp_path: Path) -> None:
    assert run(folder, "-o", tmp_path / "out", "--model", model_x2).exit_code == 0
    for name in files(folder):
        small, large = read_picture(folder / name), read_picture(tmp_path / "out" / name)
        assert large.frame.shape[:2] == (122, 206)
        assert (large.grey, large.depth) == (small.grey, small.depth)
        assert (large.alpha is None) == (small.alpha is None)


@pytest.mark.parametrize("scale", [1, 2])
def test_side_by_side(
    folder: Path, model: Path, model_x2: Path, tmp_path: Path, scale: int
) -> None:
    chosen = model if scale == 1 else model_x2
    assert run(folder, "-o", tmp_path / "out", "--model", chosen, "--side-by-side").exit_code == 0
    for name in files(folder):
        picture = read_picture(tmp_path / "out" / name)
        assert picture.pixels.shape == (61 * scale, 206 * scale + 4, 3)
        assert picture.alpha is None


def test_what_fails_is_listed_and_the_rest_is_done(folder: Path, model: Path) -> None:
    (folder / "broken.png").write_bytes((folder / "colour.png").read_bytes()[:2000])
    (folder / "empty.jpg").touch()
    out = folder.parent / "out"
    result = run(folder, "nothing.png", "-o", out, "--model", model)
    assert files(out) == files(folder) - {"broken.png", "empty.jpg"}
    assert "4 of 7 images" in result.stdout
    with pytest.raises(MediaError, match="3 of 7 inputs failed") as caught:
        raise_it(result)
    lines = sorted(line.strip() for line in str(caught.value).splitlines()[1:])
    assert len(lines) == 3
    assert lines[0].startswith(f"{folder / 'broken.png'} is")
    assert lines[1].startswith(f"{folder / 'empty.jpg'} is no image")
    assert lines[2] == "there is no file or folder nothing.png"


def test_a_format_that_cannot_hold_alpha(folder: Path, model: Path, tmp_path: Path) -> None:
    source, target = folder / "sub" / "alpha.png", tmp_path / "alpha.jpg"
    result = run(source, "-o", target, "--model", model)
    with pytest.raises(MediaError, match=r"alpha\.png: alpha\.jpg: JPEG cannot hold alpha"):
        raise_it(result)
    assert not target.exists()
    assert run(source, "-o", target, "--model", model, "--reduce").exit_code == 0
    assert target.exists()


def test_globs_and_existing_outputs(folder: Path, model: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "grey.png").write_text("old")
    arguments = (f"{folder}/gr*.png", "-o", tmp_path / "out", "--model", model)
    with pytest.raises(UsageError, match=r"grey\.png exists; .* with --overwrite"):
        raise_it(run(*arguments))
    assert (tmp_path / "out" / "grey.png").read_text() == "old"
    assert run(*arguments, "--overwrite").exit_code == 0
    assert files(tmp_path / "out") == {"grey.png"}
    assert read_picture(tmp_path / "out" / "grey.png").grey


def test_outputs_below_the_input_are_no_inputs(folder: Path, model: Path) -> None:
    for again in ((), ("--overwrite",)):
        assert run(folder, "-o", folder / "out", "--model", model, *again).exit_code == 0
    assert len(files(folder / "out")) == 4


@pytest.mark.parametrize("output", [".", "colour.png"])
def test_an_input_is_replaced_only_on_demand(folder: Path, model: Path, output: str) -> None:
    source, before = folder / "colour.png", (folder / "colour.png").read_bytes()
    with pytest.raises(UsageError, match="allow it with --in-place"):
        raise_it(run(source, "-o", folder / output, "--model", model))
    assert source.read_bytes() == before
    assert run(source, "-o", folder / output, "--model", model, "--in-place").exit_code == 0
    assert source.read_bytes() != before


def test_one_file_for_many_images_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="4 images cannot all become"):
        raise_it(run(folder, "-o", tmp_path / "out.png"))


def test_two_images_of_one_name_are_refused(folder: Path, tmp_path: Path) -> None:
    (folder / "sub" / "colour.png").write_bytes((folder / "colour.png").read_bytes())
    with pytest.raises(UsageError, match="would both become"):
        raise_it(run(f"{folder}/**/colour.png", "-o", tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_nothing_to_do_needs_no_model(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(MediaError, match=r"1 of 1 inputs failed\n  the folder .* holds no images"):
        raise_it(run(tmp_path / "empty", "-o", tmp_path / "out", "--model", "nothing.xml"))


def test_an_unknown_device_ends_the_run(folder: Path, model: Path, tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match="TPU"):
        raise_it(run(folder, "-o", tmp_path / "out", "--model", model, "--device", "TPU"))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("arguments", [[], ["photo.png"], ["-o", "out"]])
def test_missing_arguments_are_a_wrong_use(arguments: list[str]) -> None:
    assert run(*arguments).exit_code == 2


@pytest.mark.skipif(sys.platform == "win32", reason="SIGINT reaches a child differently there")
def test_ctrl_c_leaves_nothing_half_written(folder: Path, model: Path, tmp_path: Path) -> None:
    cv2.imwrite(str(folder / "large.bmp"), np.zeros((5000, 5000, 3), np.uint8))
    out = tmp_path / "out"
    code, errors = interrupted(
        ["image", folder, "-o", out, "--model", model],
        (out / "grey.png").exists,  # `large.bmp` is next, and takes seconds
    )
    assert (code, errors) == (130, "ovsharp: interrupted")
    assert {"colour.png", "deep.png", "grey.png"} == files(out)
    assert {path.name for path in out.iterdir()} - {RECORD} == files(out)


@pytest.mark.skipif(sys.platform == "win32", reason="needs setrlimit")
def test_a_full_disk_leaves_nothing_half_written(folder: Path, model: Path, tmp_path: Path) -> None:
    cv2.imwrite(str(folder / "large.bmp"), np.zeros((300, 300, 3), np.uint8))
    # A limit on file sizes fails in the middle of a write, as a full disk does.
    script = (
        "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000));"
        "from ovsharp.cli.main import run; run()"
    )
    arguments = ["image", folder, "-o", tmp_path / "out", "--model", model]
    result = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, timeout=60
    )
    assert result.returncode == 1, result.stderr
    assert "1 of 5 inputs failed" in result.stderr
    assert "large.bmp: File too large" in result.stderr
    assert "Traceback" not in result.stderr
    out = tmp_path / "out"
    assert files(out) == files(folder) - {"large.bmp"}
    assert {path.name for path in out.iterdir()} == {
        "colour.png", "deep.png", "grey.png", "sub", RECORD
    }  # fmt: skip


def test_resume_leaves_out_what_is_complete(folder: Path, model: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert run(folder, "-o", out, "--model", model).exit_code == 0
    (out / "grey.png").write_bytes((out / "grey.png").read_bytes()[:100])  # half-written
    (out / "deep.png").unlink()
    kept = {name: (out / name).stat().st_mtime_ns for name in ("colour.png", "sub/alpha.png")}
    result = run(folder, "-o", out, "--model", model, "--resume")
    assert result.exit_code == 0
    assert "2 of 4 images were finished before" in result.stdout
    assert "2 of 4 images written" in result.stdout
    assert {name: (out / name).stat().st_mtime_ns for name in kept} == kept
    assert read_picture(out / "grey.png").grey
    result = run(folder, "-o", out, "--model", model, "--resume")
    assert "4 of 4 images were finished before" in result.stdout
    result = run(folder, "-o", out, "--model", model, "--resume", "--strength", "0.5")
    assert "4 of 4 images written" in result.stdout


def test_resume_needs_a_folder(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--resume is for a folder"):
        raise_it(run(folder / "grey.png", "-o", tmp_path / "out.png", "--resume"))


@pytest.mark.parametrize("ending", [".gif", ".GIF", ".jp2", ".mp4", ".pdf", ".jxl"])
def test_an_ending_that_cannot_be_written_is_no_folder(
    folder: Path, tmp_path: Path, ending: str
) -> None:
    with pytest.raises(UsageError, match=f"does not write {ending} files"):
        raise_it(run(folder / "grey.png", "-o", tmp_path / f"x{ending}"))
    assert not (tmp_path / f"x{ending}").exists()


def test_a_folder_may_have_a_dot_in_its_name(folder: Path, model: Path, tmp_path: Path) -> None:
    assert run(folder / "grey.png", "-o", tmp_path / "out.v2", "--model", model).exit_code == 0
    assert files(tmp_path / "out.v2") == {"grey.png"}


def test_quality(folder: Path, model: Path, tmp_path: Path) -> None:
    source = folder / "colour.png"
    for quality in (10, 90):
        out = tmp_path / f"{quality}.jpg"
        assert run(source, "-o", out, "--model", model, "--encoder-quality", quality).exit_code == 0
    assert (tmp_path / "10.jpg").stat().st_size < (tmp_path / "90.jpg").stat().st_size
    with pytest.raises(UsageError, match="no output here is one"):
        raise_it(run(source, "-o", tmp_path / "out.png", "--encoder-quality", 90))


def test_notes_say_what_was_converted(folder: Path, model: Path, tmp_path: Path) -> None:
    from PIL import Image

    Image.fromarray(PHOTO).convert("CMYK").save(folder / "print.jpg")
    result = run(folder, "-o", tmp_path / "out", "--model", model)
    assert result.exit_code == 0
    assert "note: CMYK was converted to sRGB without a profile: print.jpg" in result.stdout


def test_each_image_says_what_was_done_to_it(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gains(router: Router, crops: Frame) -> dict[str, float]:
        """Grey pictures are noisy, the others are fine."""
        grey = np.array_equal(crops[..., 0], crops[..., 1])
        told = dict.fromkeys(router.spec.models, -0.5)
        return told | {"call-noise": 2.0} if grey else told

    monkeypatch.setattr(Router, "gains_on", gains)
    (folder / "cut.png").write_bytes((folder / "grey.png").read_bytes()[:500])
    out, report = tmp_path / "out", tmp_path / "report.json"
    result = run(folder, "nothing.png", "-o", out, "--json", report)
    assert f"{folder / 'grey.png'}: call-noise (expected +2.0 dB)\n" in result.stdout
    assert f"{folder / 'colour.png'}: untouched (no model is expected to gain" in result.stdout
    assert "chosen by what is wrong with each image: untouched 3, call-noise 1" in result.stdout
    told = json.loads(report.read_text())
    made = {Path(one["input"]).name: one for one in told["images"]}
    assert made["grey.png"]["made_by"] == "call-noise"
    assert made["grey.png"]["sharpened"]
    assert made["grey.png"]["gains"]["call-noise"] == 2.0
    assert (made["grey.png"]["height"], made["grey.png"]["width"]) == PHOTO.shape[:2]
    assert made["colour.png"]["made_by"] == "untouched"
    assert made["colour.png"]["why"].endswith("dB: call-balanced -0.5 dB")
    assert (told["sharpened"], told["untouched"]) == (1, 3)
    assert told["made_by"] == {"untouched": 3, "call-noise": 1}
    assert [one["input"] for one in told["failed"]] == [str(folder / "cut.png"), None]
    assert "damaged" in told["failed"][0]["error"]
    (folder / "cut.png").unlink()
    assert run(folder, "-o", out, "--json", report, "--resume").exit_code == 0
    told = json.loads(report.read_text())
    assert not told["images"]
    assert len(told["finished_before"]) == 4


def test_a_single_model_is_named_for_each_image(folder: Path, model: Path, tmp_path: Path) -> None:
    result = run(folder / "colour.png", "-o", tmp_path / "out.png", "--model", model)
    assert result.stdout.startswith(f"{folder / 'colour.png'}: test\n")
