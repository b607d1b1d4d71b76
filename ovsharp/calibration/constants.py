"""Weights, biases and bounds of a graph: read and replaced as arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import openvino as ov
from openvino import opset13 as ops


def value(port: ov.Input) -> npt.NDArray[Any] | None:
    """Give what a constant input holds; None for one that is computed."""
    node = port.get_source_output().get_node()
    if node.get_type_name() == "Convert":  # weights that are stored as f16
        node = node.input_value(0).get_node()
    return np.array(node.data) if node.get_type_name() == "Constant" else None


def replace(port: ov.Input, values: npt.NDArray[Any]) -> None:
    """Let an input read other values, as f32, under the name of those before."""
    fresh = ops.constant(values.astype(np.float32))
    fresh.set_friendly_name(port.get_source_output().get_node().get_friendly_name())
    port.replace_source_output(fresh.output(0))


def bias_of(layer: ov.Node) -> ov.Input | None:
    """Give the input of the addition behind a layer that its bias comes in by, if it has one."""
    for reader in layer.output(0).get_target_inputs():
        addition = reader.get_node()
        port = addition.input(1 - reader.get_index()) if addition.get_input_size() == 2 else None
        if addition.get_type_name() == "Add" and port is not None and value(port) is not None:
            return port
    return None
