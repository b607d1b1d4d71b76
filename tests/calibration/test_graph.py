"""Which parts of a graph stay in floating point, by structure alone."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import openvino as ov
from openvino import opset13 as ops

from ovsharp.calibration.graph import (
    drop_idle_quantizers,
    drop_quantizers,
    float_operations,
    give_layer_back,
    has_signed_activations,
    is_quantized,
    layers,
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
    ends = types(model, float_operations(model))
    assert ends == ["Divide", "Multiply", "Add", "Multiply", "Round", "Clamp"]


def test_what_joins_tensors_stays_in_floating_point_and_so_does_resizing() -> None:
    """Frame -> conv -> + frame -> conv -> + -> resize -> conv: all between layers."""
    weights = ops.constant(np.ones((3, 3, 1, 1), np.float32))
    frame = ops.parameter([1, 3, 8, 8], np.float32, name="frame")

    def convolution(node: ov.Node) -> ov.Node:
        return ops.convolution(node, weights, [1, 1], [0, 0], [0, 0], [1, 1])

    biased = ops.add(convolution(frame), ops.constant(np.ones((1, 3, 1, 1), np.float32)))
    skip = ops.add(biased, ops.multiply(frame, ops.constant(np.float32(2))), name="skip")
    inner = ops.relu(convolution(skip), name="relu")
    local = ops.add(inner, convolution(inner), name="local")
    larger = ops.interpolate(
        local, ops.constant([16, 16]), "nearest", "sizes", axes=ops.constant([2, 3]), name="resize"
    )
    found = float_operations(ov.Model([convolution(larger)], [frame]))
    assert {"skip", "local", "resize"} <= set(found)
    assert not {biased.get_friendly_name(), "relu"} & set(found)


def test_attention_stays_in_floating_point_and_is_no_layer() -> None:
    """Both factors come from the picture; weights behind a conversion make a layer."""
    frame = ops.parameter([1, 4, 16], np.float32, name="frame")
    weights = ops.convert(ops.constant(np.ones((4, 4), np.float16)), np.float32)
    mixed = ops.matmul(weights, frame, False, False, name="linear")
    product = ops.matmul(mixed, frame, False, True, name="attention")
    last = ops.matmul(product, ops.constant(np.ones((4, 4), np.float32)), False, False, name="last")
    model = ov.Model([last], [frame])
    assert layers(model) == ("linear", "last")
    assert float_operations(model) == ("attention",)


def quantized(node: ov.Node, name: str) -> ov.Node:
    low, high = ops.constant(np.float32(0)), ops.constant(np.float32(1))
    return ops.fake_quantize(node, low, high, low, high, 256, name=name)


def convolution(node: ov.Node, name: str) -> ov.Node:
    weights = quantized(ops.constant(np.ones((3, 3, 1, 1), np.float32)), f"{name}/weights")
    return ops.convolution(node, weights, [1, 1], [0, 0], [0, 0], [1, 1], name=name)


def left(model: ov.Model) -> set[str]:
    kinds = {op.get_friendly_name(): op.get_type_name() for op in model.get_ops()}
    return {name for name, kind in kinds.items() if kind == "FakeQuantize"}


def without(model: ov.Model, layer: str) -> ov.Model:
    clone = model.clone()
    give_layer_back(next(op for op in clone.get_ops() if op.get_friendly_name() == layer))
    drop_idle_quantizers(clone)
    return clone


def test_taking_the_quantizers_of_a_layer_out_leaves_the_others() -> None:
    frame = ops.parameter([1, 3, 8, 8], np.float32, name="frame")
    first = convolution(quantized(frame, "picture"), "first")
    model = ov.Model([convolution(quantized(first, "middle"), "second")], [frame])
    once = without(model, "second")
    assert left(once) == {"picture", "first/weights"}
    assert is_quantized(once)
    assert not is_quantized(without(once, "first"))
    drop_quantizers(model)
    assert not is_quantized(model)


def test_a_quantizer_that_two_layers_read_stays_for_the_other() -> None:
    frame = ops.parameter([1, 3, 8, 8], np.float32, name="frame")
    picture = quantized(frame, "picture")
    model = ov.Model([convolution(picture, "one"), convolution(picture, "two")], [frame])
    once = without(model, "one")
    assert left(once) == {"picture", "two/weights"}
    one = next(op for op in once.get_ops() if op.get_friendly_name() == "one")
    assert one.input_value(0).get_node().get_type_name() == "Parameter"


def test_quantizers_of_an_addition_go_with_the_last_layer_behind_it() -> None:
    """Conv -> quantizer -> + (what came in, quantized) -> quantizer -> conv."""
    frame = ops.parameter([1, 3, 8, 8], np.float32, name="frame")
    first = convolution(quantized(frame, "picture"), "first")
    both = ops.add(quantized(first, "left"), quantized(ops.relu(first), "right"))
    model = ov.Model([convolution(quantized(both, "sum"), "last")], [frame])
    untouched = left(model)
    drop_idle_quantizers(model)
    assert left(model) == untouched
    assert left(without(model, "last")) == {"picture", "first/weights"}
    assert {"left", "right", "sum"} <= left(without(model, "first"))


def test_activations_that_let_negative_values_through_are_known() -> None:
    frame = ops.parameter([1, 3, 8, 8], np.float32, name="frame")
    assert has_signed_activations(ov.Model([ops.prelu(frame, ops.constant([0.1]))], [frame]))
    assert not has_signed_activations(ov.Model([ops.relu(frame)], [frame]))
