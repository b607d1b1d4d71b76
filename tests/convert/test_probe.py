"""Scale, multiple, minimum and margin of networks whose figures are known on paper."""

import numpy as np
import openvino as ov
import pytest
from openvino import opset13 as ops

from ovsharp.convert.probe import Geometry, probe_geometry
from ovsharp.convert.reach import margin_of
from ovsharp.errors import UnsupportedModelError
from ovsharp.passes.coding import Coding
from tests.convert import drawn


def geometry(draw: drawn.Draw, **shape: tuple[int, ...]) -> Geometry:
    body = drawn.settled(drawn.float_model(draw, **shape))
    return probe_geometry(body, Coding(), body.network)


def constant(value: float) -> ov.Node:
    return ops.constant(np.float32(value))


def three_layers(x: ov.Node) -> ov.Node:
    x = ops.relu(drawn.convolution(x, 3, 4, kernel=5))
    x = ops.relu(drawn.convolution(x, 4, 4, dilation=3))
    return drawn.convolution(x, 4, 3, kernel=1)


def dead(x: ov.Node) -> ov.Node:
    """Nothing gets through: a run of the network would see no reach at all."""
    hidden = ops.relu(ops.subtract(drawn.convolution(x, 3, 4), constant(1e6)))
    return drawn.convolution(hidden, 4, 3)


def unshuffled(x: ov.Node) -> ov.Node:
    packed = ops.space_to_depth(x, "depth_first", 4)
    return ops.depth_to_space(drawn.convolution(packed, 48, 48), "depth_first", 4)


def u_net(x: ov.Node) -> ov.Node:
    top = ops.relu(drawn.convolution(x, 3, 4))
    low, _ = ops.max_pool(top, [2, 2], [1, 1], [0, 0], [0, 0], [2, 2]).outputs()
    low = drawn.convolution(low, 4, 4)
    up = ops.convolution_backprop_data(low, drawn.weights(4, 4, 2, 2), [2, 2])
    return drawn.convolution(ops.concat([top, up], 1), 8, 3)


def enlarged(x: ov.Node) -> ov.Node:
    sizes = {"mode": "nearest", "shape_calculation_mode": "scales"}
    node = ops.interpolate(
        drawn.convolution(x, 3, 4), ops.constant(np.float32([2, 2])), **sizes, axes=[2, 3]
    )
    return drawn.convolution(node, 4, 3)


def strided(x: ov.Node) -> ov.Node:
    """Takes any size, but its grid starts at even places."""
    small = drawn.convolution(x, 3, 3, stride=2)
    sides = ops.gather(ops.shape_of(x), ops.constant([2, 3]), ops.constant(0))
    return ops.interpolate(small, sides, "nearest", "sizes", axes=[2, 3])


def spatial_attention(x: ov.Node) -> ov.Node:
    mean = ops.reduce_mean(x, ops.constant([1]), keep_dims=True)
    largest = ops.reduce_max(x, ops.constant([1]), keep_dims=True)
    weight = drawn.convolution(ops.concat([mean, largest], 1), 2, 1, kernel=7)
    return ops.multiply(x, ops.sigmoid(weight))


@pytest.mark.parametrize(
    ("draw", "expected"),
    [
        (ops.relu, Geometry(1, 1, 0)),
        (three_layers, Geometry(1, 1, 2 + 3)),
        (drawn.residual, Geometry(1, 1, 2)),
        (dead, Geometry(1, 1, 2)),
        (unshuffled, Geometry(4, 4, 8)),
        (u_net, Geometry(2, 2, 6)),
        (enlarged, Geometry(1, 1, 2)),
        (strided, Geometry(2, 2, 2)),
        (spatial_attention, Geometry(1, 1, 3)),
    ],
)
def test_geometry(draw: drawn.Draw, expected: Geometry) -> None:
    assert geometry(draw) == expected


def channel_attention(x: ov.Node) -> ov.Node:
    pooled = ops.reduce_mean(x, ops.constant([2, 3]), keep_dims=True)
    return ops.multiply(x, ops.sigmoid(drawn.convolution(pooled, 3, 3, kernel=1)))


def instance_norm(x: ov.Node) -> ov.Node:
    return ops.mvn(x, ops.constant([2, 3]), True, 1e-5, "inside_sqrt")


def softmax_over_rows(x: ov.Node) -> ov.Node:
    return ops.softmax(x, 2)


def unknown(x: ov.Node) -> ov.Node:
    return ops.cum_sum(x, ops.constant(1))


@pytest.mark.parametrize("draw", [channel_attention, instance_norm, softmax_over_rows, unknown])
def test_what_looks_at_the_whole_picture_has_no_margin(draw: drawn.Draw) -> None:
    assert geometry(draw) == Geometry(1, 1, None)


def corner_to_corner(x: ov.Node) -> ov.Node:
    small = drawn.convolution(x, 3, 3, stride=2)
    factors = ops.constant(np.array([2, 2], np.float32))
    return ops.interpolate(
        small,
        factors,
        "linear",
        "scales",
        coordinate_transformation_mode="align_corners",
        axes=ops.constant([2, 3]),
    )


def test_a_resize_corner_to_corner_looks_at_the_size_of_the_picture(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No shift leaves it as it is, and none is tried: that took minutes."""
    monkeypatch.setattr("ovsharp.convert.probe.margin_of", None)
    assert geometry(corner_to_corner) == Geometry(2, 2, None)


def test_a_base_counts_into_the_margin() -> None:
    small = ops.parameter([1, 3, -1, -1], np.float32, name="small")
    large = ops.parameter([1, 3, -1, -1], np.float32, name="large")
    detail = ops.depth_to_space(drawn.convolution(small, 3, 12), "depth_first", 2)
    answer = ops.add(drawn.convolution(large, 3, 3, kernel=9), detail)
    body = drawn.settled(ov.Model([answer], [small, large], "two inputs"))

    # The base reaches 4 of its own pixels: 2 of the frame. The frame itself reaches 1.
    assert margin_of(body, 1, 1) == 2


def test_an_output_that_is_never_a_multiple_of_the_input_is_refused() -> None:
    def cropped(x: ov.Node) -> ov.Node:
        return ops.convolution(x, drawn.weights(3, 3, 3, 3), [1, 1], [0, 0], [0, 0], [1, 1])

    with pytest.raises(UnsupportedModelError, match="1 to 8 times"):
        geometry(cropped)


def test_one_size_only_has_no_margin() -> None:
    body = drawn.settled(drawn.float_model(drawn.residual), size=(40, 24))

    assert probe_geometry(body, Coding(), body.network).margin is None
