"""Which parts of a graph stay in floating point, by structure alone."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import openvino as ov
from openvino import opset13 as ops

from ovsharp.calibration.graph import (
    drop_idle_quantizers,
    float_ends,
    is_quantized,
    layers,
    without_quantizers,
)
from tests.networks import frame_model


def types(model: ov.Model, names: Iterable[str]) -> list[str]:
    by_name = {node.get_friendly_name(): node for node in model.get_ops()}
    return [by_name[name].get_type_name() for name in names]


def test_layers_are_listed_in_order() -> None:
    model = frame_model(layers=3)
    assert types(model, layers(model)) == ["Convolution"] * 3


def test_the_ends_are_all_that_computes_outside_the_layers() -> None:
    model = frame_model(layers=3, unshuffle=2)
    ends = types(model, float_ends(model))
    assert ends == ["Divide", "Multiply", "Add", "Multiply", "Round", "Clamp"]


def test_a_skip_past_the_first_layers_is_found_between_layers() -> None:
    """Frame -> conv -> + frame -> conv: the addition is not at the end."""
    weights = ops.constant(np.ones((3, 3, 1, 1), np.float32))
    frame = ops.parameter([1, 3, -1, -1], np.float32, name="frame")

    def convolution(node: ov.Node) -> ov.Node:
        return ops.convolution(node, weights, [1, 1], [0, 0], [0, 0], [1, 1])

    biased = ops.add(convolution(frame), ops.constant(np.ones((1, 3, 1, 1), np.float32)))
    skip = ops.add(biased, ops.multiply(frame, ops.constant(np.float32(2))), name="skip")
    inner = convolution(skip)
    local = ops.add(inner, convolution(inner), name="local")
    model = ov.Model([convolution(local)], [frame])
    assert "skip" in float_ends(model)
    assert "local" not in float_ends(model)
    assert biased.get_friendly_name() not in float_ends(model)


def test_taking_the_quantizers_of_a_layer_out_leaves_the_others() -> None:
    def quantized(node: ov.Node) -> ov.Node:
        low, high = ops.constant(np.float32(0)), ops.constant(np.float32(1))
        return ops.fake_quantize(node, low, high, low, high, 256)

    frame = ops.parameter([1, 3, 8, 8], np.float32, name="frame")
    node: ov.Node = frame
    for name in ("first", "second"):
        weights = quantized(ops.constant(np.ones((3, 3, 1, 1), np.float32)))
        node = ops.convolution(quantized(node), weights, [1, 1], [0, 0], [0, 0], [1, 1], name=name)
    model = ov.Model([node], [frame])

    def count(some: ov.Model) -> int:
        return sum(op.get_type_name() == "FakeQuantize" for op in some.get_ops())

    once = without_quantizers(model, "second")
    assert (count(model), count(once)) == (4, 2)
    assert is_quantized(once)
    assert not is_quantized(without_quantizers(once, "first"))


def test_quantizers_of_an_addition_go_with_the_last_layer_behind_it() -> None:
    """Conv -> quantizer -> + (what came in, quantized) -> quantizer -> conv."""

    def quantized(node: ov.Node, name: str) -> ov.Node:
        low, high = ops.constant(np.float32(0)), ops.constant(np.float32(1))
        return ops.fake_quantize(node, low, high, low, high, 256, name=name)

    def convolution(node: ov.Node, name: str) -> ov.Node:
        weights = quantized(ops.constant(np.ones((3, 3, 1, 1), np.float32)), f"{name}/weights")
        return ops.convolution(node, weights, [1, 1], [0, 0], [0, 0], [1, 1], name=name)

    frame = ops.parameter([1, 3, 8, 8], np.float32, name="frame")
    first = convolution(quantized(frame, "picture"), "first")
    both = ops.add(quantized(first, "left"), quantized(ops.relu(first), "right"))
    model = ov.Model([convolution(quantized(both, "sum"), "last")], [frame])

    def left(some: ov.Model) -> set[str]:
        kinds = {op.get_friendly_name(): op.get_type_name() for op in some.get_ops()}
        return {name for name, kind in kinds.items() if kind == "FakeQuantize"}

    untouched = left(model)
    drop_idle_quantizers(model)
    assert left(model) == untouched
    assert left(without_quantizers(model, "last")) == {"picture", "first/weights"}
    assert {"left", "right", "sum"} <= left(without_quantizers(model, "first"))
