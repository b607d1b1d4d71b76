"""What a model is shown while it becomes INT8."""

from __future__ import annotations

from collections.abc import Sequence

from ovsharp.calibration.crops import Crop
from ovsharp.calibration.judge import tensors
from ovsharp.calibration.running import Tensors, spread
from ovsharp.calibration.synthetic import drawn_frames
from ovsharp.spec import ModelSpec

FITTING = 8
"""Crops that, with the drawn frames, decide on ranges, weights and the rank of layers."""
_DRAWN_SIDE = 32
"""Of the drawn frames, where no border has any influence."""


def shown_frames(crops: Sequence[Crop], spec: ModelSpec) -> tuple[list[Tensors], list[Tensors]]:
    """Give all frames that a model is calibrated on, and the few of them that decide."""
    frames = [tensors(crop.frame, spec) for crop in crops]
    drawn = [tensors(frame, spec) for frame in drawn_frames(spec, _DRAWN_SIDE).values()]
    return [*frames, *drawn], [*spread(frames, FITTING), *drawn]
