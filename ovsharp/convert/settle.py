"""The first pass: finds out what a float model takes and gives, and brings it into one form.

Which input is the picture and which its upscale, in which layout, at which scale, at which sizes:
all is settled here, once. What follows sees f32, N x C x H x W, picture first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Literal

import numpy as np
import openvino as ov
from openvino import opset13 as ops

from ovsharp.convert.options import chosen_output
from ovsharp.errors import UnsupportedModelError, UsageError
from ovsharp.passes import (
    MAX_MULTIPLE,
    MAX_SCALE,
    TRIAL_SIZES,
    Body,
    Call,
    Network,
    Runner,
    Values,
    fold_constants,
    redirect,
)

_Layout = Literal["NCHW", "NHWC"]
_TO_NCHW, _TO_NHWC = [0, 3, 1, 2], [0, 2, 3, 1]
_LARGE = 64
"""A side that is expected to be over the minimum of any network."""


@dataclass(frozen=True)
class _Reading:
    """One way to read the inputs of a model that gives a picture at one size."""

    channels: int
    layout: _Layout
    output_layout: _Layout
    order: tuple[int, ...]
    """Where the picture, and the base if there is one, are among the inputs."""
    scale: int
    trial: tuple[int, int]
    """The size, height and width."""

    def shapes(self, height: int, width: int) -> dict[int, ov.PartialShape]:
        """Give the shapes of the inputs, picture first, in the model's own layout."""
        scales = (1, self.scale)[: len(self.order)]
        return _shapes(self.layout, self.channels, height, width, scales)

    def any_size(self) -> dict[int, ov.PartialShape]:
        """Give the shapes of the inputs with open sides."""
        shape = _shape(self.layout, self.channels, -1, -1)
        return dict.fromkeys(range(len(self.order)), shape)


def find_body(
    model: ov.Model, *, output_index: int | None = None, size: tuple[int, int] | None = None
) -> tuple[Body, Callable[[Call], Network]]:
    """Find out what a float model takes and gives, and bring it into the form of `Body`.

    Args:
        model: edited in place.
        output_index: which output is the picture.
        size: (height, width) to fix it to.

    Returns:
        The body; and what turns another engine for the same model, which takes its inputs and
        gives its picture as they are, into a function like `Body.network`.

    Raises:
        UnsupportedModelError: a model that does not take pictures and give one.
        UsageError: an output index that the model does not have, a size that it does not take.
    """
    inputs = ", ".join(f"{_described(port)}" for port in model.inputs)
    model = _tidied(_with_one_output(model, output_index))
    if len(model.inputs) > 2 or any(len(port.partial_shape) != 4 for port in model.inputs):
        raise UnsupportedModelError(
            f"expected a model that takes one picture (N, C, H, W), or a picture and its upscale; "
            f"this one takes {inputs}"
        )
    if size is not None:
        reading = _first(_readings(model, [size]))
        if reading is None:
            raise UsageError(f"the model (inputs: {inputs}) does not run at {size[0]}x{size[1]}")
        return _settled(_resized(model, reading, size), reading, size)
    reading = _first(_readings(model, TRIAL_SIZES))
    if reading is not None:
        resized = _resized(model, reading, None)
        if sum(_fits(resized, reading, *trial) for trial in TRIAL_SIZES) > 1:
            return _settled(resized, reading, None)
    fixed = _fixed_size(model)
    reading = _first(_readings(model, [fixed])) if fixed else None
    if reading is None:
        raise UnsupportedModelError(
            f"the model does not give a picture of 1 to {MAX_SCALE} times its input's size: "
            f"it takes {inputs} and gives {_described(model.output(0))}; if it runs at one "
            f"size only, name it with --size HxW"
        )
    return _settled(_resized(model, reading, fixed), reading, fixed)


def _resized(model: ov.Model, reading: _Reading, size: tuple[int, int] | None) -> ov.Model:
    """Give a copy of one size, or of any size, with everything constant computed."""
    copy = _ordered(model, reading.order).clone()
    copy.reshape(reading.any_size() if size is None else reading.shapes(*size))
    # Not before: what is computed from a declared size would stay as it is.
    fold_constants(copy)
    return copy


def _settled(
    model: ov.Model, reading: _Reading, size: tuple[int, int] | None
) -> tuple[Body, Callable[[Call], Network]]:
    multiple = 1 if size is not None else _multiple(model, reading)
    settled = _in_nchw(model, reading)
    body = Body(
        model=settled,
        network=Runner(settled),
        channels=reading.channels,
        scale=reading.scale,
        base=len(reading.order) == 2,
        size=size,
        trial=reading.trial,
        multiple=multiple,
    )
    return body, lambda call: _adapted(call, reading)


