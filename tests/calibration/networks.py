"""A network that 8 bits hurt: the input of its middle layer has one channel of huge values."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import openvino as ov
from openvino import opset13 as ops

from ovsharp.engine import write_ir
from ovsharp.spec import ModelSpec
from tests.networks import frame_spec

HOSTILE_LAYER = "middle"


def hostile_model(outlier: float = 400.0) -> ov.Model:
    """Three convolutions; what the first one multiplies in one channel the second one divides."""
    rng = np.random.default_rng(1)

    def weights(inputs: int, outputs: int) -> np.ndarray:
        return rng.normal(0, (2 / (9 * inputs)) ** 0.5, (outputs, inputs, 3, 3)).astype(np.float32)

    def convolution(node: ov.Node, values: np.ndarray, name: str) -> ov.Node:
        constant = ops.constant(values)
        return ops.convolution(node, constant, [1, 1], [1, 1], [1, 1], [1, 1], name=name)

    first, middle, last = weights(3, 8), weights(8, 8), weights(8, 3)
    first[0] *= outlier
    middle[:, 0] /= outlier
    frame = ops.parameter([1, -1, -1, 3], np.uint8, name="frame")
    frame.output(0).set_names({"frame"})
    planes = ops.transpose(ops.convert(frame, np.float32), ops.constant([0, 3, 1, 2]))
    image = ops.divide(planes, ops.constant(np.float32(255)))
    # A clamp: through a ReLU, the channels would be given one range.
    node = ops.clamp(convolution(image, first, "first"), 0, 1e6)
    node = ops.relu(convolution(node, middle, HOSTILE_LAYER))
    node = convolution(node, last, "last")
    node = ops.add(image, ops.multiply(node, ops.constant(np.float32(0.2))), name="skip")
    levels = ops.round(ops.multiply(node, ops.constant(np.float32(255))), "half_to_even")
    sharp = ops.convert(ops.clamp(levels, 0, 255), np.uint8)
    sharp = ops.transpose(sharp, ops.constant([0, 2, 3, 1]))
    sharp.output(0).set_names({"sharp"})
    return ov.Model([sharp], [frame], "hostile")


def unsharp_model() -> ov.Model:
    """A 3x3 filter that raises what a blur lowers."""
    kernel = np.full((3, 3), -0.12, np.float32)
    kernel[1, 1] += 1 - kernel.sum()
    frame = ops.parameter([1, -1, -1, 3], np.uint8, name="frame")
    frame.output(0).set_names({"frame"})
    planes = ops.transpose(ops.convert(frame, np.float32), ops.constant([0, 3, 1, 2]))
    weights = ops.constant(np.einsum("oi,hw->oihw", np.eye(3, dtype=np.float32), kernel))
    edges = ops.pad(planes, ops.constant([0, 0, 1, 1]), ops.constant([0, 0, 1, 1]), "edge")
    node = ops.convolution(edges, weights, [1, 1], [0, 0], [0, 0], [1, 1])
    sharp = ops.convert(ops.clamp(ops.round(node, "half_to_even"), 0, 255), np.uint8)
    sharp = ops.transpose(sharp, ops.constant([0, 2, 3, 1]))
    sharp.output(0).set_names({"sharp"})
    return ov.Model([sharp], [frame], "unsharp")


def write_hostile(folder: Path) -> tuple[Path, ModelSpec]:
    """Write `hostile_model` as an IR."""
    spec = frame_spec(layers=3, name="hostile")
    return write_ir(hostile_model(), spec, folder), spec
