"""Rounds the weights of a quantized model so that its layers' outputs stay where they were.

Rounding each weight to the nearest step leaves errors that add up wherever a picture is smooth: a
3x3 convolution of 12 channels sums 108 of them. Here the weights are rounded one after the other,
and the ones that are left make up for the error so far, as it shows on the layer's real inputs
(GPTQ, Frantar et al. 2023, arXiv 2210.17323, equations 2 and 3). What mean error remains goes into
the bias.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import openvino as ov
from numpy.lib.stride_tricks import sliding_window_view
from openvino import opset13 as ops

from ovsharp.calibration.running import Tensors, outputs, spread
from ovsharp.progress import Progress, silent

Values = npt.NDArray[np.float64]

FRAMES = 24
"""Frames that a layer's inputs are taken from, evenly spread over those for calibration."""
PLACES = 3000
"""Places in each frame."""
DAMPING = 0.01
"""Share of the mean energy of the inputs that is added to each, so that their inverse exists."""


def round_weights(
    model: ov.Model, frames: Sequence[Tensors], *, progress: Progress = silent
) -> None:
    """Round the weights of all convolutions that have quantizers, in place, first layer first.

    Args:
        model: as NNCF gives it: each weight a constant behind a quantizer of its own.
        frames: what it is fed with.
        progress: told of every layer.
    """
    shown = spread(frames, FRAMES)
    layers = [node for node in model.get_ordered_ops() if _is_rounded(node)]
    for number, node in enumerate(layers, 1):
        progress("rounding weights", number - 1, len(layers))
        inputs = _inputs(model, node, shown)
        quantizer = node.input_value(1).get_node()
        weights = _constant(quantizer, 0)
        flat = weights.reshape(len(weights), -1)
        rounded = nearest_outputs(flat, inputs, Grid.of(quantizer, flat))
        _replace(quantizer, rounded.reshape(weights.shape))
        _shift(node, (flat - rounded) @ inputs.mean(axis=0))
    progress("rounding weights", len(layers), len(layers))


@dataclass(frozen=True)
class Grid:
    """What the weights of each output channel are rounded to: multiples of a step, both ends in."""

    step: Values
    """One per output channel."""
    most: Values
    """Largest number of steps, likewise."""

    @classmethod
    def of(cls, quantizer: ov.Node, weights: Values) -> Grid:
        """Read the grid of a quantizer of weights, outputs x n."""
        low, high = (_constant(quantizer, port).ravel() for port in (1, 2))
        step = (high - low) / (quantizer.get_attributes()["levels"] - 1)
        step = np.broadcast_to(step, len(weights))
        # Not to the ends of the quantizer: with 7 bits for the first layer it has more room than
        # its weights may use.
        return cls(step, np.ceil(np.abs(weights).max(axis=1) / step - 1e-6))

    def nearest(self, weights: Values) -> Values:
        """Round one weight of each channel."""
        return np.clip(np.round(weights / self.step), -self.most, self.most) * self.step


def nearest_outputs(weights: Values, inputs: Values, grid: Grid) -> Values:
    """Round weights so that weights @ input changes little.

    Args:
        weights: outputs x n.
        inputs: samples x n.
        grid: of the weights.

    Returns:
        outputs x n, all on the grid.

    Example:
        >>> grid = Grid(np.ones(1), np.full(1, 9.0))
        >>> flat = np.ones((5, 4)) + 0.01 * np.eye(5, 4)  # the same everywhere, or nearly so
        >>> float(nearest_outputs(np.full((1, 4), 0.5), flat, grid).sum())
        2.0
    """
    energy = inputs.T @ inputs / len(inputs)
    energy[np.diag_indices_from(energy)] += DAMPING * np.mean(np.diag(energy)) + 1e-12
    order = np.argsort(-np.diag(energy))
    factor = np.linalg.cholesky(np.linalg.inv(energy[order][:, order])).T
    left = weights[:, order].copy()
    rounded = np.empty_like(left)
    for column, row in enumerate(factor):
        rounded[:, column] = grid.nearest(left[:, column])
        error = (left[:, column] - rounded[:, column]) / row[column]
        left[:, column:] -= np.outer(error, row[column:])
    result = np.empty_like(rounded)
    result[:, order] = rounded
    return result


def _is_rounded(node: ov.Node) -> bool:
    if node.get_type_name() != "Convolution":
        return False
    quantizer = node.input_value(1).get_node()
    return bool(
        quantizer.get_type_name() == "FakeQuantize"
        and quantizer.input_value(0).get_node().get_type_name() == "Constant"
    )


def _inputs(model: ov.Model, node: ov.Node, frames: Sequence[Tensors]) -> Values:
    """Give what a convolution reads at some places: samples x (channels * rows * columns)."""
    clone = model.clone()
    name = node.get_friendly_name()
    twin = next(one for one in clone.get_ops() if one.get_friendly_name() == name)
    # Behind what is quantized already, and nothing after it.
    part = ov.Model([ops.result(twin.input_value(0))], clone.get_parameters(), "part")
    attributes = node.get_attributes()
    pads = list(zip(attributes["pads_begin"], attributes["pads_end"], strict=True))
    down, across = attributes["strides"]
    kernel = tuple(node.input_value(1).get_shape()[2:])
    rng = np.random.default_rng(0)
    samples = []
    for output in outputs(part, frames):
        planes = np.pad(output[0], ((0, 0), *pads))
        windows = sliding_window_view(planes, kernel, (1, 2))[:, ::down, ::across]
        rows, columns = windows.shape[1:3]
        places = rng.integers(rows * columns, size=min(PLACES, rows * columns))
        picked = windows[:, places // columns, places % columns]
        samples.append(picked.transpose(1, 0, 2, 3).reshape(len(places), -1))
    return np.concatenate(samples).astype(np.float64)


def _shift(node: ov.Node, amount: Values) -> None:
    """Add to the bias of a convolution; one without a bias is left alone."""
    for reader in node.output(0).get_target_inputs():
        addition = reader.get_node()
        port = 1 - reader.get_index()
        if addition.get_type_name() == "Add" and _is_constant(addition, port):
            bias = _constant(addition, port)
            _replace(addition, bias + amount.reshape(bias.shape), port)


def _is_constant(node: ov.Node, port: int) -> bool:
    return bool(node.input_value(port).get_node().get_type_name() == "Constant")


def _constant(node: ov.Node, port: int) -> Values:
    return np.array(node.input_value(port).get_node().data, np.float64)


def _replace(node: ov.Node, values: Values, port: int = 0) -> None:
    fresh = ops.constant(values.astype(np.float32))
    fresh.set_friendly_name(node.input_value(port).get_node().get_friendly_name())
    node.input(port).replace_source_output(fresh.output(0))
