"""The tail of an INT8 model for short vectors: one last convolution for each row of a cell.

An IR ends in one convolution and one permutation, which puts the rows of its cells of pixels below
one another. With AVX-512 that permutation is fast, for it masks the ends of runs; with AVX2 it
moves value by value. There the last convolution is run once for each row of a cell, each writes
whole lines of the picture, and the lines are copied side by side. The numbers stay the same, to the
bit. Corrections move in floating point, in older IRs as signed bytes. For those, 1920x1080 on two
cores of an AVX2 processor took 0.73 of the time for `x4-fast`, 0.85 for `sharp-fast`, 0.92 for
`call-balanced`, 0.97 for `x4-balanced`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import openvino as ov
from openvino import opset13 as ops

_UP = ("Reshape", "Transpose", "Add", "Convolution")
_UP_BYTES = ("Reshape", "Transpose", "Convert", "Clamp", "Round", "Add", "Convolution")
"""What lies before the permutation, if corrections move in floating point, or as bytes."""

_LINES = [0, 1, 3, 2, 4]
"""The permutation: cells [1, H, W, rows, 3 * columns] -> lines [1, H, rows, W, 3 * columns]."""


@dataclass(frozen=True)
class _Tail:
    convolution: ov.Node
    bias: ov.Output
    rows: int
    correction: ov.Node
    """float32 [1, rows * H, W, 3]: what is added to the frame, or to its base."""
    bytes: bool
    """Whether it moves as signed bytes."""


def split_rows(model: ov.Model) -> bool:
    """Rewrite the tail of an INT8 model in place, if it ends as the deploy graph does.

    Args:
        model: quantized, of fixed sizes, with a correction that is added to the frame.

    Returns:
        Whether it was rewritten; if not, it is as it was.
    """
    tail = _find(model)
    if tail is None:
        return False
    attributes = tail.convolution.get_attributes()
    geometry = [attributes[key] for key in ("strides", "pads_begin", "pads_end", "dilations")]
    weights = tail.convolution.input_value(1)
    lines = []
    for row in range(tail.rows):
        part = ops.convolution(
            tail.convolution.input_value(0), _part(weights, 0, row, tail.rows), *geometry
        )
        part.set_friendly_name(f"{tail.convolution.get_friendly_name()}/row{row}")
        levels = ops.add(part, _part(tail.bias, 1, row, tail.rows))
        if tail.bytes:
            # Rounds half to even and clamps as the IR's own nodes do, but inside the convolution.
            low, high = ops.constant(np.float32(-128)), ops.constant(np.float32(127))
            levels = ops.fake_quantize(levels, low, high, low, high, 256)
        nhwc = ops.transpose(levels, ops.constant([0, 2, 3, 1]))
        lines.append(ops.reshape(nhwc, ops.constant([0, 0, 1, -1]), special_zero=True))
    picture = list(tail.correction.get_output_shape(0))
    pixels = ops.reshape(ops.concat(lines, 2), ops.constant(picture), special_zero=False)
    for reader in tail.correction.output(0).get_target_inputs():
        reader.replace_source_output(pixels.output(0))
    return True


def _find(model: ov.Model) -> _Tail | None:
    for node in model.get_ops():
        if node.get_type_name() == "Transpose" and _integers(node) == _LINES:
            break
    else:
        return None
    up, down = _above(node, *_UP), _below(node, "Reshape")
    in_bytes = up is None
    if in_bytes:
        up, down = _above(node, *_UP_BYTES), _below(node, "Reshape", "Convert")
    if up is None or down is None or down.get_output_element_type(0) != ov.Type.f32:
        return None
    convolution, add = up
    rows = node.get_input_shape(0)[3]
    known = _is_known(convolution.input_value(1)) and _is_known(add.input_value(1))
    quantized = convolution.input_value(0).get_node().get_type_name() == "FakeQuantize"
    if not (known and quantized):
        return None
    return _Tail(convolution, add.input_value(1), rows, down, in_bytes)


def _above(node: ov.Node, *kinds: str) -> tuple[ov.Node, ov.Node] | None:
    """Follow first inputs through nodes of these kinds; give the last node and the one below."""
    below = node
    for kind in kinds:
        below, node = node, node.input_value(0).get_node()
        if node.get_type_name() != kind:
            return None
    return node, below


def _below(node: ov.Node, *kinds: str) -> ov.Node | None:
    """Follow the only reader through nodes of these kinds; give the last."""
    for kind in kinds:
        readers = node.output(0).get_target_inputs()
        if len(readers) != 1:
            return None
        node = next(iter(readers)).get_node()
        if node.get_type_name() != kind:
            return None
    return node


def _integers(permutation: ov.Node) -> list[int]:
    order = permutation.input_value(1).get_node()
    return [int(axis) for axis in order.data] if order.get_type_name() == "Constant" else []


def _is_known(port: ov.Output) -> bool:
    """Whether a tensor is made of constants in the ways that `_part` takes apart."""
    node = port.get_node()
    kind = node.get_type_name()
    if kind in ("Convert", "Multiply"):
        return all(_is_known(source) for source in node.input_values())
    return bool(kind == "Constant")


def _part(port: ov.Output, axis: int, index: int, count: int) -> ov.Node:
    """Give one of `count` equal parts along an axis of a tensor made of constants.

    Its form stays (8-bit weights, converted and scaled): OpenVINO knows quantized weights by it.
    """
    node = port.get_node()
    if node.get_type_name() == "Convert":
        source = _part(node.input_value(0), axis, index, count)
        return ops.convert(source, node.get_output_element_type(0))
    if node.get_type_name() == "Multiply":
        return ops.multiply(*(_part(source, axis, index, count) for source in node.input_values()))
    values = node.data
    if values.ndim > axis and values.shape[axis] > 1:
        values = np.split(values, count, axis)[index]
    return ops.constant(np.ascontiguousarray(values))
