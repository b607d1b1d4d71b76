"""Leaves out channels that are 0 in every picture: what a ReLU that never fires gives.

Nobody reads such a channel but convolutions, for which 0 times a weight is 0: without it they give
the same. Channels that have to go together (a sum of two tensors, the parts of a concatenation) are
found by union-find over (tensor, channel).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import openvino as ov
from openvino import opset13 as ops

from ovsharp.passes.bounds import Bounds, channel_bounds
from ovsharp.passes.coding import Values
from ovsharp.passes.exact import Runner
from ovsharp.passes.graph import constant_values

_OWN = {
    *("AvgPool", "Clamp", "Elu", "Gelu", "HSigmoid", "HSwish", "Interpolate", "MaxPool", "Mish"),
    *("Pad", "PRelu", "Relu", "Selu", "Sigmoid", "SoftPlus", "Swish", "Tanh"),
}
"""What makes each channel of its first input into the same channel of its output."""
_JOINS = {"Add", "Divide", "Maximum", "Minimum", "Multiply", "Subtract"}
_MIXES = {"Convolution": (0, 1), "ConvolutionBackpropData": (1, 0)}
"""Layers that make each output of all inputs; the axes of outputs and inputs in their weights."""
_ROUNDS = 8
"""How often it is looked for channels that nobody reads after others have gone."""

Mask = npt.NDArray[np.bool_]
_Element = tuple[str, int]
"""A channel of what a node gives: name of the node and number."""


@dataclass(frozen=True)
class Pruned:
    """What was left out."""

    proven: int = 0
    """Channels that cannot be anything but 0, or that nobody reads."""
    unproven: int = 0
    """Channels that were 0 on all that was tried."""
    channels: int = 0
    """That there were, of all layers."""
    parameters: int = 0
    """That went with them."""


def prune(
    model: ov.Model, low: float, high: float, inputs: Sequence[Sequence[Values]] = ()
) -> tuple[ov.Model, Pruned]:
    """Leave out channels that are always 0.

    Args:
        model: a float network, N x C x H x W; left as it is.
        low: smallest value of its inputs.
        high: largest value.
        inputs: pictures to look at. Channels that are 0 on all of them go, too; without any, only
            what is proven.

    Returns:
        The smaller network, and what went.

    Raises:
        RuntimeError: OpenVINO cannot run the model on the inputs.
    """
    smaller = model.clone()
    proven = unproven = gone = 0
    channels = sum(_channels(node) for node in _layers(smaller))
    for _ in range(_ROUNDS):
        sure = _zero_by_bounds(channel_bounds(smaller, low, high))
        seen = _zero_on(smaller, inputs) if inputs else sure
        groups = _removable(smaller, seen)
        if not groups:
            break
        certain = {element for group in _removable(smaller, sure) for element in group}
        layers = {node.get_friendly_name() for node in _layers(smaller)}
        for group in groups:
            count = sum(name in layers for name, _ in group)
            known = certain.issuperset(group)
            proven, unproven = proven + count * known, unproven + count * (not known)
        gone += _cut(smaller, groups)
    return smaller, Pruned(proven, unproven, channels, gone)


def _layers(model: ov.Model) -> Iterator[ov.Node]:
    """Yield the convolutions that mix channels, with constant weights."""
    for node in model.get_ordered_ops():
        if node.get_type_name() in _MIXES and _is_constant(node, 1):
            yield node


def _channels(node: ov.Node) -> int:
    """How many channels a node gives first; 0 for what is no picture or has no fixed number."""
    return _width(node.output(0)) if node.get_output_size() else 0


def _width(port: ov.Output) -> int:
    shape = port.partial_shape
    if shape.rank.is_dynamic or len(shape) != 4 or shape[1].is_dynamic:
        return 0
    return int(shape[1].get_length())


def _is_constant(node: ov.Node, index: int) -> bool:
    return bool(node.input_value(index).get_node().get_type_name() == "Constant")


def _is_depthwise(node: ov.Node) -> bool:
    if node.get_type_name() != "GroupConvolution" or not _is_constant(node, 1):
        return False
    shape = node.input_value(1).get_shape()
    return bool(shape[1] == 1 and shape[2] == 1)


def _zero_by_bounds(bounds: Bounds) -> dict[str, Mask]:
    return {name: (low == 0) & (high == 0) for name, (low, high) in bounds.items()}


def _zero_on(model: ov.Model, inputs: Sequence[Sequence[Values]]) -> dict[str, Mask]:
    """Run the network, and tell of all that layers read which channels were 0 throughout."""
    copy = model.clone()
    read = {node.input_value(0).get_node().get_friendly_name(): node for node in _layers(copy)}
    read = {
        name: node
        for name, node in read.items()
        if node.input_value(0).get_node().get_output_size() == 1 and _width(node.input_value(0))
    }
    peaks = [
        ops.reduce_max(ops.abs(node.input_value(0)), ops.constant([0, 2, 3]), keep_dims=False)
        for node in read.values()
    ]
    if not peaks:
        return {}
    whole = ops.concat(peaks, axis=0)
    runner = Runner(ov.Model([ops.result(whole)], copy.get_parameters(), "peaks"))
    highest = np.max([runner(picture) for picture in inputs], axis=0)
    ends = np.cumsum([_width(node.input_value(0)) for node in read.values()])
    masks = np.split(highest == 0, ends[:-1])
    return dict(zip(read, masks, strict=True))


def _removable(model: ov.Model, zero: dict[str, Mask]) -> list[set[_Element]]:
    """Give the groups of channels without which every layer gives the same."""
    parents: dict[_Element, _Element] = {}

    def root(element: _Element) -> _Element:
        parents.setdefault(element, element)
        while parents[element] != element:
            parents[element] = parents[parents[element]]
            element = parents[element]
        return element

    kept: set[_Element] = set()
    for node in model.get_ordered_ops():
        kind, name, count = node.get_type_name(), node.get_friendly_name(), _channels(node)
        sources = [port.get_node() for port in node.input_values()]
        if kind in _MIXES and _is_constant(node, 1):
            outputs, takes = _MIXES[kind]
            weights = constant_values(node, 1)
            axes = tuple(axis for axis in range(weights.ndim) if axis != takes)
            unread = np.all(weights == 0, axis=axes)
            source = sources[0].get_friendly_name()
            idle = unread | zero.get(source, np.zeros(len(unread), bool))
            kept.update((source, int(channel)) for channel in np.flatnonzero(~idle))
            for channel in range(weights.shape[outputs]):
                root((name, channel))
            continue
        bare = not any(source.get_type_name() == "Constant" for source in sources)
        offset = 0
        followed = _cuts(node)
        for index, (source, port) in enumerate(zip(sources, node.input_values(), strict=True)):
            if source.get_type_name() == "Constant" or kind == "ShapeOf":
                continue
            inner, width = source.get_friendly_name(), _width(port)
            passes = (
                (kind in _OWN and index == 0 and width == count)
                or (_is_depthwise(node) and index == 0)
                or (kind in _JOINS and width == count)
                or (kind == "ReduceMean" and index == 0 and width == count)
                or (kind == "Concat" and bare and node.get_attributes()["axis"] in (1, -3))
            )
            followed = followed and (passes or width <= 1)
            for channel in range(width):
                if passes:
                    parents[root((inner, channel))] = root((name, offset + channel))
                else:
                    kept.add((inner, channel))
            offset += width if kind == "Concat" else 0
        if not followed:
            widest = max((_width(port) for port in node.outputs()), default=0)
            kept.update((name, channel) for channel in range(widest))
    held = {root(element) for element in kept}
    groups: dict[_Element, set[_Element]] = defaultdict(set)
    for element in list(parents):
        if root(element) not in held:
            groups[root(element)].add(element)
    return _sparing(model, list(groups.values()))


def _cuts(node: ov.Node) -> bool:
    """Whether channels of what it gives can be taken out."""
    kind = node.get_type_name()
    if kind in _JOINS or kind == "PRelu":
        shapes = [
            list(port.get_shape())
            for port in node.input_values()
            if port.get_node().get_type_name() == "Constant"
        ]
        return all(
            np.prod(shape) == 1 or shape in ([1, _channels(node), 1, 1], [_channels(node)])
            for shape in shapes
        )
    return kind in _OWN or kind in ("Concat", "ReduceMean") or _is_depthwise(node)


def _sparing(model: ov.Model, groups: list[set[_Element]]) -> list[set[_Element]]:
    """Leave one channel of every tensor: there are no layers of none."""
    left = {node.get_friendly_name(): _channels(node) for node in model.get_ops()}
    spared = []
    for group in groups:
        fewer = defaultdict(int, {name: 0 for name, _ in group})
        for name, _ in group:
            fewer[name] += 1
        if all(left[name] > count for name, count in fewer.items()):
            for name, count in fewer.items():
                left[name] -= count
            spared.append(group)
    return spared


def _cut(model: ov.Model, groups: list[set[_Element]]) -> int:
    """Take groups out of all constants, in place, and give how many numbers that were."""
    gone: dict[str, list[int]] = defaultdict(list)
    for name, channel in (element for group in groups for element in group):
        gone[name].append(channel)
    total = 0
    for node in model.get_ordered_ops():
        kind, name = node.get_type_name(), node.get_friendly_name()
        if kind in _MIXES and _is_constant(node, 1):
            outputs, takes = _MIXES[kind]
            source = node.input_value(0).get_node().get_friendly_name()
            total += _cut_constant(node, 1, {outputs: gone[name], takes: gone[source]})
        elif _is_depthwise(node):
            total += _cut_constant(node, 1, {0: gone[name]})
        elif kind in _JOINS or kind == "PRelu":
            for index in range(node.get_input_size()):
                if _is_constant(node, index) and np.size(constant_values(node, index)) > 1:
                    axis = 1 if constant_values(node, index).ndim == 4 else 0
                    total += _cut_constant(node, index, {axis: gone[name]})
    model.validate_nodes_and_infer_types()
    return total


def _cut_constant(node: ov.Node, index: int, gone: dict[int, list[int]]) -> int:
    before = constant_values(node, index)
    after = before
    for axis, channels in gone.items():
        after = np.delete(after, channels, axis)
    if after.size < before.size:
        fresh = ops.constant(np.ascontiguousarray(after))
        fresh.set_friendly_name(node.input_value(index).get_node().get_friendly_name())
        node.input(index).replace_source_output(fresh.output(0))
    return int(before.size - after.size)
