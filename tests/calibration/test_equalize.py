"""Channels between two convolutions get one range, and the network computes what it did."""

from __future__ import annotations

import numpy as np
import openvino as ov
import pytest
from openvino import opset13 as ops

from ovsharp.calibration.equalize import LARGEST, USUAL, equalized
from ovsharp.calibration.running import outputs

SPREAD = np.array([1, 0.5, 0.25, 0.01], np.float32)
"""What the channels of the first layer are multiplied by."""


def network(*, activation: str = "relu", skip: bool = False) -> ov.Model:
    """Two convolutions with an activation between, of four channels of unequal size."""
    rng = np.random.default_rng(1)
    first = rng.normal(0, 0.3, (4, 3, 3, 3)).astype(np.float32) * SPREAD[:, None, None, None]
    last = rng.normal(0, 0.3, (3, 4, 3, 3)).astype(np.float32)
    frame = ops.parameter([1, 16, 16, 3], np.uint8, name="frame")
    frame.output(0).set_names({"frame"})
    planes = ops.transpose(ops.convert(frame, np.float32), ops.constant([0, 3, 1, 2]))
    once, around = [1, 1], ([1, 1], [1, 1], [1, 1])
    node = ops.convolution(planes, ops.constant(first), once, *around)
    bias = rng.normal(0, 1, (1, 4, 1, 1)).astype(np.float32) * SPREAD[:, None, None]
    node = ops.add(ops.constant(bias), node)
    node = ops.relu(node) if activation == "relu" else ops.prelu(node, np.float32(0.1))
    node.set_friendly_name("between")
    result = ops.convolution(node, ops.constant(last), once, *around)
    if skip:
        result = ops.concat([result, node], 1)
    return ov.Model([result], [frame], "two")


FRAMES = [
    {"frame": np.random.default_rng(seed).integers(0, 256, (1, 16, 16, 3), np.uint8)}
    for seed in range(3)
]


def largest(model: ov.Model) -> np.ndarray:
    """Give the usual largest magnitude of each channel between the convolutions."""
    clone = model.clone()
    node = next(node for node in clone.get_ops() if node.get_friendly_name() == "between")
    part = ov.Model([ops.result(node)], clone.get_parameters(), "part")
    maxima = [np.abs(found).max(axis=(0, 2, 3)) for found in outputs(part, FRAMES)]
    return np.asarray(np.quantile(maxima, USUAL, axis=0))


@pytest.mark.parametrize("activation", ["relu", "prelu"])
def test_the_network_computes_what_it_did(activation: str) -> None:
    model = network(activation=activation)
    same = equalized(model, FRAMES)
    for before, after in zip(outputs(model, FRAMES), outputs(same, FRAMES), strict=True):
        np.testing.assert_allclose(after, before, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("activation", ["relu", "prelu"])
def test_channels_get_one_range_as_far_as_the_limit_allows(activation: str) -> None:
    model = network(activation=activation)
    before = largest(model)
    after = largest(equalized(model, FRAMES))
    assert before.max() > 4 * np.sort(before)[1]
    np.testing.assert_allclose(after, np.minimum(before.max(), LARGEST * before), rtol=1e-4)


def test_a_rare_frame_does_not_decide() -> None:
    """One of 31 is bright, and coloured as no other: by itself it gives other factors."""
    dim = [{"frame": one["frame"] // 8} for one in FRAMES]
    rare = {"frame": np.full((1, 16, 16, 3), (0, 255, 0), np.uint8)}
    usual = largest(equalized(network(), dim))
    assert np.abs(largest(equalized(network(), [rare])) / usual - 1).max() > 0.2
    assert largest(equalized(network(), [*dim * 10, rare])) == pytest.approx(usual, rel=0.05)


def test_what_others_read_too_stays_as_it_is() -> None:
    model = network(skip=True)
    np.testing.assert_array_equal(largest(equalized(model, FRAMES)), largest(model))
