"""Two products fit into 16 bits together where they may be large, with weights of nearly 8 bits."""

from __future__ import annotations

import numpy as np
import openvino as ov
import pytest

from ovsharp.calibration.constants import value
from ovsharp.calibration.graph import first_layers
from ovsharp.calibration.overflow import TOGETHER, limits
from tests.calibration.quantized import quantized
from tests.networks import frame_model


@pytest.fixture(scope="module")
def model() -> ov.Model:
    return quantized(frame_model(layers=3, unshuffle=2))


def steps(layer: ov.Node) -> np.ndarray:
    """The weights of a layer in steps of their filter, filters x n."""
    quantizer = layer.input_value(1).get_node()
    weights, high = (np.asarray(value(quantizer.input(port)), float) for port in (0, 2))
    count = (quantizer.get_attributes()["levels"] - 1) // 2
    return (weights / (high / count)).reshape(len(weights), -1)


def two_largest(rows: np.ndarray) -> np.ndarray:
    return np.sort(np.maximum(rows, 0), axis=1)[:, -2:].sum(axis=1)


def neighbours(rows: np.ndarray, layer: ov.Node) -> np.ndarray:
    """What two channels side by side come to at each place of the kernel."""
    weights = np.maximum(rows, 0).reshape(layer.input_value(1).get_shape())
    return weights[:, ::2] + weights[:, 1::2]


def test_no_two_weights_of_the_first_layer_overflow(model: ov.Model) -> None:
    (first,) = first_layers(model)
    rows = steps(first)
    assert np.allclose(rows, np.round(rows), atol=1e-3)
    for side in (rows, -rows):
        assert two_largest(side).max() <= TOGETHER + 1e-3
    assert 255 * TOGETHER <= 2**15 - 1


def test_its_steps_are_finer_than_those_of_seven_bits(model: ov.Model) -> None:
    (first,) = first_layers(model)
    assert np.median(np.abs(steps(first)).max(axis=1)) > 64


def others(model: ov.Model) -> list[ov.Node]:
    """All layers but the first."""
    (first,) = first_layers(model)
    layers = [node for node in model.get_ordered_ops() if node.get_type_name() == "Convolution"]
    return [node for node in layers if node.get_friendly_name() != first.get_friendly_name()]


def test_layers_that_read_signed_values_leave_room_too() -> None:
    model = quantized(frame_model(layers=3, unshuffle=2, relu=False))
    assert len(others(model)) == 2
    for node in others(model):
        assert node.input_value(0).get_node().get_type_name() == "FakeQuantize"
        rows = steps(node)
        assert np.allclose(rows, np.round(rows), atol=1e-3)
        assert np.median(np.abs(rows).max(axis=1)) > 100
        for side in (rows, -rows):
            assert neighbours(side, node).max() <= TOGETHER + 1e-3
            assert two_largest(side).max() > TOGETHER, "any two need not leave room there"


def test_layers_behind_a_relu_have_all_eight_bits(model: ov.Model) -> None:
    assert len(others(model)) == 2
    for node in others(model):
        assert np.allclose(np.abs(steps(node)).max(axis=1), 127, atol=1.01)


@pytest.mark.parametrize("largest", [10.0, 63.2, 64.0, 90.7, 127.0])
def test_weights_at_their_limits_fit(largest: float) -> None:
    rows = np.array([[largest, -3.0, min(largest, 127 - largest), 1.0]])
    least, most = (end[..., 0] for end in limits(rows[..., None], first=True))
    assert (least <= rows).all()
    assert (rows <= most).all()
    assert two_largest(most) <= TOGETHER
    assert two_largest(-least) <= TOGETHER


def test_weights_of_neighbouring_channels_fit_an_odd_one_out() -> None:
    steps = np.array([[[90.2, 3.0], [37.0, -40.0], [127.0, 5.0]]])  # 1 output, 3 inputs, 2 places
    least, most = limits(steps, first=False)
    assert (least <= steps).all()
    assert (steps <= most).all()
    assert (most[:, 0] + most[:, 1] <= TOGETHER).all()
    assert (least[:, 0] + least[:, 1] >= -TOGETHER).all()
    assert most[0, 2, 0] == 127
