"""Files for other programs: RGB planes as ONNX and IR; each equal to its source."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import openvino as ov
import pytest
import torch
from click.testing import CliRunner
from onnx.reference import ReferenceEvaluator

from ovsharp import Sharpener
from ovsharp.convert import Conversion, Options, convert
from ovsharp.convert.form_router import write_choice
from ovsharp.engine import get_core
from ovsharp.errors import (
    ConversionError,
    ModelLoadError,
    UnsupportedModelError,
    UsageError,
)
from ovsharp.lab.convert import convert as command
from ovsharp.models.student import Student
from ovsharp.runtime import Router, crops, shipped_routers
from ovsharp.spec import ModelSpec
from tests.convert import drawn
from tests.convert.drawn_students import coarse_student, write_student
from tests.photos import crop


def photo(height: int = 48, width: int = 64) -> Any:
    return crop(80, 190, height, width)


def planes(frame: Any) -> Any:
    """What another program gives: RGB, 0..1."""
    return frame[None, ..., ::-1].transpose(0, 3, 1, 2).astype(np.float32) / np.float32(255)


def frame(values: Any) -> Any:
    """What another program makes of the answer."""
    levels = np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)
    return levels[0].transpose(1, 2, 0)[..., ::-1]


@pytest.fixture(scope="module")
def student(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Student]:
    return write_student(
        tmp_path_factory.mktemp("student"), Student(channels=16, depth=2, unshuffle=2)
    )


@pytest.fixture(scope="module")
def converted(
    student: tuple[Path, Student], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Conversion, Path]:
    out = tmp_path_factory.mktemp("planar") / "out"
    return convert(student[0], out, form="planar"), out


def test_planes_are_what_torch_computes(
    student: tuple[Path, Student], converted: tuple[Conversion, Path]
) -> None:
    network, (result, out) = student[1], converted
    names = ["mine-planar.bin", "mine-planar.onnx", "mine-planar.xml"]
    assert sorted(file.name for file in out.iterdir()) == names
    given = planes(photo())
    with torch.inference_mode():
        expected = network(torch.from_numpy(given)).numpy()
    written = onnx.load(out / "mine-planar.onnx")
    (by_onnx,) = ReferenceEvaluator(written).run(None, {"frame": given})
    np.testing.assert_allclose(by_onnx, expected, atol=1e-5)
    told = {one.key: one.value for one in written.metadata_props}
    assert told["multiple"] == "2"
    model = get_core().read_model(out / "mine-planar.xml")
    assert model.input("frame").element_type == ov.Type.f32
    assert model.input("frame").partial_shape[2].is_dynamic
    labels = [label for label, _ in result.report]
    assert {"parity onnx file", "parity xml file"} <= set(labels)


def test_a_shipped_model_by_name_is_what_its_sharpener_gives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OVSHARP_MAX_SECONDS", "0")  # no process of its own
    ran = CliRunner().invoke(command, ["call-small", "--to", "planar", "-o", str(tmp_path)])
    assert ran.exit_code == 0, ran.exception
    assert "parity onnx file" in ran.output
    compiled = get_core().compile_model(
        tmp_path / "call-small-planar.onnx", "CPU", {"INFERENCE_PRECISION_HINT": "f32"}
    )
    with Sharpener("call-small", precision="f32") as sharpener:
        expected = sharpener(photo())
    got = frame(compiled(planes(photo()))[0])
    assert (expected != photo()).any()
    assert np.abs(got.astype(int) - expected).max() <= 1
    assert (got == expected).mean() > 0.999


def test_onnx_runtime_gives_the_same(
    student: tuple[Path, Student], converted: tuple[Conversion, Path]
) -> None:
    runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    session = runtime.InferenceSession(converted[1] / "mine-planar.onnx")
    for size in ((48, 64), (30, 22)):  # any size
        given = planes(photo(*size))
        with torch.inference_mode():
            expected = student[1](torch.from_numpy(given)).numpy()
        (got,) = session.run(None, {"frame": given})
        np.testing.assert_allclose(got, expected, atol=1e-5)


@pytest.mark.parametrize("name", sorted(shipped_routers()))
def test_a_router_tells_the_same_gains_elsewhere(name: str, tmp_path: Path) -> None:
    path = shipped_routers()[name]
    router = Router(path)
    multiples = {one: 8 if place else 2 for place, one in enumerate(router.models)}
    models = [
        ModelSpec(name=one, architecture="student", scale=1, multiple=multiple)
        for one, multiple in multiples.items()
    ]
    ((label, _),) = write_choice(path, tmp_path, models)
    assert label == "parity router"
    facts = json.loads((tmp_path / f"{name}.json").read_text())
    assert list(facts["models"]) == list(router.models)
    assert {one: told["multiple"] for one, told in facts["models"].items()} == multiples
    written = get_core().compile_model(
        tmp_path / facts["router"], "CPU", {"INFERENCE_PRECISION_HINT": "f32"}
    )
    for size in ((512, 512), (100, 140)):  # another number of crops
        frame = crop(0, 0, *size)
        told = written([crops(frame, 64, 36)])[0]
        assert told == pytest.approx([*router.gains(frame).values()], abs=2e-3)


def test_weights_of_another_router_are_refused(tmp_path: Path) -> None:
    path = shipped_routers()["call"]
    for file in (path, path.with_suffix(".bin")):
        shutil.copy(file, tmp_path)
    with pytest.raises(ModelLoadError, match="there is no"):
        write_choice(tmp_path / "call.xml", tmp_path, [])
    weights = torch.load(path.with_name("router.pth"), weights_only=True)
    weights["gains.bias"] += 0.1
    torch.save(weights, tmp_path / "router.pth")
    with pytest.raises(ConversionError, match="another router"):
        write_choice(tmp_path / "call.xml", tmp_path, [])


@pytest.mark.parametrize("arguments", [["--to", "tflite"], ["--to", "planar", "--size", "64x64"]])
def test_a_router_is_converted_as_a_whole_or_not_at_all(
    arguments: list[str], tmp_path: Path
) -> None:
    ran = CliRunner().invoke(command, ["call", *arguments, "-o", str(tmp_path / "out")])
    assert isinstance(ran.exception, UsageError)
    assert "call-balanced" in str(ran.exception)
    assert not (tmp_path / "out").exists()


def test_other_colours_and_ranges_are_refused(
    student: tuple[Path, Student], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with pytest.raises(UnsupportedModelError, match="bgr"):
        convert(student[0], out, form="planar", options=Options(colour="bgr"))
    assert not out.exists()


def test_a_branch_with_more_reach_goes_along(tmp_path: Path) -> None:
    path, network = coarse_student(tmp_path)
    out = tmp_path / "out"
    assert convert(path, out, form="planar").spec.multiple == 8
    written = onnx.load(out / "mine-planar.onnx")
    assert {one.key: one.value for one in written.metadata_props}["multiple"] == "8"
    given = planes(photo())
    with torch.inference_mode():
        expected = network(torch.from_numpy(given)).numpy()
    (got,) = ReferenceEvaluator(written).run(None, {"frame": given})
    np.testing.assert_allclose(got, expected, atol=1e-5)


def test_what_came_from_no_checkpoint_is_refused(tmp_path: Path) -> None:
    drawn.write_onnx(tmp_path / "mine.onnx")
    with pytest.raises(UnsupportedModelError, match="no PyTorch checkpoint"):
        ranges = Options(value_range=(0, 1), output_range=(0, 1))
        convert(tmp_path / "mine.onnx", tmp_path / "out", form="planar", options=ranges)
    assert not (tmp_path / "out").exists()


def test_storages_are_of_our_own_form(student: tuple[Path, Student]) -> None:
    ran = CliRunner().invoke(command, [str(student[0]), "--to", "planar", "--storage", "fp16"])
    assert isinstance(ran.exception, UsageError)
    assert "--storage" in str(ran.exception)
