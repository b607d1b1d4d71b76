"""From a float IR to an INT8 IR, and the gate between them."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import openvino as ov
import pytest
from openvino import opset13 as ops

from ovsharp.calibration import (
    FLAT_LIMIT,
    GRADIENT_LIMIT,
    ImageSet,
    LimitError,
    Quantized,
    quantize,
)
from ovsharp.calibration.graph import is_quantized
from ovsharp.calibration.judge import DRAWN_SIDE
from ovsharp.calibration.synthetic import GRADIENTS, drawn_frames
from ovsharp.degrade import parse
from ovsharp.engine import get_core, read_ir, write_ir
from ovsharp.errors import DeviceError, UnsupportedModelError, UsageError
from ovsharp.files import sha256
from ovsharp.quality import psnr, ssim
from tests.calibration.networks import HOSTILE_LAYER, write_hostile
from tests.networks import frame_spec, write_frame_model
from tests.photos import write_photos

SUBSET = 8


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_photos(tmp_path_factory.mktemp("photos"), 8)


@pytest.fixture(scope="module")
def parent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_frame_model(tmp_path_factory.mktemp("parent"), layers=3, unshuffle=2)


@pytest.fixture(scope="module")
def done(parent: Path, data: Path) -> Quantized:
    return quantize(parent, data, subset=SUBSET)


def run(path: Path, frame: np.ndarray, hint: str) -> np.ndarray:
    """What a file gives in plain OpenVINO."""
    compiled = ov.Core().compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": hint})
    return np.array(compiled(frame[None])[0][0])


def test_the_files_lie_beside_the_parent(done: Quantized, parent: Path) -> None:
    names = ("test-int8.xml", "test-int8.bin", "test-int8.calibration.json")
    assert done.files == tuple(parent.parent / name for name in names)
    assert all(file.is_file() for file in done.files)
    assert not [path for path in parent.parent.iterdir() if path.name.startswith(".")]


def test_the_written_model_says_how_it_was_made(done: Quantized, parent: Path) -> None:
    model, spec = read_ir(done.files[0], get_core())
    assert is_quantized(model)
    assert spec.storage == "int8"
    assert spec.quantization == done.quantization
    assert done.quantization.calibration_sha256 == sha256(done.files[2])
    assert done.quantization.calibration_images == 5  # of 6: two crops each, until there are 8
    assert done.quantization.validation_images == 1
    assert done.quantization.max_drop == 0.002
    assert done.quantization.float_layers == ()
    assert {"nncf", "openvino"} <= set(spec.versions)
    _, before = read_ir(parent, get_core())
    assert spec.replace(storage="fp32", versions=before.versions, quantization=None) == before


def test_the_reported_figures_are_true(done: Quantized, parent: Path, data: Path) -> None:
    """Measured once more from the files: manifest, IRs and photographs."""
    manifest = json.loads(done.files[2].read_text())
    hint = done.quantization.execution.removeprefix("int8+")
    rows = []
    for entry in manifest["validation"]:
        (name,) = entry["files"]
        sharp = cv2.imread(str(data / name))
        damaged = parse("gla")(sharp, seed=entry["seed"])
        bottom, right = entry["top"] + entry["height"], entry["left"] + entry["width"]
        box = np.s_[entry["top"] : bottom, entry["left"] : right]
        before, after = run(parent, damaged[box], "f32"), run(done.files[0], damaged[box], hint)
        pictures = (damaged[box], before, after)
        rows.append(
            [measure(picture, sharp[box]) for picture in pictures for measure in (ssim, psnr)]
        )
    own_ssim, own_psnr, before_ssim, before_psnr, after_ssim, after_psnr = np.mean(rows, axis=0)
    assert done.before.ssim == pytest.approx(own_ssim)
    assert done.worse == sum(row[2] < row[0] for row in rows)
    assert done.before.psnr == pytest.approx(own_psnr)
    assert done.parent_quality.ssim == pytest.approx(before_ssim)
    assert done.parent_quality.psnr == pytest.approx(before_psnr)
    # The weights are 8 bits in the file, and behind quantizers where they are judged.
    assert done.verdict.quality.ssim == pytest.approx(after_ssim, abs=1e-4)
    assert done.quantization.ssim_drop == pytest.approx(before_ssim - after_ssim, abs=1e-4)
    assert done.quantization.psnr_drop == pytest.approx(before_psnr - after_psnr, abs=1e-2)
    assert done.verdict_f32.execution == "int8+f32"


def test_extreme_frames_come_out_as_the_parent_has_them(done: Quantized, parent: Path) -> None:
    hint = done.quantization.execution.removeprefix("int8+")
    spec = read_ir(parent, get_core())[1]
    rim = spec.margin or 0
    inner = np.s_[rim:-rim, rim:-rim]
    differences = {
        name: int(
            np.abs(run(parent, frame, "f32") - run(done.files[0], frame, hint).astype(int))[
                inner
            ].max()
        )
        for name, frame in drawn_frames(spec, DRAWN_SIDE).items()
    }
    for name, difference in differences.items():
        assert difference <= (GRADIENT_LIMIT if name in GRADIENTS else FLAT_LIMIT)
    assert differences[done.verdict.extreme_frame] == done.verdict.extreme_levels


@pytest.mark.usefixtures("fitted_little")
def test_the_harmful_layer_is_given_back(data: Path, tmp_path: Path) -> None:
    path, _ = write_hostile(tmp_path)
    stages: list[str] = []
    done = quantize(
        path, data, subset=SUBSET, max_drop=0.0005, progress=lambda stage, *_: stages.append(stage)
    )
    assert done.quantization.float_layers == (HOSTILE_LAYER,)
    assert done.quantization.ssim_drop <= 0.0005
    model, _ = read_ir(done.files[0], get_core())
    layer = next(op for op in model.get_ops() if op.get_friendly_name() == HOSTILE_LAYER)
    assert layer.input_value(0).get_node().get_type_name() == "Clamp"
    assert {"ranking layers", "judging models"} <= set(stages)


@pytest.mark.usefixtures("fitted_little")
def test_a_limit_that_cannot_be_held_leaves_nothing_behind(data: Path, tmp_path: Path) -> None:
    path, _ = write_hostile(tmp_path / "parent")
    with pytest.raises(LimitError) as caught:
        quantize(path, data, folder=tmp_path / "new", subset=SUBSET, max_drop=0, degrade="clean")
    assert "the SSIM drop is 0." in str(caught.value)
    assert "over the limit of 0" in str(caught.value)
    # With bfloat16, where the processor has it, even no layer in 8 bits holds: see test_gate.
    last = [trade for trade in caught.value.trades if trade.execution.hint == "f32"]
    assert [trade.float_layers for trade in last] == [
        (),
        (HOSTILE_LAYER,),
        (HOSTILE_LAYER, last[2].float_layers[1]),
    ]
    assert not (tmp_path / "new").exists()


@pytest.mark.usefixtures("fitted_little")
def test_without_ground_truth_the_parent_takes_its_place(data: Path, tmp_path: Path) -> None:
    path = write_frame_model(tmp_path)
    done = quantize(path, data, subset=SUBSET, degrade="clean", max_drop=0.01)
    assert done.parent_quality.ssim == 1.0
    assert 0 < done.quantization.ssim_drop < 0.01


@pytest.mark.usefixtures("fitted_little")
def test_a_model_that_enlarges(data: Path, tmp_path: Path) -> None:
    path = write_frame_model(tmp_path, scale=2, storage="fp16")
    done = quantize(path, data, subset=SUBSET, max_drop=0.01)
    assert done.spec.storage == "int8"
    assert done.images.validation[0].truth is not None


def test_an_int8_model_is_refused(done: Quantized, data: Path) -> None:
    with pytest.raises(UsageError, match="is an INT8 model already; give the FP32 or FP16 file"):
        quantize(done.files[0], data)


def test_a_model_without_layers_is_refused(data: Path, tmp_path: Path) -> None:
    frame = ops.parameter([1, -1, -1, 3], np.uint8, name="frame")
    frame.output(0).set_names({"frame"})
    sharp = ops.gather(frame, ops.constant([2, 1, 0]), ops.constant(3))
    sharp.output(0).set_names({"sharp"})
    path = write_ir(ov.Model([sharp], [frame]), frame_spec(), tmp_path)
    with pytest.raises(UnsupportedModelError, match="nothing to quantize"):
        quantize(path, data)


def test_arguments_out_of_their_range_are_refused(parent: Path, data: Path) -> None:
    with pytest.raises(UsageError, match="a subset of 1 or more"):
        quantize(parent, data, subset=0)
    with pytest.raises(UsageError, match=r"got 128, -0\.1 and 0"):
        quantize(parent, data, max_drop=-0.1)
    with pytest.raises(DeviceError, match="there is no device 'TPU'"):
        quantize(parent, data, device="TPU")


def test_the_model_decides_the_damage(parent: Path, data: Path, done: Quantized) -> None:
    recipe = done.images.recipe
    assert recipe is not None
    assert recipe.name == "gla"
    images = ImageSet.from_path(data, recipe, done.parent_spec, subset=SUBSET, seed=0)
    assert images.manifest() == done.images.manifest()
