from __future__ import annotations

import numpy as np
import pytest

from ovsharp.runtime import Execution, compile_frames, compiled, find_model, get_core, read_ir
from ovsharp.runtime.rows import split_rows
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


def test_other_graphs_stay_as_they_are() -> None:
    model = frame_model(unshuffle=2)
    model.reshape([1, 16, 16, 3])
    before = [node.get_friendly_name() for node in model.get_ops()]
    assert not split_rows(model)
    assert [node.get_friendly_name() for node in model.get_ops()] == before
