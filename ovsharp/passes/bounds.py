"""Between which values each channel of a network must lie, whatever picture it is given.

Interval arithmetic from the weights: exact for one layer, ever wider behind more. What it says
holds for every picture; what it does not know it calls unbounded.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import openvino as ov

from ovsharp.passes.graph import constant_values

_Ends = npt.NDArray[np.float64]
Bounds = Mapping[str, tuple[_Ends, _Ends]]
"""Name of a node -> smallest and largest value of each channel."""

_SLACK = 1e-5
"""Share of the sum of all magnitudes that f32 may be wrong by."""
_SAME = {"AvgPool", "Interpolate", "MaxPool"}


def channel_bounds(model: ov.Model, low: float, high: float) -> Bounds:
    """Bound every channel of a float network, N x C x H x W.

    Args:
        model: with constant weights.
        low: smallest value of its inputs.
        high: largest value.

    Example:
        >>> from openvino import opset13 as ops
        >>> image = ops.parameter([1, 1, -1, -1], np.float32, name="image")
        >>> dark = ops.relu(ops.subtract(image, np.float32(2)), name="dark")
        >>> low, high = channel_bounds(ov.Model([dark], [image]), 0, 1)["dark"]
        >>> float(low[0]), float(high[0])
        (0.0, 0.0)
    """
    found: dict[str, tuple[_Ends, _Ends]] = {}
    for node in model.get_ordered_ops():
        if node.get_output_size() != 1:  # the parts of a split share its name
            continue
        shape = node.output(0).partial_shape
        if shape.rank.is_dynamic or len(shape) != 4 or shape[1].is_dynamic:
            continue
        count = shape[1].get_length()
        if node.get_type_name() == "Parameter":
            ends = np.full(count, float(low)), np.full(count, float(high))
        else:
            ends = _through(node, count, found) or (
                np.full(count, -np.inf),
                np.full(count, np.inf),
            )
        found[node.get_friendly_name()] = ends
    return found


def _through(
    node: ov.Node, count: int, found: Mapping[str, tuple[_Ends, _Ends]]
) -> tuple[_Ends, _Ends] | None:
    """Bound what one operation gives; None where nothing is known."""
    kind = node.get_type_name()
    sources = [port.get_node() for port in node.input_values()]
    ends = [_ends(source, count, found) for source in sources]
    first = ends[0] if ends else None
    if kind == "Concat" and node.get_attributes()["axis"] in (1, -3):
        parts = [found.get(source.get_friendly_name()) for source in sources]
        known = [part for part in parts if part is not None]
        if len(known) < len(parts):
            return None
        return np.concatenate([part[0] for part in known]), np.concatenate(
            [part[1] for part in known]
        )
    if kind == "Convolution" and sources[1].get_type_name() == "Constant":
        taken = found.get(sources[0].get_friendly_name())
        return None if taken is None else _convolved(constant_values(node, 1), *taken)
    if first is None:
        return None
    if kind == "Relu":
        return np.maximum(first[0], 0), np.maximum(first[1], 0)
    if kind == "Clamp":
        limits = node.get_attributes()
        low, high = float(limits["min"]), float(limits["max"])
        return np.clip(first[0], low, high), np.clip(first[1], low, high)
    if kind == "Sigmoid":
        return np.zeros(count), np.ones(count)
    if kind in _SAME:
        # The zeros of a padding are among what is averaged.
        return np.minimum(first[0], 0), np.maximum(first[1], 0)
    if len(ends) == 2 and ends[1] is not None:
        second = ends[1]
        if kind == "Add":
            return first[0] + second[0], first[1] + second[1]
        if kind == "Subtract":
            return first[0] - second[1], first[1] - second[0]
    return None


def _ends(
    source: ov.Node, count: int, found: Mapping[str, tuple[_Ends, _Ends]]
) -> tuple[_Ends, _Ends] | None:
    """Give the bounds of an input, one per channel of the output; of constants, too."""
    if source.get_type_name() == "Constant":
        values = np.asarray(source.data, np.float64)
        if values.size == 1 or values.shape == (1, count, 1, 1):
            flat = np.broadcast_to(values.reshape(-1), count)
            return flat, flat
        return None
    ends = found.get(source.get_friendly_name())
    return ends if ends is not None and len(ends[0]) == count else None


def _convolved(weights: npt.NDArray[np.float32], low: _Ends, high: _Ends) -> tuple[_Ends, _Ends]:
    # The zeros of its padding are among what it reads.
    low, high = np.minimum(low, 0), np.maximum(high, 0)
    above, below = np.maximum(weights, 0.0), np.minimum(weights, 0.0)
    plus = above.astype(np.float64).sum(axis=(2, 3))
    minus = below.astype(np.float64).sum(axis=(2, 3))

    def product(sums: _Ends, ends: _Ends) -> _Ends:
        # A weight of 0 makes 0 of what is unbounded.
        total: _Ends = (sums * np.where(sums == 0, 0.0, ends)).sum(axis=1)
        return total

    smallest = product(plus, low) + product(minus, high)
    largest = product(plus, high) + product(minus, low)
    slack = _SLACK * (product(plus, high - low) - product(minus, high - low))
    return smallest - slack, largest + slack
