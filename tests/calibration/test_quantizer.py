"""What NNCF is allowed to quantize, and that it does so twice in the same way."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import openvino as ov
import pytest
from openvino import opset13 as ops

from ovsharp.calibration import quantizer
from ovsharp.calibration.candidates import Candidates
from ovsharp.calibration.graph import layers
from ovsharp.engine import get_core, machine
from ovsharp.errors import MissingExtraError, UsageError
from tests.calibration.quantized import drawn, frames, quantized
from tests.networks import frame_model
from tests.photos import photos


@pytest.fixture(scope="module")
def parent() -> ov.Model:
    return frame_model(layers=3, unshuffle=2)


def node(model: ov.Model, name: str) -> ov.Node:
    return next(op for op in model.get_ops() if op.get_friendly_name() == name)


def source(some: ov.Node, index: int) -> str:
    """Type of the node that feeds an input, past those that only move values."""
    above = some.input_value(index).get_node()
    while above.get_type_name() in ("SpaceToDepth", "Transpose", "Convert"):
        above = above.input_value(0).get_node()
    return above.get_type_name()


def test_every_layer_is_quantized_and_the_picture_is_not(
    parent: ov.Model, some: Candidates
) -> None:
    result = some.without(())
    for name in layers(parent):
        assert source(node(result, name), 0) == "FakeQuantize"
        assert source(node(result, name), 1) == "FakeQuantize"
    for op in result.get_ordered_ops():
        if op.get_type_name() in ("Add", "Round", "Clamp", "Multiply", "Divide"):
            assert source(op, 0) != "FakeQuantize"


def test_the_quantizer_of_the_frame_loses_nothing() -> None:
    """Its 256 levels are the 256 levels of the frame."""
    model = frame_model(layers=2)
    result = quantized(model)
    first = node(result, layers(model)[0]).input_value(0).get_node()
    low, high, *_ = (first.input_value(index).get_node().data.item() for index in (1, 2))
    assert (low, high, first.get_attributes()["levels"]) == (0.0, pytest.approx(1.0), 256)


def test_layers_that_are_given_back_are_as_in_the_parent(
    parent: ov.Model, some: Candidates
) -> None:
    assert some.layers == layers(parent)
    keep = layers(parent)[1]
    result = some.without([keep])
    for name in layers(parent):
        assert (source(node(result, name), 0) == "FakeQuantize") == (name != keep)
    kept = [node(one, keep).input_value(1).get_node().data for one in (result, parent)]
    assert (kept[0] == kept[1]).all()
    alone = some.only(keep)
    for name in layers(parent):
        assert (source(node(alone, name), 0) == "FakeQuantize") == (name == keep)


def test_with_all_layers_given_back_it_is_the_parent_to_the_bit(
    parent: ov.Model, some: Candidates
) -> None:
    result = some.without(layers(parent))
    assert not [op for op in result.get_ops() if op.get_type_name() == "FakeQuantize"]
    for frame in photos(2):
        pictures = [
            get_core().compile_model(one, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})(frame[None])
            for one in (parent, result)
        ]
        assert (pictures[0][0] == pictures[1][0]).all()


def test_the_preset_fits_the_activations() -> None:
    model = frame_model(layers=3)
    assert quantizer.choose_preset(model) == "performance"
    for op in model.get_ops():
        if op.get_type_name() == "Relu":
            leaky = ops.prelu(op.input_value(0), ops.constant(np.array([0.1], np.float32)))
            for reader in op.output(0).get_target_inputs():
                reader.replace_source_output(leaky.output(0))
    assert quantizer.choose_preset(model) == "mixed"


def test_weights_are_stored_in_8_bits(some: Candidates) -> None:
    result = some.without(())
    quantizer.compress(result)
    weights = [op for op in result.get_ops() if op.get_element_type() == ov.Type.i8]
    assert len(weights) == 3


def test_two_runs_give_the_same_model(tmp_path: Path) -> None:
    """All but the names of nodes, in which OpenVINO counts on through a process."""
    ov.save_model(frame_model(), tmp_path / "parent.xml", compress_to_fp16=False)
    for name in ("one", "two"):
        model = ov.Core().read_model(tmp_path / "parent.xml")
        result = quantized(model)
        quantizer.compress(result)
        ov.save_model(result, tmp_path / f"{name}.xml", compress_to_fp16=False)
    weights, graphs = set(), set()
    for name in ("one", "two"):
        weights.add((tmp_path / f"{name}.bin").read_bytes())
        graphs.add(re.sub(r'name="[^"]*"', "", (tmp_path / f"{name}.xml").read_text()))
    assert len(weights) == len(graphs) == 1


def test_nothing_but_our_own_progress_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    steps: list[tuple[str, int, int]] = []
    quantized(frame_model(), progress=lambda *step: steps.append(step))
    assert capfd.readouterr() == ("", "")
    count = len(frames()) + len(drawn())
    assert ("measuring ranges", count, count) in steps
    assert list(dict.fromkeys(label for label, _, _ in steps)) == [
        "placing quantizers",
        "measuring ranges",
        "fitting ranges",
        "looking at layers",
        "rounding weights",
        "fitting ranges again",
    ]
    assert all(done == total for label, done, total in steps[-1:])


def test_an_unknown_preset_is_refused() -> None:
    with pytest.raises(UsageError, match="unknown preset 'fast': expected performance or mixed"):
        quantizer.post_training(frame_model(), frames(), frames(), preset="fast")


def test_a_wrong_pair_of_versions_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    pair = {"nncf": "3.1.0", "openvino": "2026.4.1"}
    monkeypatch.setattr(machine, "_version", pair.__getitem__)
    with pytest.raises(
        UsageError, match=r"nncf 3\.1\.0 does not fit openvino 2026\.4\.1.*3\.4\.\*"
    ):
        quantizer.check_versions()


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ovsharp.extras.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r'pip install "ovsharp\[quantize\]"'):
        quantizer.check_versions()


def test_no_usage_data_is_sent() -> None:
    """In a process of its own: under pytest NNCF never does."""
    code = (
        "from ovsharp.calibration.quantizer import _import_nncf; _import_nncf();"
        "from nncf.telemetry.wrapper import telemetry as of_nncf;"
        "from openvino.tools.ovc import telemetry as of_openvino;"
        "print(type(of_nncf).__name__, type(of_openvino).__module__)"
    )
    own = {key: value for key, value in os.environ.items() if key != "CI"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=own
    )
    assert done.stdout.split() == ["MagicMock", "openvino.tools.ovc.telemetry_stub"]
