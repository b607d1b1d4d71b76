"""How far a pixel can change the picture: the receptive field, from the structure of the graph.

The graph is turned into one of reachability. Its values are 0 and 1 for "this pixel was not / was
touched"; every weight becomes 1, every activation lets its input pass, a sum of two tensors takes
the larger, a mean over an axis becomes its maximum. One touched row then shows which rows of the
output it can reach, whatever the weights are: no dead ReLU and no weight too small for f32 hides
a path, as they may when the network itself is run on two pictures that differ in one pixel.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce

import numpy as np
import openvino as ov
from openvino import opset13 as ops

from ovsharp.passes import Body, Runner, fold_constants

_MOVES = {
    "BatchToSpace", "Broadcast", "DepthToSpace", "Gather", "MaxPool", "Pad", "Reshape",
    "Result", "Roll", "ShuffleChannels", "Slice", "SpaceToBatch", "SpaceToDepth", "Split",
    "Squeeze", "StridedSlice", "Tile", "Transpose", "Unsqueeze", "VariadicSplit",
}  # fmt: skip
"""Take values from other places, and zeros."""

_SUMS = {
    "AdaptiveAvgPool", "AvgPool", "Convolution", "ConvolutionBackpropData", "GroupConvolution",
    "GroupConvolutionBackpropData", "Interpolate", "MatMul",
}  # fmt: skip
"""Weigh and sum values of several places."""

_WEIGHTED = _SUMS - {"AdaptiveAvgPool", "AvgPool", "Interpolate"}

_POINTWISE = {
    "Abs", "Add", "BatchNormInference", "Ceiling", "Clamp", "Convert", "Cos", "Divide", "Elu",
    "Erf", "Exp", "FakeQuantize", "Floor", "Gelu", "HSigmoid", "HSwish", "HardSigmoid", "Log",
    "Maximum", "Minimum", "Mish", "Multiply", "Negative", "PRelu", "Power", "Relu", "Round",
    "Select", "Selu", "Sigmoid", "Sign", "Sin", "SoftPlus", "SoftSign", "Sqrt",
    "SquaredDifference", "Subtract", "Swish", "Tanh",
}  # fmt: skip
"""Combine values of the same place."""

_REDUCTIONS = {
    "ReduceL1", "ReduceL2", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum",
}  # fmt: skip
"""Combine values along the axes of their second input."""

_NORMALISATIONS = {"LogSoftmax", "MVN", "NormalizeL2", "Softmax"}
"""As reductions, with a result for each value."""

_HEIGHTS = (64, 256, 1024)
"""Lengths of picture, in units of `multiple`, up to which a reach is looked for."""


def margin_of(body: Body, multiple: int, minimum: int) -> int | None:
    """Give the receptive-field radius in input pixels, rounded up to `multiple`.

    Returns:
        How many pixels away an input pixel can still change the output, taken over rows and
        columns and all positions within `multiple`; None where it reaches the whole picture, or
        where the graph has an operation whose reach is not known.
    """
    radius = 0
    for vertical in (True, False):
        reach = _reach(body, multiple, minimum, vertical=vertical)
        if reach is None:
            return None
        radius = max(radius, reach)
    return -(-radius // multiple) * multiple


def _reach(body: Body, multiple: int, minimum: int, *, vertical: bool) -> int | None:
    """Give the radius along one axis; None if it is the whole picture or not known."""
    across = -(-minimum // multiple) * multiple
    for units in _HEIGHTS:
        length = max(units * multiple, across)
        model = body.model.clone()
        model.reshape(dict(enumerate(_pictures(body, length, across, vertical=vertical))))
        if not _to_reachability(model):
            return None
        reach = _touched_reach(model, body, multiple, length, across, vertical=vertical)
        if reach is not None:
            return reach
    return None


def _touched_reach(
    model: ov.Model, body: Body, multiple: int, length: int, across: int, *, vertical: bool
) -> int | None:
    """Touch each line within a multiple, at the middle; None if an edge of the picture is hit."""
    runner = Runner(model)
    axis = 2 if vertical else 3
    start = length // 2 // multiple * multiple
    farthest = 0
    for index, scale in enumerate(body.scales):
        for line in range(start * scale, (start + multiple) * scale):
            shapes = _pictures(body, length, across, vertical=vertical)
            inputs = [np.zeros(shape, np.float32) for shape in shapes]
            inputs[index][(slice(None),) * axis + (line,)] = 1
            result = runner(inputs)
            other = tuple(other for other in range(4) if other != axis)
            touched = np.flatnonzero((result > 0).any(axis=other))
            if len(touched) and (touched[0] == 0 or touched[-1] == result.shape[axis] - 1):
                return None
            farthest = max(farthest, _distance(touched // body.scale, line // scale))
    return farthest


def _distance(touched: np.ndarray, line: int) -> int:
    return int(np.abs(touched - line).max()) if len(touched) else 0


def _pictures(body: Body, length: int, across: int, *, vertical: bool) -> list[list[int]]:
    """Give the shapes of the network's inputs for a strip laid down or across."""
    height, width = (length, across) if vertical else (across, length)
    return [[1, body.channels, height * scale, width * scale] for scale in body.scales]


