"""Small questions to a graph, and the one way to rewire it."""

from __future__ import annotations

import openvino as ov

from ovsharp.convert.coding import Values


def constant_values(node: ov.Node, index: int) -> Values:
    """Give the values of a constant input."""
    values: Values = node.input_value(index).get_node().data
    return values


def is_convolution(node: ov.Node) -> bool:
    """Whether it is an ungrouped convolution with constant weights."""
    return bool(
        node.get_type_name() == "Convolution"
        and node.input_value(1).get_node().get_type_name() == "Constant"
    )


def is_bias(node: ov.Node) -> bool:
    """Whether it adds one constant to each channel of an N x C x H x W tensor."""
    if node.get_type_name() != "Add":
        return False
    constant = node.input_value(1).get_node()
    if constant.get_type_name() != "Constant":
        return False
    shape = constant.get_output_shape(0)
    return len(shape) == 4 and shape[1] > 1 and shape[0] == shape[2] == shape[3] == 1


def redirect(old: ov.Output, new: ov.Output) -> None:
    """Let everything that reads one tensor read another, in place."""
    for reader in old.get_target_inputs():
        reader.replace_source_output(new)
