"""`Body`: the float network inside a model, in the one form that all passes work on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy.typing as npt
import openvino as ov

from ovsharp.passes.coding import Network

Call = Callable[[Sequence[npt.NDArray[Any]]], npt.NDArray[Any]]
"""Takes arrays in the order and the layout of a model's own inputs; gives its picture."""

MAX_SCALE = 8
MAX_MULTIPLE = 64
TRIAL_SIZES = ((64, 96), (96, 64), (128, 192), (224, 336), (240, 320), (256, 512))
"""Height and width that networks are tried with: sizes that many numbers divide."""


@dataclass(frozen=True)
class Body:
    """A float network that takes one picture, or a picture and its base, and gives one picture.

    `find_body` makes it, and writes down what later steps need to know of it.
    """

    model: ov.Model
    """f32, N x C x H x W; inputs in the order picture, base; one output; H and W dynamic unless
    `size` is set."""
    network: Network
    """Runs it."""
    channels: int
    """3 for colour, 1 for luma."""
    scale: int
    base: bool
    """Whether it takes the enlarged picture as its second input."""
    size: tuple[int, int] | None
    """(height, width) if it takes one size only."""
    trial: tuple[int, int]
    """A size that it takes."""
    multiple: int
    """Of which both sides have to be multiples; 0 if that is none up to `MAX_MULTIPLE`."""

    @property
    def needs_base(self) -> bool:
        """Whether a model of frames needs the bicubic upscale: for the network, or for chroma."""
        return self.base or (self.channels == 1 and self.scale > 1)

    @property
    def scales(self) -> tuple[int, ...]:
        """Sides of its inputs over those of the picture."""
        return (1, self.scale) if self.base else (1,)
