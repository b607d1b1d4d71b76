"""Finds the ranges of quantized activations that bring a model nearest to its parent's pictures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import openvino as ov
from openvino import opset13 as ops

from ovsharp.calibration.constants import replace, value
from ovsharp.calibration.graph import activation_quantizers, drop_quantizers, inner_quantizers
from ovsharp.calibration.running import Tensors, outputs, run, squared_error
from ovsharp.progress import Progress, silent

FACTORS = (1.0, 0.7, 0.5, 0.35)
"""What a range is narrowed by; at first it goes from the smallest to the largest value. Few values
are far out, at edges: to clip them is better than to give all others steps three times as large."""
WIDER = (1.0, 1.4, 2.0, 2.8, 4.0, 5.6)
"""What a range is widened by, once weights are rounded: it takes back what was too narrow."""
SWEEPS = 3
"""The most rounds in which each range is fitted again."""
ALONE = 12
"""Quantizers up to which each gets a factor of its own; in a deeper network all have one."""
_LEVELS = 256


def measure_ranges(
    model: ov.Model,
    frames: Sequence[Tensors],
    *,
    asymmetric: bool,
    progress: Progress = silent,
) -> None:
    """Set the ranges of all activations, in place, to what they are in floating point.

    One pass over the frames, in which the graph itself finds the smallest and the largest value
    of each: a third of the time that NNCF's collectors take.

    Args:
        model: with quantizers, whatever their ranges.
        frames: for calibration, flat ones among them.
        asymmetric: whether values on both sides of 0 get a range that is not symmetric.
        progress: told of every frame.
    """
    clone = model.clone()
    names = [node.get_friendly_name() for node in activation_quantizers(clone)]
    ends = []
    for node in activation_quantizers(clone):
        axes = ops.constant(list(range(len(node.get_output_partial_shape(0)))))
        source = node.input_value(0)
        ends += [ops.reduce_min(source, axes, False), ops.reduce_max(source, axes, False)]
    drop_quantizers(clone)
    ends = [ops.result(end) for end in ends]
    lowest, highest = np.full(len(names), np.inf), np.full(len(names), -np.inf)
    part = ov.Model(ends, clone.get_parameters(), "ranges")
    for number, results in enumerate(run(part, frames)):
        progress("measuring ranges", number, len(frames))
        lowest = np.minimum(lowest, results[0::2])
        highest = np.maximum(highest, results[1::2])
    progress("measuring ranges", len(frames), len(frames))
    for node, low, high in zip(activation_quantizers(model), lowest, highest, strict=True):
        _set(node, *_range(float(low), float(high), asymmetric=asymmetric))


def fit_ranges(
    model: ov.Model, parent: ov.Model, frames: Sequence[Tensors], *, progress: Progress = silent
) -> None:
    """Narrow the ranges of a quantized model, in place, where that brings its pictures nearer.

    First all by one factor, then one quantizer after the other, first to last, by the mean squared
    error of the frames that come out: what an error inside does to the picture only the picture
    tells.

    Args:
        model: with ranges that clip nothing.
        parent: in floating point.
        frames: to compare on, flat ones among them: a range that is too narrow makes another
            colour of them.
        progress: told of every step.
    """
    wanted = list(outputs(parent, frames))
    quantizers = inner_quantizers(model)
    groups = [quantizers, *((one,) for one in _alone(quantizers))]
    for number, group in enumerate(groups):
        progress("fitting ranges", number, len(groups))
        _fit(model, group, frames, wanted, (FACTORS,))
    progress("fitting ranges", len(groups), len(groups))


def refit_ranges(
    model: ov.Model, parent: ov.Model, frames: Sequence[Tensors], *, progress: Progress = silent
) -> None:
    """Narrow or widen each range of a model with rounded weights, until no picture gets nearer.

    Weights that are rounded to the nearest step err so much that `fit_ranges` sees little else.
    Behind `round_weights` the ranges decide: a student of six plain layers, some of whose ranges
    had come out at a sixth of what they need, went from a squared error of 2.3 to 0.1.

    Args:
        model: with fitted ranges and rounded weights.
        parent: in floating point.
        frames: as for `fit_ranges`.
        progress: told of every step.
    """
    alone = _alone(inner_quantizers(model))
    wanted = list(outputs(parent, frames)) if alone else []
    steps = SWEEPS * len(alone)
    for sweep in range(SWEEPS):
        factors = []
        for number, one in enumerate(alone):
            progress("fitting ranges again", sweep * len(alone) + number, steps)
            factors.append(_fit(model, (one,), frames, wanted, (FACTORS, WIDER)))
        if all(factor == 1 for factor in factors):
            break
    progress("fitting ranges again", steps, steps)


def _alone(quantizers: Sequence[ov.Node]) -> Sequence[ov.Node]:
    return quantizers if 1 < len(quantizers) <= ALONE else ()


def _fit(
    model: ov.Model,
    group: Sequence[ov.Node],
    frames: Sequence[Tensors],
    wanted: Sequence[npt.NDArray[np.uint8]],
    ways: Sequence[Sequence[float]],
) -> float:
    """Change the ranges of some quantizers by the best factor of the first way that helps.

    Each way begins with 1, and is gone for as long as every step helps.
    """
    bounds = [_bounds(quantizer) for quantizer in group]

    def error(factor: float) -> float:
        for quantizer, own in zip(group, bounds, strict=True):
            _set(quantizer, *(factor * bound for bound in own))
        return squared_error(model, frames, wanted)

    start = error(1.0)
    best = 1.0
    for way in ways:
        least = start
        for factor in way[1:]:
            found = error(factor)
            if found >= least:
                break
            best, least = factor, found
        if best != 1:
            break
    for quantizer, own in zip(group, bounds, strict=True):
        _set(quantizer, *(best * bound for bound in own))
    return best


def _range(low: float, high: float, *, asymmetric: bool) -> tuple[float, float]:
    """Give the ends of 256 steps of which one is 0 exactly."""
    low, high = min(low, 0.0), max(high, 0.0)
    if high - low <= 0:
        return 0.0, 1.0
    if low == 0:
        return 0.0, high
    if asymmetric:
        below = min(max(round(-low / (high - low) * (_LEVELS - 1)), 1), _LEVELS - 2)
        step = max(-low / below, high / (_LEVELS - 1 - below))
        return -step * below, step * (_LEVELS - 1 - below)
    step = max(-low / (_LEVELS // 2), high / (_LEVELS // 2 - 1))
    return -step * (_LEVELS // 2), step * (_LEVELS // 2 - 1)


def _bounds(quantizer: ov.Node) -> tuple[float, float]:
    ends = [value(quantizer.input(port)) for port in (1, 2)]
    low, high = (float(end.min()) for end in ends if end is not None)
    return low, high


def _set(quantizer: ov.Node, low: float, high: float) -> None:
    for port, bound in ((1, low), (2, high), (3, low), (4, high)):
        replace(quantizer.input(port), np.array(bound, np.float32))
