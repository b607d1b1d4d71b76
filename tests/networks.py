"""Small models for the tests, drawn with OpenVINO operations: no torch, no files of others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import openvino as ov
from openvino import opset13 as ops

from ovsharp.engine.ir import write_ir
from ovsharp.spec import ModelSpec, Quantization, Storage

QUANTIZATION = Quantization(
    calibration_sha256="abc123",
    calibration_images=300,
    preset="mixed",
    execution="int8+bf16",
    device="a processor",
    validation_images=40,
    ssim_drop=0.0012,
    psnr_drop=0.21,
    max_drop=0.002,
    float_layers=("conv1", "conv9"),
)
"""What an INT8 model might say of itself."""


def frame_model(
    *,
    scale: int = 1,
    unshuffle: int = 1,
    layers: int = 2,
    channels: int = 8,
    seed: int = 0,
    relu: bool = True,
) -> ov.Model:
    """uint8 NHWC BGR frame -> uint8 NHWC BGR frame through `layers` random 3x3 convolutions.

    With scale 1 the network adds a correction to its input; otherwise it gives the picture alone.
    """
    rng = np.random.default_rng(seed)

    def convolution(node: ov.Node, inputs: int, outputs: int) -> ov.Node:
        weights = rng.normal(0, (2 / (9 * inputs)) ** 0.5, (outputs, inputs, 3, 3)).astype(
            np.float32
        )
        return ops.convolution(node, ops.constant(weights), [1, 1], [1, 1], [1, 1], [1, 1])

    frame = ops.parameter([1, -1, -1, 3], np.uint8, name="frame")
    frame.output(0).set_names({"frame"})
    nchw = ops.transpose(ops.convert(frame, np.float32), ops.constant([0, 3, 1, 2]))
    image = ops.divide(nchw, ops.constant(np.float32(255)))
    node = image if unshuffle == 1 else ops.space_to_depth(image, "blocks_first", unshuffle)
    width = 3 * unshuffle**2
    for _ in range(layers - 1):
        node, width = convolution(node, width, channels), channels
        node = ops.relu(node) if relu else node
    block = unshuffle * scale
    node = convolution(node, width, 3 * block**2)
    node = node if block == 1 else ops.depth_to_space(node, "blocks_first", block)
    if scale == 1:
        node = ops.add(image, ops.multiply(node, ops.constant(np.float32(0.05))))
    levels = ops.clamp(
        ops.round(ops.multiply(node, ops.constant(np.float32(255))), "half_to_even"), 0, 255
    )
    sharp = ops.transpose(ops.convert(levels, np.uint8), ops.constant([0, 2, 3, 1]))
    sharp.output(0).set_names({"sharp"})
    return ov.Model([sharp], [frame], "test")


def frame_spec(
    *,
    scale: int = 1,
    unshuffle: int = 1,
    layers: int = 2,
    storage: Storage = "fp32",
    **changes: object,
) -> ModelSpec:
    """The spec of `frame_model` with the same arguments."""
    spec = ModelSpec(
        name="test",
        architecture="test",
        scale=scale,
        multiple=unshuffle,
        minimum=unshuffle,
        margin=(layers + 1) * unshuffle,
        storage=storage,
        degradation="gla" if scale == 1 else f"x{scale}",
    )
    return spec.replace(**changes)


def write_frame_model(
    folder: Path, *, scale: int = 1, unshuffle: int = 1, layers: int = 2, storage: Storage = "fp32"
) -> Path:
    """Write `frame_model` with its spec as an IR and give the path of the .xml."""
    model = frame_model(scale=scale, unshuffle=unshuffle, layers=layers)
    spec = frame_spec(scale=scale, unshuffle=unshuffle, layers=layers, storage=storage)
    return write_ir(model, spec, folder)
