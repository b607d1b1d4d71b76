"""Finds the ranges of quantized activations that bring a model nearest to its parent's pictures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import openvino as ov
from openvino import opset13 as ops

from ovsharp.calibration.graph import activation_quantizers
from ovsharp.calibration.running import Tensors, outputs, spread
from ovsharp.progress import Progress, silent

FACTORS = (1.0, 0.7, 0.5, 0.35, 1.4)
"""What a range is narrowed by; at first it goes from the smallest to the largest value. Few values
are far out, at edges: to clip them is better than to give all others steps three times as large.
The last one takes back what all had to share."""
FRAMES = 12
"""Frames that pictures are compared on, evenly spread over those for calibration."""
ALONE = 12
"""Quantizers up to which each gets a factor of its own; in a deeper network all have one."""


def fit_ranges(
    model: ov.Model,
    parent: ov.Model,
    frames: Sequence[Tensors],
    always: Sequence[Tensors],
    *,
    progress: Progress = silent,
) -> None:
    """Narrow the ranges of a quantized model, in place, where that brings its pictures nearer.

    First all by one factor, then one quantizer after the other, first to last, by the mean squared
    error of the frames that come out: what an error inside does to the picture only the picture
    tells.

    Args:
        model: as NNCF gives it, with ranges that clip nothing.
        parent: in floating point.
        frames: for calibration.
        always: frames that count among the others, whatever is drawn from them: flat ones, of
            which a range that is too narrow makes another colour.
        progress: told of every step.
    """
    shown = [*spread(frames, FRAMES), *always]
    wanted = list(outputs(parent, shown))
    quantizers = activation_quantizers(model)
    groups = [quantizers, *((one,) for one in quantizers if len(quantizers) <= ALONE)]
    for number, group in enumerate(groups):
        progress("fitting ranges", number, len(groups))
        bounds = [_bounds(quantizer) for quantizer in group]
        errors = {}
        for factor in FACTORS:
            for quantizer, own in zip(group, bounds, strict=True):
                _set(quantizer, own, factor)
            errors[factor] = np.mean(
                [
                    np.mean((picture.astype(np.float32) - best) ** 2)
                    for picture, best in zip(outputs(model, shown), wanted, strict=True)
                ]
            )
        best_factor = min(errors, key=lambda factor: errors[factor])
        for quantizer, own in zip(group, bounds, strict=True):
            _set(quantizer, own, best_factor)
    progress("fitting ranges", len(groups), len(groups))


Bounds = list[npt.NDArray[np.float32]]


def _bounds(quantizer: ov.Node) -> Bounds:
    return [quantizer.input_value(port).get_node().data.copy() for port in (1, 2, 3, 4)]


def _set(quantizer: ov.Node, bounds: Bounds, factor: float) -> None:
    for port, bound in enumerate(bounds, 1):
        fresh = ops.constant((bound * factor).astype(np.float32))
        quantizer.input(port).replace_source_output(fresh.output(0))
