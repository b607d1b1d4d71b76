from __future__ import annotations

import sys
from pathlib import Path

import openvino as ov
import pytest

from ovsharp.engine import get_core, megabytes, operations, read_ir, write_ir
from ovsharp.errors import ModelLoadError, UnsupportedModelError
from ovsharp.runtime import Sharpener
from tests.networks import frame_model, frame_spec, write_frame_model


def test_round_trip(tmp_path: Path) -> None:
    spec = frame_spec(unshuffle=4, storage="fp16", parity={"ir-torch": 1e-6})
    path = write_ir(frame_model(unshuffle=4), spec, tmp_path)
    model, read = read_ir(path, get_core())
    assert path == tmp_path / "test-fp16.xml"
    assert read == spec
    assert model.input("frame").element_type == ov.Type.u8


def test_storage_fp16_halves_the_weights(tmp_path: Path) -> None:
    sizes = [
        write_ir(frame_model(channels=32), frame_spec(storage=storage), tmp_path)  # type: ignore[arg-type]
        .with_suffix(".bin")
        .stat()
        .st_size
        for storage in ("fp32", "fp16")
    ]
    assert sizes[1] < 0.55 * sizes[0]


def test_missing_model(tmp_path: Path) -> None:
    with pytest.raises(ModelLoadError, match="no model file"):
        Sharpener(tmp_path / "absent.xml")


def test_missing_weights(tmp_path: Path) -> None:
    path = write_frame_model(tmp_path)
    path.with_suffix(".bin").unlink()
    with pytest.raises(ModelLoadError, match=r"test-fp32\.bin beside it"):
        Sharpener(path)


@pytest.mark.parametrize("ending", [".xml", ".bin"])
@pytest.mark.parametrize("share", [0.0, 0.5, 0.98])
def test_truncated_files(tmp_path: Path, ending: str, share: float) -> None:
    path = write_frame_model(tmp_path)
    file = path.with_suffix(ending)
    content = file.read_bytes()
    file.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(ModelLoadError, match=r"test-fp32"):
        Sharpener(path)


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    """OpenVINO quotes them in its error, which Python cannot read then."""
    path = write_frame_model(tmp_path)
    content = bytearray(path.read_bytes())
    at = content.index(b">", content.index(b"<net "))
    content[at - 1 : at + 3] = b"\xff" * 4  # the end of an attribute
    path.write_bytes(content)
    with pytest.raises(ModelLoadError, match=r"cannot read .*test-fp32.xml: it is truncated"):
        Sharpener(path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"),
        ("<!DOCTYPE html><html></html>", "HTML page"),
    ],
)
def test_a_failed_download_is_named(tmp_path: Path, content: str, reason: str) -> None:
    path = write_frame_model(tmp_path)
    path.write_text(content)
    with pytest.raises(ModelLoadError, match=reason):
        Sharpener(path)


def test_a_foreign_ir_is_told_how_to_come_in(tmp_path: Path) -> None:
    path = tmp_path / "foreign.xml"
    ov.save_model(frame_model(), path)
    with pytest.raises(UnsupportedModelError, match=r"ovsharp convert .*foreign\.xml"):
        Sharpener(path)


def test_a_checkpoint_is_told_how_to_come_in(tmp_path: Path) -> None:
    path = tmp_path / "student.pth"
    path.write_bytes(b"weights")
    with pytest.raises(UnsupportedModelError, match=r"ovsharp convert .*student\.pth"):
        Sharpener(path)


@pytest.mark.skipif(sys.platform == "win32", reason="needs setrlimit")
def test_a_full_disk_is_a_sentence(tmp_path: Path) -> None:
    import resource

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    # Fails in the middle of a write, as a full disk does.
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, limits[1]))
    try:
        with pytest.raises(OSError, match=r"models/test-fp32\.xml; is the disk full\?"):
            write_ir(frame_model(), frame_spec(), tmp_path / "models")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_left_of_a_failed_write(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(OSError, match="file"):
        write_ir(frame_model(), frame_spec(), file / "models")
    assert list(tmp_path.iterdir()) == [file]


def test_operations_are_counted_without_what_computes_nothing() -> None:
    counts = operations(frame_model(layers=3))
    assert counts["Convolution"] == 3
    assert not counts.keys() & {"Constant", "Parameter", "Result"}


def test_the_size_of_an_ir_is_that_of_both_files(tmp_path: Path) -> None:
    path = write_ir(frame_model(), frame_spec(), tmp_path)
    assert megabytes(path) == sum(file.stat().st_size for file in tmp_path.iterdir()) / 1e6
