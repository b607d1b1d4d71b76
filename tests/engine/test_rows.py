from __future__ import annotations

import numpy as np
import openvino as ov
import pytest
from openvino import opset13 as ops

from ovsharp.engine import Execution, compile_frames, compiled, get_core, read_ir
from ovsharp.engine.rows import split_rows
from ovsharp.runtime import find_model
from tests.networks import frame_model
from tests.runtime.models import noise

INT8 = Execution("f32", int8=True)


def _run(name: str, isa: str, monkeypatch: pytest.MonkeyPatch) -> tuple[np.ndarray, list[str]]:
    """Give a picture that a shipped model makes, and its convolutions, as on a processor."""
    monkeypatch.setattr(compiled, "used_isa", lambda: isa)
    model, spec = read_ir(find_model(name), get_core())
    frames = compile_frames(model, spec, 48, 64, execution=INT8, threads=1)
    request = frames.create_request()
    inputs = {"frame": noise(48, 64)[None]}
    if spec.base:
        inputs["base"] = noise(48 * spec.scale, 64 * spec.scale, 1)[None]
    request.infer(inputs)
    ran = [node for node in frames.model.get_ops() if node.get_type_name() == "Convolution"]
    return request.get_tensor("sharp").data.copy(), [node.get_friendly_name() for node in ran]


@pytest.mark.parametrize(("name", "rows"), [("sharp-fast", 2), ("x2-fast", 2), ("x4-fast", 4)])
def test_short_vectors_get_a_convolution_a_row_and_the_same_picture(
    name: str, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, usual = _run(name, "Intel AVX-512 with Intel DL Boost", monkeypatch)
    picture, split = _run(name, "Intel AVX2 with Intel DL Boost", monkeypatch)
    assert len(split) == len(usual) + rows - 1
    # Equal to the bit on AVX2; a kernel that scales in another order may round another way.
    off = np.abs(picture.astype(int) - whole)
    assert off.max() <= 1
    assert np.count_nonzero(off) < 0.001 * off.size


def test_corrections_in_floating_point_are_split_to_the_bit() -> None:
    """The tail that `convert` writes, behind a quantizer as NNCF puts one."""
    whole = _packed_model()
    split = whole.clone()
    assert split_rows(split)
    kinds = [node.get_type_name() for node in split.get_ops()]
    assert (kinds.count("Convolution"), kinds.count("Concat")) == (2, 1)
    frame = noise(32, 48)[None]
    pictures = [
        get_core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})(frame)[0]
        for model in (whole, split)
    ]
    assert pictures[0].shape == frame.shape
    assert np.abs(pictures[0].astype(int) - frame).max() > 127
    assert np.array_equal(*pictures)


def _packed_model() -> ov.Model:
    """A frame in cells of 2x2 pixels, one convolution, and what it gives added to the frame."""
    rng = np.random.default_rng(0)
    frame = ops.parameter([1, 32, 48, 3], np.uint8, name="frame")
    planes = ops.transpose(ops.convert(frame, np.float32), ops.constant([0, 3, 1, 2]))
    cells = ops.space_to_depth(planes, "blocks_first", 2)
    low, high = ops.constant(np.float32(0)), ops.constant(np.float32(255))
    quantized = ops.fake_quantize(cells, low, high, low, high, 256)
    weights = ops.constant(rng.normal(0, 0.3, (12, 12, 1, 1)).astype(np.float32))
    levels = ops.convolution(quantized, weights, [1, 1], [0, 0], [0, 0], [1, 1])
    levels = ops.add(levels, ops.constant(rng.normal(0, 9, (1, 12, 1, 1)).astype(np.float32)))
    levels = ops.transpose(levels, ops.constant([0, 2, 3, 1]))
    lines = ops.reshape(levels, ops.constant([1, 16, 24, 2, 6]), special_zero=False)
    lines = ops.transpose(lines, ops.constant([0, 1, 3, 2, 4]))
    correction = ops.reshape(lines, ops.constant([1, 32, 48, 3]), special_zero=False)
    both = ops.add(ops.convert(frame, np.float32), correction)
    sharp = ops.convert(ops.clamp(ops.round(both, "half_to_even"), 0, 255), np.uint8)
    return ov.Model([sharp], [frame], "packed")


def test_other_graphs_stay_as_they_are() -> None:
    model = frame_model(unshuffle=2)
    model.reshape([1, 16, 16, 3])
    before = [node.get_friendly_name() for node in model.get_ops()]
    assert not split_rows(model)
    assert [node.get_friendly_name() for node in model.get_ops()] == before
