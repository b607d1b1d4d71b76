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
from typing import Any

import numpy as np
import numpy.typing as npt
import openvino as ov
from numpy.lib.stride_tricks import sliding_window_view
from openvino import opset13 as ops

from ovsharp.calibration.constants import bias_of, replace, value
from ovsharp.calibration.overflow import crowded, limits
from ovsharp.calibration.running import Tensors, run
from ovsharp.progress import Progress, silent

Values = npt.NDArray[np.float64]

PLACES = 1000
"""Places in each frame that a layer's inputs are taken from."""
DAMPING = 0.01
"""Share of the mean energy of the inputs that is added to each, so that their inverse exists."""


def round_weights(
    model: ov.Model, frames: Sequence[Tensors], *, progress: Progress = silent
) -> None:
    """Round the weights of all convolutions that have quantizers, in place.

    What the layers read is taken from one pass with quantized activations and weights as they
    are: to go layer by layer, each behind rounded ones, gains nothing that shows and takes a pass
    for each.

    Args:
        model: with each weight a constant behind a quantizer of its own.
        frames: what it is fed with.
        progress: told of every frame and every layer.
    """
    layers = [node for node in model.get_ordered_ops() if _is_rounded(node)]
    first = crowded(model)
    seen = _inputs(model, layers, frames, progress)
    for number, node in enumerate(layers, 1):
        progress("rounding weights", number - 1, len(layers))
        inputs = seen[node.get_friendly_name()]
        quantizer = node.input_value(1).get_node()
        weights = _weights(quantizer)
        flat = weights.reshape(len(weights), -1)
        grid = Grid.of(quantizer, flat)
        if node.get_friendly_name() in first:
            grid = grid.with_room(weights.shape, flat, first=first[node.get_friendly_name()])
        rounded = nearest_outputs(flat, inputs, grid)
        replace(quantizer.input(0), rounded.reshape(weights.shape))
        bias = bias_of(node)
        if bias is not None:
            shift = (flat - rounded) @ inputs.mean
            before = np.asarray(value(bias), np.float64)
            replace(bias, before + shift.reshape(before.shape))
    progress("rounding weights", len(layers), len(layers))


@dataclass(frozen=True)
class Inputs:
    """What a layer reads: n values for each output, kernel and channels together."""

    energy: Values
    """Mean of their products, n x n."""
    mean: Values
    """n."""

    @classmethod
    def of(cls, samples: npt.NDArray[Any]) -> Inputs:
        """Sum up samples x n."""
        energy = samples.T @ samples / len(samples)
        return cls(energy.astype(np.float64), samples.mean(axis=0, dtype=np.float64))


@dataclass(frozen=True)
class Grid:
    """What weights, outputs x n, are rounded to: multiples of a step."""

    step: Values
    """One per output channel."""
    least: Values
    """How many steps each weight may have, outputs x n."""
    most: Values
    """Likewise."""

    @classmethod
    def of(cls, quantizer: ov.Node, weights: Values) -> Grid:
        """Read the grid of a quantizer of weights, outputs x n."""
        low, high = (np.ravel(np.asarray(value(quantizer.input(port)))) for port in (1, 2))
        step = (high - low) / (quantizer.get_attributes()["levels"] - 1)
        step = np.broadcast_to(step, len(weights))
        most = np.ceil(np.abs(weights).max(axis=1, keepdims=True) / step[:, None] - 1e-6)
        most = np.broadcast_to(most, weights.shape)
        return cls(step, -most, most)

    def with_room(self, shape: Sequence[int], weights: Values, *, first: bool) -> Grid:
        """Give the one on which no two weights of `shape` overflow; see `overflow.limits`."""
        steps = (weights / self.step[:, None]).reshape(shape)
        least, most = (end.reshape(weights.shape) for end in limits(steps, first=first))
        return Grid(self.step, least, most)

    def nearest(self, weights: Values, column: int) -> Values:
        """Round one weight of each channel."""
        steps = np.round(weights / self.step)
        return np.clip(steps, self.least[:, column], self.most[:, column]) * self.step


