"""Finds pixel-unshuffle before the first convolution and pixel-shuffle behind the last one.

Frameworks write both in many ways (SpaceToDepth, DepthToSpace, chains of Reshape and Transpose),
so they are recognised by what they do: the part of the graph is run on numbered pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import openvino as ov
from openvino import opset13 as ops

from ovsharp.passes.coding import Values
from ovsharp.passes.exact import Runner
from ovsharp.passes.graph import clamped, is_bias, is_convolution, scalar_operand

_MOVES = {"Reshape", "Transpose", "SpaceToDepth", "DepthToSpace"}
_CELLS = (2, 3)
"""Rows and columns of cells that networks of any size are tried on."""


@dataclass(frozen=True)
class Shuffle:
    """A convolution beside a rearrangement of pixels.

    Channel `k` of its packed side is pixel (row, column) of each cell of `factor` x `factor`
    pixels in colour `c`: `order[k] = (c, row, column)`.
    """

    convolution: ov.Node
    bias: ov.Node | None
    """The Add behind the convolution, if the packed side is its output."""
    factor: int
    order: tuple[tuple[int, int, int], ...]
    skip: bool = False
    """Whether the picture, or its base, is added to the shuffled output."""
    gain: float = 1.0
    """What the convolution's output is multiplied by, before or behind the shuffle."""
    clamps: bool = False
    """Whether the result is held in 0..1."""

    @property
    def name(self) -> str:
        """Name of the convolution."""
        return str(self.convolution.get_friendly_name())


def find_unshuffle(picture: ov.op.Parameter) -> Shuffle | None:
    """Find the convolution that is the only one to read a picture, through a pixel-unshuffle."""
    moved = picture.output(0)
    readers = _data_readers(moved)
    starts = [reader for reader in readers if reader.get_node().get_type_name() in _MOVES]
    if len(starts) != 1 or any(
        reader.get_node().get_type_name() != "Add" for reader in readers if reader not in starts
    ):
        return None
    while starts and starts[0].get_node().get_type_name() in _MOVES:
        moved = starts[0].get_node().output(0)
        starts = _data_readers(moved)
        if len(starts) != 1:
            return None
    convolution = starts[0].get_node() if starts else None
    if convolution is None or not is_plain_convolution(convolution):
        return None
    packed = convolution.input_value(1).get_node().get_output_shape(0)[1]
    factor = _factor(packed)
    if factor is None:
        return None
    height, width = _sides(picture.output(0)) or [cells * factor for cells in _CELLS]
    numbered = np.arange(3 * height * width, dtype=np.float32).reshape(1, 3, height, width)
    order = _order(numbered, _run(picture, moved, numbered), factor)
    return None if order is None else Shuffle(convolution, None, factor, order)


def find_shuffle(model: ov.Model, added: ov.op.Parameter) -> Shuffle | None:
    """Find the convolution whose output is the model's, through a pixel-shuffle.

    Behind it may follow a factor, an addition of one input, and a clamp to 0..1.

    Args:
        model: the network.
        added: the input that may be added: the picture, or its base.
    """
    output = model.get_results()[0].input_value(0)
    inside, bounds = clamped(output)
    clamps = bounds == (0.0, 1.0)
    if clamps:
        output = inside
    skip = False
    node = output.get_node()
    if node.get_type_name() == "Add":
        sources = [port.get_node().get_friendly_name() for port in node.input_values()]
        if added.get_friendly_name() not in sources:
            return None
        skip = True
        output = node.input_value(1 - sources.index(added.get_friendly_name()))
    output, gain = _scaled(output)
    shuffled = output
    while output.get_node().get_type_name() in _MOVES:
        if len(_data_readers(output)) != 1:
            return None
        output = output.get_node().input_value(0)
    packed, bias = output, None
    output, inner_gain = _scaled(output)
    if is_bias(output.get_node()):
        bias = output.get_node()
        output = bias.input_value(0)
    convolution = output.get_node()
    if shuffled.get_node().get_type_name() not in _MOVES or not is_plain_convolution(convolution):
        return None
    channels = convolution.input_value(1).get_node().get_output_shape(0)[0]
    factor = _factor(channels)
    if factor is None or len(_data_readers(packed)) != 1:
        return None
    rows, columns = _sides(packed) or _CELLS
    numbered = np.arange(channels * rows * columns, dtype=np.float32)
    numbered = numbered.reshape(1, channels, rows, columns)
    order = _order(_run(packed.get_node(), shuffled, numbered), numbered, factor)
    return (
        None
        if order is None
        else Shuffle(convolution, bias, factor, order, skip, gain * inner_gain, clamps)
    )


