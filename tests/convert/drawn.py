"""Float networks drawn with OpenVINO's own operations, and how to save them as ONNX."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import openvino as ov
from onnx import TensorProto, helper, numpy_helper
from openvino import opset13 as ops

from ovsharp.convert.settle import find_body
from ovsharp.passes.body import Body

Draw = Callable[[ov.Node], ov.Node]


def float_model(draw: Draw, *, shape: tuple[int, ...] = (1, 3, -1, -1)) -> ov.Model:
    picture = ops.parameter(list(shape), np.float32, name="picture")
    return ov.Model([draw(picture)], [picture], "drawn")


def settled(model: ov.Model, **known: Any) -> Body:
    """Give the body of a model, as `find_body` finds it."""
    return find_body(model, **known)[0]


def weights(*shape: int, seed: int = 0, gain: float = 1.0) -> ov.Node:
    fan_in = int(np.prod(shape[1:]))
    values = np.random.default_rng(seed).normal(0, gain * (2 / fan_in) ** 0.5, shape)
    return ops.constant(values.astype(np.float32))


def convolution(
    node: ov.Node,
    inputs: int,
    outputs: int,
    *,
    kernel: int = 3,
    stride: int = 1,
    dilation: int = 1,
    seed: int = 0,
    gain: float = 1.0,
) -> ov.Node:
    pad = [dilation * (kernel // 2)] * 2
    result = ops.convolution(
        node,
        weights(outputs, inputs, kernel, kernel, seed=seed, gain=gain),
        [stride, stride],
        pad,
        pad,
        [dilation, dilation],
    )
    bias = np.random.default_rng(seed + 100).normal(0, 0.02, (1, outputs, 1, 1))
    return ops.add(result, ops.constant(bias.astype(np.float32)))


def plain(node: ov.Node) -> ov.Node:
    """Two convolutions without a skip: both ends can be folded."""
    hidden = ops.relu(convolution(node, 3, 8, seed=1))
    return ops.clamp(convolution(hidden, 8, 3, seed=2), 0, 1)


def residual(node: ov.Node) -> ov.Node:
    """The picture plus a small correction."""
    hidden = ops.relu(convolution(node, 3, 8, seed=1))
    return ops.add(node, convolution(hidden, 8, 3, seed=2, gain=0.02))


def enlarging(mode: str) -> Draw:
    def draw(node: ov.Node) -> ov.Node:
        hidden = ops.relu(convolution(node, 3, 8, seed=1))
        return ops.depth_to_space(convolution(hidden, 8, 12, seed=2), mode, 2)

    return draw


def write_onnx(
    path: Path, *, height: int | str = "h", width: int | str = "w", outputs: int = 1
) -> Path:
    """Write x + 0.1 * convolution(x) as ONNX; with several outputs, the others are its parts."""
    rng = np.random.default_rng(0)
    kernel = (rng.normal(0, 0.02, (3, 3, 3, 3))).astype(np.float32)
    shape = [1, 3, height, width]
    names = ["sharp", "correction", "scaled"][:outputs]
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["frame", "kernel"], ["correction"], pads=[1, 1, 1, 1]),
            helper.make_node("Mul", ["correction", "tenth"], ["scaled"]),
            helper.make_node("Add", ["frame", "scaled"], ["sum"]),
            helper.make_node("Clip", ["sum", "zero", "one"], ["sharp"]),
        ],
        "drawn",
        [helper.make_tensor_value_info("frame", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in names],
        [
            numpy_helper.from_array(kernel, "kernel"),
            numpy_helper.from_array(np.float32(0.1), "tenth"),
            numpy_helper.from_array(np.float32(0), "zero"),
            numpy_helper.from_array(np.float32(1), "one"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, path)
    return path


def write_endless_onnx(path: Path) -> Path:
    """Write an ONNX model whose loop turns 2^62 times."""
    flag = helper.make_tensor_value_info("on", TensorProto.BOOL, [])
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["on"], ["still"]),
            helper.make_node("Relu", ["before"], ["after"]),
        ],
        "body",
        [
            helper.make_tensor_value_info("turn", TensorProto.INT64, []),
            flag,
            helper.make_tensor_value_info("before", TensorProto.FLOAT, None),
        ],
        [
            helper.make_tensor_value_info("still", TensorProto.BOOL, []),
            helper.make_tensor_value_info("after", TensorProto.FLOAT, None),
        ],
    )
    shape = [1, 3, "h", "w"]
    graph = helper.make_graph(
        [helper.make_node("Loop", ["turns", "go", "frame"], ["sharp"], body=body)],
        "endless",
        [helper.make_tensor_value_info("frame", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("sharp", TensorProto.FLOAT, shape)],
        [
            numpy_helper.from_array(np.int64(2**62), "turns"),
            numpy_helper.from_array(np.bool_(True), "go"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    path.write_bytes(model.SerializeToString())
    return path


def write_growing_onnx(path: Path, side: int = 40_000) -> Path:
    """Write a network of a few hundred bytes that adds the mean of `side` x `side` zeros."""
    nodes = [
        helper.make_node("ConstantOfShape", ["shape"], ["grown"]),
        helper.make_node("ReduceMean", ["grown"], ["mean"], keepdims=0),
        helper.make_node("Add", ["picture", "mean"], ["sum"]),
    ]
    shape = ["1", 3, "height", "width"]
    graph = helper.make_graph(
        nodes,
        "growing",
        [helper.make_tensor_value_info("picture", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("sum", TensorProto.FLOAT, shape)],
        [numpy_helper.from_array(np.array([side, side], np.int64), "shape")],
    )
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), path)
    return path
