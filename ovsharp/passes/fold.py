"""Moves the colour order and the input's scale into weights that are multiplied anyway."""

from __future__ import annotations

import numpy as np
import openvino as ov
from openvino import opset13 as ops

from ovsharp.passes.coding import Values
from ovsharp.passes.draft import Draft
from ovsharp.passes.graph import constant_values, is_bias, is_convolution

_BGR = [2, 1, 0]
_POINTWISE = {"Add", "Clamp", "Maximum", "Minimum", "Multiply", "Relu", "Sigmoid", "Tanh"}


def fold_input(draft: Draft) -> Draft:
    """Let the first convolution take levels instead of values.

    Done only where it is exact: one convolution with constant weights is all that reads the
    picture, and black is 0 (else the zeros of its padding would no longer be black).
    """
    readers = list(draft.picture.output(0).get_target_inputs())
    if draft.body.channels != 3 or draft.unshuffle or len(readers) != 1 or np.any(draft.offset):
        return draft
    convolution = readers[0].get_node()
    if not is_convolution(convolution) or readers[0].get_index() != 0:
        return draft
    weights = constant_values(convolution, 1) / draft.divisor.reshape(1, -1, 1, 1)
    _set_values(convolution, 1, weights[:, _BGR] if draft.swap else weights)
    return draft.after(
        "colour order and scale into the first convolution",
        divisor=np.ones_like(draft.divisor),
        swap=False,
    )


def fold_output(draft: Draft) -> Draft:
    """Let the last convolution give BGR instead of RGB.

    Done only where all that follows it treats the three channels alike: its bias, pixel shuffle
    and functions of one value.
    """
    if draft.shuffle is None and draft.swap_output and _reordered(draft.core):
        return draft.after("colour order into the last convolution", swap_output=False)
    return draft


def _reordered(model: ov.Model) -> bool:
    """Reorder the last convolution's channels in place; False where that is not possible."""
    output = model.get_results()[0].input_value(0)
    biases: list[ov.Node] = []
    shuffle: str | None = None
    while not is_convolution(output.get_node()):
        node = output.get_node()
        if len(output.get_target_inputs()) != 1:
            return False
        if node.get_type_name() == "DepthToSpace" and shuffle is None:
            shuffle = str(node.get_attributes()["mode"])
        elif is_bias(node):
            biases.append(node)
        elif node.get_type_name() not in _POINTWISE or not _reads_one_tensor(node):
            return False
        output = node.input_value(0)
    convolution = output.get_node()
    if len(output.get_target_inputs()) != 1:
        return False
    order = _channel_order(constant_values(convolution, 1).shape[0], shuffle)
    _set_values(convolution, 1, constant_values(convolution, 1)[order])
    for node in biases:
        bias = constant_values(node, 1)
        reorder = order if bias.shape[1] == len(order) else _BGR
        _set_values(node, 1, bias[:, reorder])
    return True


def _channel_order(channels: int, shuffle: str | None) -> list[int]:
    """Give the order of a convolution's channels that swaps the colours of its picture."""
    indices = np.arange(channels)
    if shuffle == "blocks_first":
        return [int(index) for index in indices.reshape(-1, 3)[:, _BGR].ravel()]
    return [int(index) for index in indices.reshape(3, -1)[_BGR].ravel()]


def _reads_one_tensor(node: ov.Node) -> bool:
    """Whether all inputs but the first are single numbers."""
    others = [port.get_node() for port in node.input_values()[1:]]
    return all(other.get_type_name() == "Constant" and np.size(other.data) == 1 for other in others)


def _set_values(node: ov.Node, index: int, values: Values) -> None:
    constant = ops.constant(np.ascontiguousarray(values, np.float32))
    node.input(index).replace_source_output(constant.output(0))
