"""Keeps products of a layer within 16 bits, where processors without VNNI cut them.

Those multiply bytes in pairs, value * weight + value * weight, and cut the sum at 32,767
(`vpmaddubsw`). Behind a ReLU that seldom happens, for values are small far more often than not. A
picture's bytes are not small, and neither are signed values, whose zero is 128 for the kernel.
There two weights of a filter that have one sign may come to 128 steps together: neighbouring
channels inside a network, and any two where the picture is read, for each kernel takes so few
channels in its own way. NNCF halves the steps of all weights instead (`OverflowFix`). Most filters
have one weight that is far larger than the others, and then get nearly the whole 8 bits here.

Gain of students in PSNR. `call-noise`, sigma 10, 14 photos: 6.747 dB in floating point, 6.579 with
the steps of the first layer halved, 6.670 with these. `call-codec`, whose residual body reads
signed values, held clips at crf 36: .588 dB held to AVX2 with room in the first layer alone, .684
with room in all of them, as with VNNI.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import openvino as ov

from ovsharp.calibration.constants import replace, value
from ovsharp.calibration.graph import first_layers

Values = npt.NDArray[np.float64]

TOGETHER = 128
"""Steps that two weights may have together: 32,767 / 255."""


def leave_room(model: ov.Model) -> None:
    """Set the ranges of crowded layers' weights, in place, so that no two of them overflow.

    Args:
        model: with a quantizer behind each weight, of one range for each filter or for all.
    """
    layers = crowded(model)
    for layer in model.get_ordered_ops():
        first = layers.get(layer.get_friendly_name())
        if first is None:
            continue
        quantizer = layer.input_value(1).get_node()
        weights = value(quantizer.input(0)) if quantizer.get_type_name() == "FakeQuantize" else None
        ends = value(quantizer.input(2)) if weights is not None else None
        if weights is None or ends is None:
            continue
        kept = [axis for axis, length in enumerate(ends.shape) if length > 1]
        filters = np.moveaxis(weights.astype(np.float64), kept, range(len(kept)))
        count = int(np.prod(ends.shape))
        meeting = filters.reshape(count, 1, -1) if first or kept != [0] else _pairs(filters)
        high = _together(meeting).reshape(ends.shape)
        for port, bound in ((1, -high), (2, high), (3, -high), (4, high)):
            replace(quantizer.input(port), bound)


def crowded(model: ov.Model) -> dict[str, bool]:
    """Give the friendly names of the layers whose products may overflow.

    Returns:
        For each that reads the picture True, for each convolution that reads signed values False.
    """
    signed = {node.get_friendly_name(): False for node in model.get_ops() if _reads_signed(node)}
    return signed | {node.get_friendly_name(): True for node in first_layers(model)}


def _reads_signed(layer: ov.Node) -> bool:
    """Tell whether this is a convolution whose input is rounded to signed values."""
    if layer.get_type_name() != "Convolution":
        return False
    quantizer = layer.input_value(0).get_node()
    low = value(quantizer.input(1)) if quantizer.get_type_name() == "FakeQuantize" else None
    return low is not None and bool(np.min(low) < 0)


def limits(steps: Values, *, first: bool) -> tuple[Values, Values]:
    """Give how far each weight of a crowded layer may be rounded, so that no two overflow.

    Args:
        steps: outputs x inputs x kernel, weights in steps, not rounded.
        first: whether the layer reads the picture: any two may meet then, not only neighbours.

    Returns:
        The least and the most steps of each, of the same shape.

    Example:
        >>> least, most = limits(np.array([[[99.5], [-20.0], [10.0]]]), first=True)
        >>> most.ravel().tolist(), least.ravel().tolist()
        ([100.0, 28.0, 28.0], [-64.0, -64.0, -64.0])
        >>> limits(np.array([[[99.5], [-20.0], [10.0]]]), first=False)[1].ravel().tolist()
        [100.0, 28.0, 64.0]
    """
    meeting = steps.reshape(len(steps), 1, -1) if first else _pairs(steps)
    least, most = -_most(-meeting), _most(meeting)
    if first:
        return least.reshape(steps.shape), most.reshape(steps.shape)
    return _apart(least, steps.shape), _apart(most, steps.shape)


def _pairs(weights: Values) -> Values:
    """Put neighbouring channels side by side: outputs x inputs x kernel -> outputs x n x 2."""
    last = np.moveaxis(weights, 1, -1)
    odd = [(0, 0)] * (last.ndim - 1) + [(0, last.shape[-1] % 2)]
    return np.pad(last, odd).reshape(len(weights), -1, 2)


def _apart(pairs: Values, shape: tuple[int, ...]) -> Values:
    """Undo `_pairs`."""
    inputs = shape[1]
    last = pairs.reshape(shape[0], *shape[2:], inputs + inputs % 2)[..., :inputs]
    return np.moveaxis(last, -1, 1)


def _most(steps: Values) -> Values:
    """Outputs x groups x n, of which any two of a group may meet."""
    half = TOGETHER / 2
    place = steps.argmax(axis=-1, keepdims=True)
    largest = np.maximum(np.ceil(np.take_along_axis(steps, place, -1) - 1e-6), half)
    most = np.repeat(TOGETHER - largest, steps.shape[-1], axis=-1)
    np.put_along_axis(most, place, largest, -1)
    return most


def _together(meeting: Values) -> Values:
    """Give what two weights of one sign that may meet come to at most, for each output.

    A range that ends there has 127 steps for both, one less than they may have: the larger one is
    rounded up at worst.
    """
    sides = [
        np.sort(np.maximum(side, 0), axis=-1)[..., -2:].sum(-1) for side in (meeting, -meeting)
    ]
    most = np.maximum(*sides).max(axis=1)
    return np.where(most > 0, most, 1.0)
