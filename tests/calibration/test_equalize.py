"""Channels between two convolutions get one range, and the network computes what it did."""

from __future__ import annotations

from typing import Any

import numpy as np
import openvino as ov
import pytest
from openvino import opset13 as ops

from ovsharp.calibration.equalize import LARGEST, USUAL, equalized
from ovsharp.calibration.running import outputs

SPREAD = np.array([1, 0.5, 0.25, 0.01], np.float32)
"""What the channels of the first layer are multiplied by."""


def network(*, activation: str = "relu", skip: bool = False, far: str = "") -> ov.Model:
    """Two convolutions with an activation between, of four channels of unequal size.

    Args:
        activation: what lies between.
        skip: whether the result has what lies between in it, too.
        far: what is added in front of the activation: a third convolution, at a quarter of the
            resolution, or the picture itself.
    """
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
    if far == "convolution":
        coarse = rng.normal(0, 0.05, (4, 3, 4, 4)).astype(np.float32) * SPREAD[:, None, None, None]
        down = ops.convolution(planes, ops.constant(coarse), [4, 4], [0, 0], [0, 0], [1, 1])
        down = ops.add(down, ops.constant(bias[:, ::-1].copy()))
        sizes = ops.constant(np.array([16, 16], np.int64))
        up = ops.interpolate(
            down, sizes, mode="nearest", shape_calculation_mode="sizes", axes=ops.constant([2, 3])
        )
        node = ops.add(node, up)
    elif far == "picture":
        node = ops.add(node, ops.slice(ops.concat([planes, planes], 1), [0], [4], [1], [1]))
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


@pytest.mark.parametrize("far", ["", "convolution", "picture"])
@pytest.mark.parametrize("activation", ["relu", "prelu"])
def test_the_network_computes_what_it_did(activation: str, far: str) -> None:
    model = network(activation=activation, far=far)
    same = equalized(model, FRAMES)
    for before, after in zip(outputs(model, FRAMES), outputs(same, FRAMES), strict=True):
        np.testing.assert_allclose(after, before, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("far", ["", "convolution"])
@pytest.mark.parametrize("activation", ["relu", "prelu"])
def test_channels_get_one_range_as_far_as_the_limit_allows(activation: str, far: str) -> None:
    model = network(activation=activation, far=far)
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


def test_a_sum_of_constants_is_left_alone() -> None:
    frame = ops.parameter([1, 1, 4, 4], np.float32, name="frame")
    constant = ops.add(ops.constant(np.float32([[[[1]]]])), ops.constant(np.float32([[[[2]]]])))
    weights = ops.constant(np.ones((1, 1, 1, 1), np.float32))
    node = ops.convolution(ops.relu(constant), weights, [1, 1], [0, 0], [0, 0], [1, 1])
    model = ov.Model([ops.add(frame, node)], [frame], "constants")
    assert len(equalized(model, []).get_ops()) == len(model.get_ops())


@pytest.mark.parametrize("kind", [{"skip": True}, {"far": "picture"}])
def test_what_others_read_or_bring_too_stays_as_it_is(kind: dict[str, Any]) -> None:
    model = network(**kind)
    np.testing.assert_array_equal(largest(equalized(model, FRAMES)), largest(model))