def nearest_outputs(weights: Values, inputs: Inputs, grid: Grid) -> Values:
    """Round weights so that weights @ input changes little.

    Args:
        weights: outputs x n.
        inputs: of the layer.
        grid: of the weights.

    Returns:
        outputs x n, all on the grid.

    Example:
        >>> grid = Grid(np.ones(1), np.full((1, 4), -9.0), np.full((1, 4), 9.0))
        >>> flat = np.ones((5, 4)) + 0.01 * np.eye(5, 4)  # the same everywhere, or nearly so
        >>> float(nearest_outputs(np.full((1, 4), 0.5), Inputs.of(flat), grid).sum())
        2.0
    """
    energy = inputs.energy.copy()
    energy[np.diag_indices_from(energy)] += DAMPING * np.mean(np.diag(energy)) + 1e-12
    order = np.argsort(-np.diag(energy))
    factor = np.linalg.cholesky(np.linalg.inv(energy[order][:, order])).T
    left = weights[:, order].copy()
    rounded = np.empty_like(left)
    for column, row in enumerate(factor):
        rounded[:, column] = grid.nearest(left[:, column], order[column])
        error = (left[:, column] - rounded[:, column]) / row[column]
        left[:, column:] -= np.outer(error, row[column:])
    result = np.empty_like(rounded)
    result[:, order] = rounded
    return result


def _is_rounded(node: ov.Node) -> bool:
    if node.get_type_name() != "Convolution":
        return False
    quantizer = node.input_value(1).get_node()
    return quantizer.get_type_name() == "FakeQuantize" and value(quantizer.input(0)) is not None


def _weights(quantizer: ov.Node) -> Values:
    return np.asarray(value(quantizer.input(0)), np.float64)


def _inputs(
    model: ov.Model, layers: Sequence[ov.Node], frames: Sequence[Tensors], progress: Progress
) -> dict[str, Inputs]:
    """Look at what convolutions read at some places, from one pass over the frames."""
    names = [node.get_friendly_name() for node in layers]
    clone = model.clone()
    twins = {node.get_friendly_name(): node for node in clone.get_ops()}
    for name in names:
        weights = twins[name].input(1)
        weights.replace_source_output(weights.get_source_output().get_node().input_value(0))
    ends = [ops.result(twins[name].input_value(0)) for name in names]
    part = ov.Model(ends, clone.get_parameters(), "part")
    rng = np.random.default_rng(0)
    samples: dict[str, list[npt.NDArray[Any]]] = {name: [] for name in names}
    for number, results in enumerate(run(part, frames)):
        progress("looking at layers", number, len(frames))
        for node, planes in zip(layers, results, strict=True):
            samples[node.get_friendly_name()].append(_windows(node, planes[0], rng))
    progress("looking at layers", len(frames), len(frames))
    return {name: Inputs.of(np.concatenate(parts)) for name, parts in samples.items()}


def _windows(node: ov.Node, planes: npt.NDArray[Any], rng: np.random.Generator) -> npt.NDArray[Any]:
    """Give what a convolution reads at random places: samples x (channels * rows * columns)."""
    attributes = node.get_attributes()
    pads = list(zip(attributes["pads_begin"], attributes["pads_end"], strict=True))
    (down, across), (below, beside) = attributes["strides"], attributes["dilations"]
    height, width = node.input_value(1).get_shape()[2:]
    planes = np.pad(planes, ((0, 0), *pads))
    reach = ((height - 1) * below + 1, (width - 1) * beside + 1)
    windows = sliding_window_view(planes, reach, (1, 2))[:, ::down, ::across, ::below, ::beside]
    rows, columns = windows.shape[1:3]
    places = rng.integers(rows * columns, size=min(PLACES, rows * columns))
    picked = windows[:, places // columns, places % columns]
    return picked.transpose(1, 0, 2, 3).reshape(len(places), -1)
