"""The float network inside a model: which input is what, in which layout, at which scale."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import openvino as ov
import openvino.passes as passes
from openvino import opset13 as ops

from ovsharp.convert.coding import Network, Values
from ovsharp.convert.engine import Runner
from ovsharp.convert.graph import redirect
from ovsharp.errors import UnsupportedModelError, UsageError

Layout = Literal["NCHW", "NHWC"]
Call = Callable[[Sequence[npt.NDArray[Any]]], npt.NDArray[Any]]

MAX_SCALE = 8
TRIAL_SIZES = ((64, 96), (96, 64), (128, 192), (224, 336), (240, 320), (256, 512))
"""Height and width that networks are tried with: sizes that many numbers divide."""


@dataclass(frozen=True)
class Body:
    """A float network that takes one picture, or a picture and its base, and gives one picture."""

    model: ov.Model
    """Inputs in the order picture, base; one output; f32; H and W dynamic unless `size` is set."""
    channels: int
    """3 for colour, 1 for luma."""
    input_layout: Layout
    output_layout: Layout
    scale: int
    base: bool
    """Whether it takes the enlarged picture as its second input."""
    order: tuple[int, ...]
    """Where the picture, and the base if there is one, are among the source's inputs."""
    size: tuple[int, int] | None
    """(height, width) if it takes one size only."""

    def at(self, height: int, width: int) -> ov.Model:
        """Give a copy for one size.

        Raises:
            RuntimeError: the network cannot take this size.
        """
        model = self.model.clone()
        model.reshape(self._shapes(height, width))
        return model

    def fits(self, height: int, width: int) -> bool:
        """Whether this size gives exactly `scale` times as many rows and columns."""
        try:
            shape = self.at(height, width).output(0).partial_shape
        except RuntimeError:
            return False
        picture = _read_picture(shape, self.channels, height, width)
        return picture == (self.output_layout, self.scale)

    def network(self) -> Network:
        """Give the network as a function of N x C x H x W arrays."""
        return self._adapted(Runner(self.model), tuple(range(len(self.order))))

    def source_network(self, call: Call) -> Network:
        """Give the model that this was read from, as its own engine runs it, as such a function.

        Args:
            call: takes arrays in the order and the layout of the source's inputs, gives the
                output that is the picture.
        """
        return self._adapted(call, self.order)

    def _adapted(self, call: Call, order: Sequence[int]) -> Network:
        def run(inputs: Sequence[Values]) -> Values:
            nhwc = self.input_layout == "NHWC"
            arrays = [np.moveaxis(array, 1, 3) if nhwc else array for array in inputs]
            result = np.asarray(call([arrays[order.index(i)] for i in range(len(order))]))
            values = result.astype(np.float32)
            return np.moveaxis(values, 3, 1) if self.output_layout == "NHWC" else values

        return run

    def _shapes(self, height: int, width: int) -> dict[int, ov.PartialShape]:
        scale = self.scale if self.base else None
        return _shapes(self.input_layout, self.channels, height, width, scale)


def read_body(
    model: ov.Model, *, output_index: int | None = None, size: tuple[int, int] | None = None
) -> Body:
    """Find out what a float model takes and gives, and make its size dynamic if it can be.

    Args:
        model: edited in place.
        output_index: which output is the picture.
        size: (height, width) to fix it to.

    Raises:
        UnsupportedModelError: a model that does not take pictures and give one.
        UsageError: an output index that the model does not have, a size that it does not take.
    """
    inputs = ", ".join(f"{_described(port)}" for port in model.inputs)
    model = tidied(_with_one_output(model, output_index))
    if len(model.inputs) > 2 or any(len(port.partial_shape) != 4 for port in model.inputs):
        raise UnsupportedModelError(
            f"expected a model that takes one picture (N, C, H, W), or a picture and its upscale; "
            f"this one takes {inputs}"
        )
    if size is not None:
        body = _first(_bodies(model, [size], size))
        if body is None:
            raise UsageError(f"the model (inputs: {inputs}) does not run at {size[0]}x{size[1]}")
        return body
    body = _first(_bodies(model, TRIAL_SIZES, None))
    if body is not None and sum(body.fits(*trial) for trial in TRIAL_SIZES) > 1:
        return body
    fixed = _fixed_size(model)
    body = _first(_bodies(model, [fixed], fixed)) if fixed else None
    if body is None:
        raise UnsupportedModelError(
            f"the model does not give a picture of 1 to {MAX_SCALE} times its input's size: "
            f"it takes {inputs} and gives {_described(model.output(0))}; if it runs at one "
            f"size only, name it with --size HxW"
        )
    return body