def _to_reachability(model: ov.Model) -> bool:
    """Turn a static float model into one of reachability, in place; False if it cannot be."""
    fold_constants(model)
    touched = {parameter.output(0) for parameter in model.get_parameters()}
    for node in model.get_ordered_ops():
        live = [i for i, port in enumerate(node.input_values()) if port in touched]
        if any(not node.input_value(i).get_element_type().is_real() for i in live):
            return False  # places of values, such as max-pooling gives: they may lead anywhere
        if live:
            outputs = _rewritten(node, live)
            if outputs is None:
                return False
            touched.update(outputs)
    model.validate_nodes_and_infer_types()
    return True


def _rewritten(node: ov.Node, live: list[int]) -> list[ov.Output] | None:
    """Replace one node whose inputs `live` are 0 and 1; None if its kind is not known."""
    kind = node.get_type_name()
    data = [node.input_value(index) for index in live]
    if kind == "Concat":
        _fill(node, [i for i in range(node.get_input_size()) if i not in live], 0)
        return list(node.outputs())
    if kind in _MOVES and live == [0]:
        _fill(node, [3] if kind == "Pad" and node.get_input_size() > 3 else [], 0)
        return list(node.outputs())
    if kind in _SUMS:
        _fill(node, [i for i in (0, 1) if kind in _WEIGHTED and i not in live], 1)
        return _replaced(node, lambda: ops.sign(ops.abs(node)))
    if kind in _POINTWISE:
        zeros = np.zeros(node.get_output_shape(0), np.float32)
        return _replaced(node, lambda: reduce(ops.maximum, data, ops.constant(zeros)))
    if kind in _REDUCTIONS and live == [0]:
        keep = bool(node.get_attributes()["keep_dims"])
        axes = node.input_value(1)
        return _replaced(node, lambda: ops.reduce_max(data[0], axes, keep))
    if kind in _NORMALISATIONS and live == [0]:
        axes = _normalised_axes(node)
        return _replaced(node, lambda: ops.maximum(data[0], ops.reduce_max(data[0], axes, True)))
    return None


def _normalised_axes(node: ov.Node) -> ov.Output:
    if node.get_input_size() > 1:
        return node.input_value(1)
    attributes = node.get_attributes()
    if "axis" in attributes:
        return ops.constant([attributes["axis"]]).output(0)
    return ops.constant([1, 2, 3] if attributes.get("across_channels") else [2, 3]).output(0)


def _replaced(node: ov.Node, make: Callable[[], ov.Node]) -> list[ov.Output]:
    """Let all that reads a node read a new one."""
    readers = node.output(0).get_target_inputs()
    output = make().output(0)
    for reader in readers:
        reader.replace_source_output(output)
    return [output]


def _fill(node: ov.Node, indices: Sequence[int], value: float) -> None:
    for index in indices:
        shape = node.input_value(index).get_shape()
        filled = ops.constant(np.full(shape, value, np.float32))
        node.input(index).replace_source_output(filled.output(0))
