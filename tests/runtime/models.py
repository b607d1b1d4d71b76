"""Models and frames that only the runtime's tests need."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import openvino as ov
from openvino import opset13 as ops

from ovsharp.engine import Frame, write_ir
from tests.networks import frame_model, frame_spec


def noise(height: int, width: int, seed: int = 0) -> Frame:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def write_with_spec(folder: Path, **changes: object) -> Path:
    """Write a tiny network (scale 1, margin 3) with some fields of its spec changed."""
    return write_ir(frame_model(), frame_spec(**changes), folder)


def write_base_model(folder: Path, *, scale: int = 2) -> Path:
    """Write a model with two inputs that gives 3/4 of the base and 1/4 of the blurred frame."""
    frame = ops.parameter([1, -1, -1, 3], np.uint8, name="frame")
    base = ops.parameter([1, -1, -1, 3], np.uint8, name="base")
    frame.output(0).set_names({"frame"})
    base.output(0).set_names({"base"})

    def picture(node: ov.Node) -> ov.Node:
        return ops.transpose(ops.convert(node, np.float32), ops.constant([0, 3, 1, 2]))

    box = np.zeros((3, 3, 3, 3), np.float32)
    box[range(3), range(3)] = 1 / 9
    blurred = ops.convolution(picture(frame), ops.constant(box), [1, 1], [1, 1], [1, 1], [1, 1])
    grown = ops.depth_to_space(ops.concat([blurred] * scale**2, 1), "blocks_first", scale)
    mixed = ops.add(
        ops.multiply(picture(base), ops.constant(np.float32(0.75))),
        ops.multiply(grown, ops.constant(np.float32(0.25))),
    )
    levels = ops.clamp(ops.round(mixed, "half_to_even"), 0, 255)
    sharp = ops.transpose(ops.convert(levels, np.uint8), ops.constant([0, 2, 3, 1]))
    sharp.output(0).set_names({"sharp"})
    spec = frame_spec(scale=scale, base=True, margin=1)
    return write_ir(ov.Model([sharp], [frame, base], "base"), spec, folder)
