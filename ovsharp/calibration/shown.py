"""What a model is shown while it becomes INT8."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ovsharp.calibration.crops import Crop
from ovsharp.calibration.judge import tensors
from ovsharp.calibration.running import Tensors
from ovsharp.calibration.synthetic import drawn_frames
from ovsharp.spec import ModelSpec
from ovsharp.spread import spread

FITTING = 8
"""Crops that, with the drawn frames, are `Shown.fitting`."""
_DRAWN_SIDE = 32
"""Of the drawn frames, where no border has any influence."""


@dataclass(frozen=True)
class Shown:
    """Frames that decide what a model becomes."""

    pictures: Sequence[Tensors]
    """Crops of real images."""
    drawn: Sequence[Tensors]
    """White, black, flat colours and gradients."""

    @property
    def frames(self) -> list[Tensors]:
        """All of them."""
        return [*self.pictures, *self.drawn]

    @property
    def fitting(self) -> list[Tensors]:
        """The few of them that decide on ranges, weights and the rank of layers."""
        return [*spread(self.pictures, FITTING), *self.drawn]


def shown_frames(crops: Sequence[Crop], spec: ModelSpec) -> Shown:
    """Give the frames that a model is calibrated on."""
    pictures: list[Tensors] = [tensors(crop.frame, spec) for crop in crops]
    flat = drawn_frames(spec, _DRAWN_SIDE).values()
    drawn: list[Tensors] = [tensors(frame, spec) for frame in flat]
    return Shown(pictures, drawn)