def is_plain_convolution(node: ov.Node) -> bool:
    """Whether it is an ungrouped, undilated convolution with constant weights."""
    return bool(
        is_convolution(node)
        and list(node.get_attributes()["dilations"]) == [1, 1]
        and node.get_attributes()["auto_pad"] == "explicit"
    )


def _data_readers(port: ov.Output) -> list[ov.Input]:
    """Give what reads a tensor's values, not just its shape."""
    return [
        reader
        for reader in port.get_target_inputs()
        if reader.get_node().get_type_name() != "ShapeOf"
    ]


def _sides(port: ov.Output) -> tuple[int, int] | None:
    """Give height and width of an N x C x H x W tensor if they are fixed."""
    shape = port.partial_shape
    return None if shape[2].is_dynamic or shape[3].is_dynamic else tuple(shape.to_shape()[2:])


def _scaled(output: ov.Output) -> tuple[ov.Output, float]:
    """Give what is multiplied by a number, and the number; of anything else itself and 1."""
    if output.get_node().get_type_name() == "Multiply" and len(_data_readers(output)) == 1:
        source, factor = scalar_operand(output.get_node())
        if source is not None:
            return source, factor
    return output, 1.0


def _factor(channels: int) -> int | None:
    """Give the side of a cell that has this many values of three colours; None below 2."""
    factor = round((channels / 3) ** 0.5)
    return factor if factor > 1 and 3 * factor**2 == channels else None


def _run(source: ov.Node, end: ov.Output, values: Values) -> Values:
    """Compute a tensor with the values of another given.

    The part between them is cut out of a copy of the whole: `source` may be any node.
    """
    stand_in = ops.parameter(ov.PartialShape(values.shape), ov.Type.f32)
    readers = list(source.output(0).get_target_inputs())
    for reader in readers:
        reader.replace_source_output(stand_in.output(0))
    try:
        part = ov.Model([ops.result(end)], [stand_in], "part").clone()
    finally:
        for reader in readers:
            reader.replace_source_output(source.output(0))
    part.validate_nodes_and_infer_types()
    return Runner(part)([values]).astype(np.float32)


def _order(picture: Values, packed: Values, factor: int) -> tuple[tuple[int, int, int], ...] | None:
    """Read where each packed channel lies in a cell; None if it is another rearrangement.

    Args:
        picture: 1 x 3 x rows*factor x columns*factor.
        packed: the same values, 1 x 3*factor^2 x rows x columns.
        factor: side of a cell.
    """
    rows, columns = picture.shape[2] // factor, picture.shape[3] // factor
    if picture.shape != (1, 3, rows * factor, columns * factor):
        return None
    if packed.shape != (1, 3 * factor**2, rows, columns):
        return None
    cells = picture[0].reshape(3, rows, factor, columns, factor).transpose(0, 2, 4, 1, 3)
    found = {
        planes.tobytes(): (colour, row, column)
        for colour, inner in enumerate(cells)
        for row, line in enumerate(inner)
        for column, planes in enumerate(line)
    }
    order = [found.get(plane.tobytes()) for plane in packed[0]]
    known = tuple(place for place in order if place is not None)
    return known if len(set(known)) == len(order) else None