def tidied(model: ov.Model) -> ov.Model:
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


def fold_constants(model: ov.Model) -> None:
    """Compute everything that does not depend on an input, in place."""
    manager = passes.Manager()
    manager.register_pass(passes.ConstantFolding())
    manager.run_passes(model)


def _with_one_output(model: ov.Model, index: int | None) -> ov.Model:
    outputs = model.outputs
    listing = "; ".join(f"{number}: {_described(port)}" for number, port in enumerate(outputs))
    if index is None and len(outputs) > 1:
        raise UnsupportedModelError(
            f"the model has {len(outputs)} outputs ({listing}); "
            f"say which one is the picture with --output-index N"
        )
    if index is not None and index >= len(outputs):
        raise UsageError(f"there is no output {index}: the model has {listing}")
    if len(outputs) == 1:
        return model
    kept = outputs[index or 0].get_node().input_value(0)
    return ov.Model([ops.result(kept)], model.get_parameters(), model.get_friendly_name())


def _bodies(
    model: ov.Model, sizes: Sequence[tuple[int, int]], fixed: tuple[int, int] | None
) -> Iterator[Body]:
    """Yield every reading of the inputs that gives a picture at one of the sizes."""
    for height, width in sizes:
        for channels, layout, order in _readings(model):
            parameters = [model.get_parameters()[number] for number in order]
            ordered = ov.Model(model.get_results(), parameters, model.get_friendly_name())
            base = len(order) == 2
            for scale in range(2, MAX_SCALE + 1) if base else (None,):
                trial = ordered.clone()
                try:
                    trial.reshape(_shapes(layout, channels, height, width, scale))
                except RuntimeError:
                    continue
                picture = _read_picture(trial.output(0).partial_shape, channels, height, width)
                if picture is None or scale not in (None, picture[1]):
                    continue
                yield Body(
                    model=_resized(ordered, layout, channels, fixed, scale),
                    channels=channels,
                    input_layout=layout,
                    output_layout=picture[0],
                    scale=picture[1],
                    base=base,
                    order=order,
                    size=fixed,
                )


def _readings(model: ov.Model) -> Iterator[tuple[int, Layout, tuple[int, ...]]]:
    parameters = model.get_parameters()
    layouts: tuple[Layout, ...] = ("NCHW", "NHWC")
    for channels in (3, 1):
        for layout in layouts:
            axis = layout.index("C")
            if all(_allows(node.get_partial_shape()[axis], channels) for node in parameters):
                for order in permutations(range(len(parameters))):
                    yield channels, layout, order


def _allows(dimension: ov.Dimension, length: int) -> bool:
    return bool(dimension.is_dynamic or dimension.get_length() == length)


def _shapes(
    layout: Layout, channels: int, height: int, width: int, base_scale: int | None
) -> dict[int, ov.PartialShape]:
    shapes = {0: _shape(layout, channels, height, width)}
    if base_scale is not None:
        shapes[1] = _shape(layout, channels, height * base_scale, width * base_scale)
    return shapes


def _shape(layout: Layout, channels: int, height: int, width: int) -> ov.PartialShape:
    nchw = layout == "NCHW"
    return ov.PartialShape([1, channels, height, width] if nchw else [1, height, width, channels])


def _resized(
    model: ov.Model,
    layout: Layout,
    channels: int,
    size: tuple[int, int] | None,
    base_scale: int | None,
) -> ov.Model:
    """Give a copy of one size, or of any size, with everything constant computed."""
    copy = model.clone()
    if size is None:
        copy.reshape({i: _shape(layout, channels, -1, -1) for i in range(len(copy.inputs))})
    else:
        copy.reshape(_shapes(layout, channels, *size, base_scale))
    # Not before: what is computed from a declared size would stay as it is.
    fold_constants(copy)
    return copy


def _read_picture(
    shape: ov.PartialShape, channels: int, height: int, width: int
) -> tuple[Layout, int] | None:
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


def _first(bodies: Iterator[Body]) -> Body | None:
    return next(bodies, None)


def _described(port: ov.Output) -> str:
    """Name and shape, e.g. `sharp 1x3x?x?`."""
    name = port.any_name if port.names else port.get_node().get_friendly_name()
    if port.partial_shape.rank.is_dynamic:
        return f"{name} of any shape"
    sides = (str(side.get_length()) if side.is_static else "?" for side in port.partial_shape)
    return f"{name} {'x'.join(sides)}"
