"""Small questions to a graph, and the one way to rewire it."""

from __future__ import annotations

import openvino as ov
import openvino.passes as passes

from ovsharp.passes.coding import Values


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


def clamped(output: ov.Output) -> tuple[ov.Output, tuple[float | None, float | None]]:
    """Give what a clamp reads, and its bounds; of anything else itself, without bounds.

    A Clip of ONNX is read as one operation, or as a maximum and a minimum in either order.
    """
    node = output.get_node()
    if node.get_type_name() == "Clamp":
        bounds = node.get_attributes()
        return node.input_value(0), (float(bounds["min"]), float(bounds["max"]))
    found: dict[str, float] = {}
    while (kind := node.get_type_name()) in ("Minimum", "Maximum") and kind not in found:
        source, bound = scalar_operand(node)
        if source is None:
            break
        found[kind], output = bound, source
        node = output.get_node()
    return output, (found.get("Maximum"), found.get("Minimum"))


def scalar_operand(node: ov.Node) -> tuple[ov.Output | None, float]:
    """Give the tensor and the one number that an operation of two combines; None if it does not."""
    for port in (0, 1):
        constant = node.input_value(port).get_node()
        if constant.get_type_name() == "Constant" and constant.data.size == 1:
            return node.input_value(1 - port), float(constant.data.reshape(-1)[0])
    return None, 0.0


def fold_constants(model: ov.Model) -> None:
    """Compute everything that does not depend on an input, in place."""
    manager = passes.Manager()
    manager.register_pass(passes.ConstantFolding())
    manager.run_passes(model)


def redirect(old: ov.Output, new: ov.Output) -> None:
    """Let everything that reads one tensor read another, in place."""
    for reader in old.get_target_inputs():
        reader.replace_source_output(new)


def count_parameters(model: ov.Model) -> int:
    """Count the trained numbers: the f32 constants that are more than one number."""
    total = 0
    for node in model.get_ops():
        if node.get_type_name() == "Constant" and node.get_element_type() == ov.Type.f32:
            readers = [port.get_node() for port in node.output(0).get_target_inputs()]
            # Its f32 constants are scales of the picture's sides.
            resizes = any(reader.get_type_name() == "Interpolate" for reader in readers)
            total += int(node.data.size) if node.data.size > 1 and not resizes else 0
    return total
