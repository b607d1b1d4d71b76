"""How a uint8 frame is written for the network inside, and how its answer is read: in numpy.

This is the definition. `frames.py` draws the same into the graph, and `parity.py` compares the two.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ovsharp.spec import Encoding

Frames = npt.NDArray[np.uint8]
Values = npt.NDArray[np.float32]
Network = Callable[[Sequence[Values]], Values]
"""Takes one picture, or a picture and its base, N x C x H x W; gives one, N x C x sH x sW."""

LUMA = np.array([0.114, 0.587, 0.299], np.float32)
"""Weights of blue, green and red in ITU-R BT.601 luma, full range."""


@dataclass(frozen=True, kw_only=True)
class Coding(Encoding):
    """How pictures are written for a network, and how its answer is read."""

    output_range: tuple[float, float] = (0.0, 1.0)
    """What black and white are in its answer."""
    normalised_output: bool = False
    """Whether the output, too, has `mean` subtracted and is divided by `std`."""

    @property
    def channels(self) -> int:
        """Channels of the network's pictures."""
        return 1 if self.colour == "luma" else 3

    def input_affine(self) -> tuple[Values, Values]:
        """Give (divisor, offset) per channel: value = level / divisor + offset, level 0..255."""
        return self._affine(self.value_range, normalised=True)

    def output_affine(self) -> tuple[Values, Values]:
        """Give (factor, offset) per channel: level = (value - offset) * factor, level 0..255."""
        return self._affine(self.output_range, normalised=self.normalised_output)

    def input_span(self) -> tuple[float, float]:
        """Give the smallest and the largest value that the network is fed with."""
        divisor, offset = self.input_affine()
        ends = np.stack([offset, 255 / divisor + offset])
        return float(ends.min()), float(ends.max())

    def encode(self, frames: Frames) -> Values:
        """Write frames for the network.

        Args:
            frames: uint8, N x H x W x 3, BGR.

        Returns:
            float32, N x C x H x W.
        """
        levels = frames.astype(np.float32)
        if self.colour == "luma":
            levels = (levels @ LUMA)[..., None]
        elif self.colour == "rgb":
            levels = levels[..., ::-1]
        divisor, offset = self.input_affine()
        return np.ascontiguousarray(np.moveaxis(levels / divisor + offset, 3, 1))

    def decode(self, values: Values, base: Frames | None) -> Values:
        """Read the network's answer as levels, neither rounded nor clamped.

        A network of luma gives Y alone. Its picture is `base` with the luma swapped: in YCrCb
        every colour is Y plus a linear function of the chroma, so that swapping Y for Y' adds
        Y' - Y(base) to each of B, G and R. The bicubic base has the bicubic chroma.

        Args:
            values: float32, N x C x sH x sW.
            base: uint8, N x sH x sW x 3, BGR; needed for luma only.

        Returns:
            float32, N x sH x sW x 3, BGR, 0..255.
        """
        factor, offset = self.output_affine()
        levels = (np.moveaxis(values, 1, 3) - offset) * factor
        if self.colour == "luma":
            if base is None:
                raise TypeError("a network of luma needs the base picture for its chroma")
            colours = base.astype(np.float32)
            return colours + (levels - (colours @ LUMA)[..., None])
        return levels[..., ::-1] if self.colour == "rgb" else levels

    def _affine(self, bounds: tuple[float, float], *, normalised: bool) -> tuple[Values, Values]:
        low, high = bounds
        mean = np.array(self.mean or (0.0,)) if normalised else np.zeros(1)
        std = np.array(self.std or (1.0,)) if normalised else np.ones(1)
        scale = np.broadcast_to(255 * std / (high - low), self.channels)
        offset = np.broadcast_to((low - mean) / std, self.channels)
        return scale.astype(np.float32), offset.astype(np.float32)
