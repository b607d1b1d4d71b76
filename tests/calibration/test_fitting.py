"""Fitted ranges and fitted weights bring a quantized model nearer to its parent."""

from __future__ import annotations

import numpy as np
import openvino as ov
import pytest
from openvino import opset13 as ops

from ovsharp.calibration import quantizer
from ovsharp.calibration.candidates import Candidates
from ovsharp.calibration.graph import activation_quantizers, inner_quantizers
from ovsharp.calibration.ranges import fit_ranges, measure_ranges, refit_ranges
from ovsharp.calibration.rounding import Grid, Inputs, nearest_outputs
from ovsharp.engine import get_core
from tests.calibration.quantized import drawn, frames, quantized
from tests.networks import frame_model
from tests.photos import photos


def distance(model: ov.Model, parent: ov.Model) -> float:
    """Mean squared difference of the pictures, in levels, on photos of its own."""
    pictures = []
    for one in (model, parent):
        compiled = get_core().compile_model(one, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
        pictures.append([compiled(frame[None])[0].astype(float) for frame in photos(5)[2:]])
    return float(np.mean([(a - b) ** 2 for a, b in zip(*pictures, strict=True)]))


@pytest.fixture(scope="module")
def parent() -> ov.Model:
    return frame_model(layers=4, unshuffle=2)


def test_fitted_weights_bring_the_picture_nearer(
    parent: ov.Model, some: Candidates, monkeypatch: pytest.MonkeyPatch
) -> None:
    fitted = distance(some.without(()), parent)
    monkeypatch.setattr(quantizer, "round_weights", lambda *_, **__: None)
    assert fitted < distance(quantized(parent), parent)


def scale_ranges(model: ov.Model, factor: float) -> None:
    for node in inner_quantizers(model):
        for port in (1, 2, 3, 4):
            other = ops.constant(node.input_value(port).get_node().data * np.float32(factor))
            node.input(port).replace_source_output(other.output(0))


def test_ranges_that_are_too_wide_are_narrowed(parent: ov.Model, some: Candidates) -> None:
    model = some.without(())
    scale_ranges(model, 16)
    before = distance(model, parent)
    fit_ranges(model, parent, [*frames(), *drawn()])
    assert distance(model, parent) < before / 2


@pytest.mark.parametrize("factor", [1 / 6, 2.5])
def test_ranges_behind_rounded_weights_go_both_ways(
    parent: ov.Model, some: Candidates, factor: float
) -> None:
    model = some.without(())
    good = distance(model, parent)
    scale_ranges(model, factor)
    bad = distance(model, parent)
    refit_ranges(model, parent, [*frames(), *drawn()])
    assert distance(model, parent) < min(0.6 * bad, 1.5 * good)


def bounds(model: ov.Model) -> list[tuple[float, float]]:
    return [
        tuple(node.input_value(port).get_node().data.item() for port in (1, 2))
        for node in activation_quantizers(model)
    ]


def signed_model() -> ov.Model:
    """A frame, divided and with an offset, between two quantizers whose ranges say nothing."""
    frame = ops.parameter([1, -1, -1, 3], np.uint8, name="frame")
    frame.output(0).set_names({"frame"})
    low, high = ops.constant(np.float32(0)), ops.constant(np.float32(1))
    values = ops.divide(ops.convert(frame, np.float32), ops.constant(np.float32(255)))
    picture = ops.fake_quantize(values, low, high, low, high, 256)
    offset = ops.subtract(picture, ops.constant(np.float32(0.25)))
    return ov.Model([ops.fake_quantize(offset, low, high, low, high, 256)], [frame])


def test_ranges_are_what_was_seen_and_0_is_one_of_the_steps() -> None:
    model = signed_model()
    measure_ranges(model, drawn(), asymmetric=True)
    picture, (low, high) = bounds(model)
    assert picture == (0.0, 1.0)
    step = (high - low) / 255
    assert low / step == pytest.approx(round(low / step), abs=1e-4)
    assert (low, high) == (pytest.approx(-0.25, abs=step), pytest.approx(0.75, abs=step))
    assert low <= -0.25 + 1e-6
    assert high >= 0.75 - 1e-6


def test_symmetric_ranges_are_those_of_signed_bytes() -> None:
    model = signed_model()
    measure_ranges(model, drawn(), asymmetric=False)
    _, (low, high) = bounds(model)
    assert high == pytest.approx(0.75)
    assert low / high == pytest.approx(-128 / 127)


def test_the_parent_stays_as_it_is() -> None:
    parent = frame_model(layers=2)
    before = [op.get_friendly_name() for op in parent.get_ordered_ops()]
    quantized(parent)
    assert [op.get_friendly_name() for op in parent.get_ordered_ops()] == before


def test_rounding_keeps_the_outputs_of_real_inputs() -> None:
    rng = np.random.default_rng(1)
    weights = rng.normal(size=(4, 60))
    smooth = rng.random((500, 1)) + 0.05 * rng.normal(size=(500, 60))  # as pictures are
    grid = Grid(np.full(4, 0.1), np.full((4, 60), -40.0), np.full((4, 60), 40.0))
    rounded = nearest_outputs(weights, Inputs.of(smooth), grid)
    plain = np.round(weights / 0.1) * 0.1
    assert np.allclose(rounded / 0.1, np.round(rounded / 0.1))  # on the grid

    def error(other: np.ndarray) -> float:
        return float(np.std((weights - other) @ smooth.T))

    assert error(rounded) < error(plain) / 5


def test_rounding_keeps_within_the_grid() -> None:
    rng = np.random.default_rng(1)
    grid = Grid(np.full(2, 0.5), np.full((2, 9), -1.0), np.full((2, 9), 1.0))
    rounded = nearest_outputs(rng.normal(size=(2, 9)), Inputs.of(rng.normal(size=(50, 9))), grid)
    assert set(np.abs(rounded).ravel()) <= {0.0, 0.5}
