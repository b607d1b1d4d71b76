"""A model the textbook way, to show what ovsharp's own conversion is worth.

As OpenVINO's tutorials do it: the ONNX file, PrePostProcessor for bytes, layout and colours, and
`nncf.quantize` with its defaults. The weights are the same.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import openvino as ov
import rich
from openvino import opset13 as ops
from openvino.preprocess import ColorFormat, PrePostProcessor

from ovsharp.benchmarks.rivals import textbook_name
from ovsharp.benchmarks.variants import Candidate
from ovsharp.convert import Options, prepare
from ovsharp.engine import Frame, get_core, upscale, write_ir
from ovsharp.errors import ConversionError
from ovsharp.extras import need
from ovsharp.measuring import Photo
from ovsharp.spec import ModelSpec, Storage

CALIBRATION_SIDE = 128
"""Input pixels per side of the crops that are calibrated on."""
CALIBRATION_CROPS = 48


def convert_textbook(
    candidate: Candidate, photos: Sequence[Photo], scratch: Path
) -> Candidate | str:
    """Convert a model's checkpoint the textbook way, in FP32 and INT8.

    Args:
        candidate: one's own model.
        photos: of that model; crops of their frames calibrate it.
        scratch: folder for the IRs.

    Returns:
        The textbook model, or a sentence why there is none.

    Raises:
        MissingExtraError: torch, onnx or nncf is not installed.
    """
    if candidate.checkpoint is None:
        return f"no textbook conversion of {candidate.name}: there is no PyTorch checkpoint"
    need("nncf", extra="quantize")
    prepared = prepare(candidate.checkpoint, Options(name=candidate.name))
    if prepared.onnx_bytes is None or prepared.spec.colour == "luma":
        return f"no textbook conversion of {candidate.name}: it is no colour network of PyTorch's"
    spec = candidate.spec.replace(name=textbook_name(candidate.name), quantization=None)
    model = _with_bytes(prepared.onnx_bytes, rgb=spec.colour == "rgb", span=spec.value_range)
    int8 = _quantized(model, _crops(photos, spec), spec.scale, base=spec.base)
    forms: dict[Storage, ov.Model] = {"fp32": model, "int8": int8}
    files: dict[Storage, Path] = {
        storage: write_ir(form, spec.replace(storage=storage), scratch)
        for storage, form in forms.items()
    }
    return dataclasses.replace(
        candidate, name=spec.name, spec=spec, files=files, checkpoint=None, role="textbook"
    )


def _with_bytes(onnx: bytes, *, rgb: bool, span: tuple[float, float]) -> ov.Model:
    """Bytes in and out: PrePostProcessor, but for what it cannot do (rounding, clamping)."""
    model = get_core().read_model(onnx)
    low, high = span
    answer = model.get_results()[0].input_value(0)
    levels = ops.multiply(
        ops.subtract(answer, np.float32(low)), ops.constant(np.float32(255 / (high - low)))
    )
    if rgb:
        levels = ops.gather(levels, ops.constant([2, 1, 0]), ops.constant(1))
    rounded = ops.clamp(ops.round(levels, "half_to_even"), 0, 255)
    model = ov.Model([ops.result(rounded)], model.get_parameters(), "textbook")
    steps = PrePostProcessor(model)
    for index in range(len(model.inputs)):
        port = steps.input(index)
        tensor = port.tensor().set_element_type(ov.Type.u8).set_layout(ov.Layout("NHWC"))
        tensor.set_color_format(ColorFormat.BGR)
        chain = port.preprocess().convert_element_type(ov.Type.f32)
        if rgb:
            chain.convert_color(ColorFormat.RGB)
        chain.scale(255 / (high - low))
        if low:
            chain.mean(-low)
        port.model().set_layout(ov.Layout("NCHW"))
    steps.output().tensor().set_element_type(ov.Type.u8).set_layout(ov.Layout("NHWC"))
    steps.output().model().set_layout(ov.Layout("NCHW"))
    model = steps.build()
    for port, name in zip(model.inputs, ("frame", "base"), strict=False):
        port.set_names({name})
    model.output().set_names({"sharp"})
    return model


def _crops(photos: Sequence[Photo], spec: ModelSpec) -> list[Frame]:
    """Evenly spread squares of the damaged frames."""
    each = -(-CALIBRATION_CROPS // len(photos))
    crops = []
    for photo in photos:
        height, width = photo.frame.shape[:2]
        side = min(CALIBRATION_SIDE, height, width) // spec.multiple * spec.multiple
        for step in np.linspace(0, 1, each):
            top, left = round(step * (height - side)), round(step * (width - side))
            crops.append(np.ascontiguousarray(photo.frame[top : top + side, left : left + side]))
    return crops


def _quantized(model: ov.Model, crops: Sequence[Frame], scale: int, *, base: bool) -> ov.Model:
    import nncf

    def tensors(crop: Frame) -> dict[str, Frame]:
        pair = {"frame": crop[None]}
        return {**pair, "base": upscale(crop, scale)[None]} if base else pair

    logger, console = logging.getLogger("nncf"), rich.get_console()
    level, was_quiet = logger.level, console.quiet
    logger.setLevel(logging.ERROR)
    console.quiet = True  # NNCF's progress bars
    try:
        quantized: ov.Model = nncf.quantize(model, nncf.Dataset(crops, tensors))
    except (RuntimeError, AttributeError, ValueError) as error:
        raise ConversionError(f"NNCF cannot quantize the textbook model: {error}") from error
    finally:
        logger.setLevel(level)
        console.quiet = was_quiet
    return quantized
