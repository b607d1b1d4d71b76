"""Proof that a converted model computes what its source computes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import openvino as ov

from ovsharp.convert.probe import enlarged, network_inputs
from ovsharp.errors import ConversionError
from ovsharp.passes import ROUNDING, Body, Coding, Frames, Network, Runner, Values, redirect

LIMIT = 1e-3
"""Largest difference to the source, white = 1, of a model with f32 weights: a quarter level."""

LIMIT_FP16 = 5e-2
"""The same with weights rounded to 11 significant bits, at the worst pixel of noise, where many
networks overshoot white several times. The rounding of each weight (2^-12 of it) adds up over a
deep network: 1e-4 to 1e-2 was seen. A weight over 65504 or a lost scale shows as far more."""

Levels = Callable[[Frames], Values]
"""Frame, uint8, 1 x H x W x 3 -> levels, float, 1 x sH x sW x 3, neither rounded nor clamped."""


@dataclass(frozen=True)
class Parity:
    """What a comparison over several frames has shown."""

    difference: float
    """Largest absolute difference of the unrounded outputs, white = 1."""
    levels: int
    """Largest difference of the uint8 frames."""
    share: float
    """Share of the values of the uint8 frames that differ at all."""


def levels_of(network: Network, body: Body, coding: Coding) -> Levels:
    """Give a float network as a function of frames, by way of numpy."""

    def run(frames: Frames) -> Values:
        values = network(network_inputs(body, coding, frames))
        return coding.decode(values, enlarged(frames, body.scale))

    return run


def compare(model: ov.Model, reference: Levels, frames: Sequence[Frames], scale: int) -> Parity:
    """Compare a model that takes frames with its source.

    Args:
        model: as `with_frames` builds it, from memory or from a file.
        reference: the source.
        frames: what to run both on.
        scale: of the model.

    Returns:
        The largest differences; `nan` where one of the two gives nan or infinity.
    """
    difference, levels, unequal, total = 0.0, 0, 0, 0
    whole, exact = Runner(model), Runner(unrounded(model))
    for frame in frames:
        expected = reference(frame)
        inputs = [frame, enlarged(frame, scale)][: len(model.inputs)]
        difference = float(np.max([difference, np.abs(exact(inputs) - expected).max() / 255]))
        rounded = np.clip(np.rint(expected), 0, 255)
        errors = np.abs(whole(inputs).astype(np.float32) - rounded)
        levels = max(levels, int(errors.max()))
        unequal += int((errors > 0).sum())
        total += errors.size
    return Parity(difference, levels, unequal / total)


def compare_levels(first: Levels, second: Levels, frames: Sequence[Frames]) -> float:
    """Give the largest difference of two networks, white = 1."""
    return float(np.max([np.abs(first(frame) - second(frame)).max() / 255 for frame in frames]))


def check(difference: float, what: str, limit: float) -> None:
    """Refuse a difference over a limit.

    Raises:
        ConversionError: the difference is over the limit, or not a number.
    """
    if not difference <= limit:
        raise ConversionError(
            f"{what} differ by {difference:.2g} (white = 1) and at most {limit:g} is allowed: "
            f"the conversion is not faithful and nothing was written"
        )


def unrounded(model: ov.Model) -> ov.Model:
    """Give a copy whose output are the levels before they are rounded to a frame."""
    copy = model.clone()
    for node in copy.get_ordered_ops():
        if node.get_friendly_name().startswith(f"{ROUNDING}/"):
            redirect(node.output(0), node.input_value(0))
    copy.validate_nodes_and_infer_types()
    return copy