def _adapted(call: Call, reading: _Reading) -> Network:
    """Give an engine of the model as a function of N x C x H x W arrays, picture first."""
    order = reading.order

    def run(inputs: Sequence[Values]) -> Values:
        nhwc = reading.layout == "NHWC"
        arrays = [np.moveaxis(array, 1, 3) if nhwc else array for array in inputs]
        result = np.asarray(call([arrays[order.index(i)] for i in range(len(order))]))
        values = result.astype(np.float32)
        return np.moveaxis(values, 3, 1) if reading.output_layout == "NHWC" else values

    return run


def _in_nchw(model: ov.Model, reading: _Reading) -> ov.Model:
    """Let a model take and give N x C x H x W; transposes that undo its own are left out."""
    parameters = list(model.get_parameters())
    if reading.layout == "NHWC":
        parameters = [_nchw_parameter(node) for node in parameters]
    result = model.get_results()[0].input_value(0)
    if reading.output_layout == "NHWC":
        result = _undone(result, _TO_NHWC) or _transposed(result, _TO_NCHW)
    return ov.Model([ops.result(result)], parameters, model.get_friendly_name())


def _nchw_parameter(old: ov.op.Parameter) -> ov.op.Parameter:
    sides = old.get_partial_shape()
    new = ops.parameter(ov.PartialShape([sides[axis] for axis in _TO_NCHW]), ov.Type.f32)
    new.set_friendly_name(old.get_friendly_name())
    for reader in old.output(0).get_target_inputs():
        node = reader.get_node()
        if _undone(node.output(0), _TO_NCHW) is not None:
            redirect(node.output(0), new.output(0))
        else:
            reader.replace_source_output(_transposed(new.output(0), _TO_NHWC))
    return new


def _undone(output: ov.Output, order: Sequence[int]) -> ov.Output | None:
    """Give what a transpose in this order reads; None if it is something else."""
    node = output.get_node()
    if node.get_type_name() != "Transpose":
        return None
    constant = node.input_value(1).get_node()
    known = constant.get_type_name() == "Constant" and list(constant.data) == list(order)
    return node.input_value(0) if known else None


def _transposed(output: ov.Output, order: Sequence[int]) -> ov.Output:
    return ops.transpose(output, ops.constant(list(order))).output(0)


