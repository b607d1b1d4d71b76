"""Fitted ranges and fitted weights bring a quantized model nearer to its parent."""

from __future__ import annotations

import numpy as np
import openvino as ov
import pytest
from openvino import opset13 as ops

from ovsharp.calibration import quantizer
from ovsharp.calibration.graph import activation_quantizers
from ovsharp.calibration.ranges import fit_ranges
from ovsharp.calibration.rounding import Grid, nearest_outputs
from ovsharp.runtime import get_core
from tests.calibration.photos import photos
from tests.calibration.test_quantizer import drawn, frames, quantized
from tests.networks import frame_model


def distance(model: ov.Model, parent: ov.Model) -> float:
    """Mean squared difference of the pictures, in levels, on photos of its own."""
    pictures = []
    for one in (model, parent):
        compiled = get_core().compile_model(one, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
        pictures.append([compiled(frame[None])[0].astype(float) for frame in photos(5)[2:]])
    return float(np.mean([(a - b) ** 2 for a, b in zip(*pictures, strict=True)]))


def test_fitted_weights_bring_the_picture_nearer(monkeypatch: pytest.MonkeyPatch) -> None:
    parent = frame_model(layers=4, unshuffle=2)
    fitted = distance(quantized(parent), parent)
    monkeypatch.setattr(quantizer, "round_weights", lambda *_, **__: None)
    assert fitted < distance(quantized(parent), parent)


def test_ranges_that_are_too_wide_are_narrowed() -> None:
    parent = frame_model(layers=4, unshuffle=2)
    model = quantized(parent)
    for node in activation_quantizers(model):
        for port in (1, 2, 3, 4):
            wide = ops.constant(node.input_value(port).get_node().data * np.float32(16))
            node.input(port).replace_source_output(wide.output(0))
    before = distance(model, parent)
    fit_ranges(model, parent, frames(), drawn())
    assert distance(model, parent) < before / 2


def test_the_parent_stays_as_it_is() -> None:
    parent = frame_model(layers=2)
    before = [op.get_friendly_name() for op in parent.get_ordered_ops()]
    quantizer.post_training(parent, frames(), drawn(), preset="performance")
    assert [op.get_friendly_name() for op in parent.get_ordered_ops()] == before


def test_rounding_keeps_the_outputs_of_real_inputs() -> None:
    rng = np.random.default_rng(1)
    weights = rng.normal(size=(4, 60))
    smooth = rng.random((500, 1)) + 0.05 * rng.normal(size=(500, 60))  # as pictures are
    grid = Grid(np.full(4, 0.1), np.full(4, 40.0))
    rounded = nearest_outputs(weights, smooth, grid)
    plain = np.round(weights / 0.1) * 0.1
    assert np.allclose(rounded / 0.1, np.round(rounded / 0.1))  # on the grid

    def error(other: np.ndarray) -> float:
        return float(np.std((weights - other) @ smooth.T))

    assert error(rounded) < error(plain) / 5


def test_rounding_keeps_within_the_grid() -> None:
    rng = np.random.default_rng(1)
    grid = Grid(np.full(2, 0.5), np.full(2, 1.0))
    rounded = nearest_outputs(rng.normal(size=(2, 9)), rng.normal(size=(50, 9)), grid)
    assert set(np.abs(rounded).ravel()) <= {0.0, 0.5}
