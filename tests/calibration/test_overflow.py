"""Two products of the first layer fit into 16 bits together, and its weights have nearly 8."""

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


def test_other_layers_have_all_eight_bits(model: ov.Model) -> None:
    names = {node.get_friendly_name() for node in first_layers(model)}
    others = [
        node
        for node in model.get_ordered_ops()
        if node.get_type_name() == "Convolution" and node.get_friendly_name() not in names
    ]
    assert others
    for node in others:
        assert np.allclose(np.abs(steps(node)).max(axis=1), 127, atol=1.01)


@pytest.mark.parametrize("largest", [10.0, 63.2, 64.0, 90.7, 127.0])
def test_weights_at_their_limits_fit(largest: float) -> None:
    rows = np.array([[largest, -3.0, min(largest, 127 - largest), 1.0]])
    least, most = limits(rows)
    assert (least <= rows).all()
    assert (rows <= most).all()
    assert two_largest(most) <= TOGETHER
    assert two_largest(-least) <= TOGETHER