def _multiple(model: ov.Model, reading: _Reading) -> int:
    """Find the number whose multiples all are sizes of the network; 0 if it is not found.

    If m works at two successive multiples, k * m and (k + 1) * m, then what must divide the size
    divides m.
    """
    for multiple in range(1, MAX_MULTIPLE + 1):
        k = -(-_LARGE // multiple)
        sizes = ((k, k + 1), (k + 1, k), (k + 2, k + 3))
        if all(
            _fits(model, reading, multiple * rows, multiple * columns) for rows, columns in sizes
        ):
            return multiple
    return 0


def _fits(model: ov.Model, reading: _Reading, height: int, width: int) -> bool:
    """Whether this size gives exactly `scale` times as many rows and columns.

    Args:
        model: with its inputs in the reading's order.
        reading: how the model is read.
        height: of the picture.
        width: of the picture.
    """
    trial = model.clone()
    try:
        trial.reshape(reading.shapes(height, width))
        shape = trial.output(0).partial_shape
    except RuntimeError:
        return False
    picture = _read_picture(shape, reading.channels, height, width)
    return picture == (reading.output_layout, reading.scale)


def _tidied(model: ov.Model) -> ov.Model:
    """Let the whole model store and compute f32, in place: some files do it in f16."""
    for parameter in model.get_parameters():
        kind = parameter.get_element_type()
        if not kind.is_real():
            raise UnsupportedModelError(
                f"input '{parameter.get_friendly_name()}' takes {kind.get_type_name()}; "
                f"expected a float network: ovsharp adds the uint8 frames itself"
            )
        parameter.set_element_type(ov.Type.f32)
        if parameter.get_partial_shape().rank.is_dynamic:
            parameter.set_partial_shape(ov.PartialShape([-1] * 4))
    for node in model.get_ordered_ops():
        kind = node.get_type_name()
        if kind == "Constant" and node.get_element_type() in (ov.Type.f16, ov.Type.bf16):
            redirect(node.output(0), ops.constant(node.data.astype(np.float32)).output(0))
        elif kind == "Convert" and node.get_element_type().is_real():
            source = node.input_value(0)
            if source.get_element_type().is_real():
                redirect(node.output(0), source)
    model.validate_nodes_and_infer_types()
    return model


def _with_one_output(model: ov.Model, index: int | None) -> ov.Model:
    outputs = model.outputs
    chosen = chosen_output(index, [*map(_described, outputs)], "the model has", "outputs")
    if len(outputs) == 1:
        return model
    kept = outputs[chosen].get_node().input_value(0)
    return ov.Model([ops.result(kept)], model.get_parameters(), model.get_friendly_name())


def _readings(model: ov.Model, sizes: Sequence[tuple[int, int]]) -> Iterator[_Reading]:
    """Yield every reading of the inputs that gives a picture at one of the sizes."""
    for height, width in sizes:
        for channels, layout, order in _arrangements(model):
            ordered = _ordered(model, order)
            for scale in range(2, MAX_SCALE + 1) if len(order) == 2 else (None,):
                scales = (1,) if scale is None else (1, scale)
                trial = ordered.clone()
                try:
                    trial.reshape(_shapes(layout, channels, height, width, scales))
                except RuntimeError:
                    continue
                picture = _read_picture(trial.output(0).partial_shape, channels, height, width)
                if picture is not None and scale in (None, picture[1]):
                    yield _Reading(channels, layout, picture[0], order, picture[1], (height, width))


def _arrangements(model: ov.Model) -> Iterator[tuple[int, _Layout, tuple[int, ...]]]:
    parameters = model.get_parameters()
    layouts: tuple[_Layout, ...] = ("NCHW", "NHWC")
    for channels in (3, 1):
        for layout in layouts:
            axis = layout.index("C")
            if all(_allows(node.get_partial_shape()[axis], channels) for node in parameters):
                for order in permutations(range(len(parameters))):
                    yield channels, layout, order


def _allows(dimension: ov.Dimension, length: int) -> bool:
    return bool(dimension.is_dynamic or dimension.get_length() == length)


def _ordered(model: ov.Model, order: Sequence[int]) -> ov.Model:
    parameters = [model.get_parameters()[number] for number in order]
    return ov.Model(model.get_results(), parameters, model.get_friendly_name())


def _shapes(
    layout: _Layout, channels: int, height: int, width: int, scales: Sequence[int]
) -> dict[int, ov.PartialShape]:
    return {
        index: _shape(layout, channels, height * scale, width * scale)
        for index, scale in enumerate(scales)
    }


def _shape(layout: _Layout, channels: int, height: int, width: int) -> ov.PartialShape:
    nchw = layout == "NCHW"
    return ov.PartialShape([1, channels, height, width] if nchw else [1, height, width, channels])


def _read_picture(
    shape: ov.PartialShape, channels: int, height: int, width: int
) -> tuple[_Layout, int] | None:
    """Give layout and scale of an output shape if it is a picture of the input."""
    if shape.is_dynamic or len(shape) != 4:
        return None
    sides = tuple(shape.to_shape())
    for scale in range(1, MAX_SCALE + 1):
        if sides == (1, channels, height * scale, width * scale):
            return "NCHW", scale
        if sides == (1, height * scale, width * scale, channels):
            return "NHWC", scale
    return None


def _fixed_size(model: ov.Model) -> tuple[int, int] | None:
    """Give the smallest (height, width) that the inputs are declared with, if they are static."""
    shapes = [port.partial_shape for port in model.inputs]
    if any(shape.is_dynamic for shape in shapes):
        return None
    height, width = 0, 0
    for shape in shapes:
        sides = list(shape.to_shape())
        rows, columns = sides[2:] if sides[1] in (1, 3) else sides[1:3]
        if not height or rows < height:
            height, width = rows, columns
    return height, width


def _first(readings: Iterator[_Reading]) -> _Reading | None:
    return next(readings, None)


def _described(port: ov.Output) -> str:
    """Name and shape, e.g. `sharp 1x3x?x?`."""
    name = port.any_name if port.names else port.get_node().get_friendly_name()
    if port.partial_shape.rank.is_dynamic:
        return f"{name} of any shape"
    sides = (str(side.get_length()) if side.is_static else "?" for side in port.partial_shape)
    return f"{name} {'x'.join(sides)}"
