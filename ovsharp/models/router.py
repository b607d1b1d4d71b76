"""The network behind a router: what is wrong with a frame, from a few crops of it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import cast

import torch
from torch import nn
from torch.nn import functional

from ovsharp.errors import ModelLoadError
from ovsharp.models.blocks import dct
from ovsharp.models.checkpoint import read_weights

BLOCK = 8
"""Side of the blocks that are transformed, in pixels: those of JPEG."""
SIDE = 64
"""Side of a crop, in pixels."""
_LEVEL = 0.1
"""Added to magnitudes before their logarithm is taken, in levels."""
_EDGE = 32.0
"""Second differences above it, in levels, count as so much: one strong edge is no period."""
_LEFT_OUT = 0.05
"""Share of numbers that are left out in training, so that none alone decides."""


class RouterNetwork(nn.Module):
    """Expected gains of several models on a frame.

    What is wrong with a picture shows in its frequencies: noise fills the high ones everywhere, a
    codec empties them, blur makes them fall off, JPEG puts their magnitudes on steps and its blocks
    on a grid. So each crop is transformed in blocks of 8x8 (DCT-II), on the grid of JPEG and half a
    block beside it, in luma and two differences of colour, and of each of these coefficients the
    network gets four numbers over all blocks of all crops: the logarithms of its mean and of its
    root mean square magnitude, the mean of the logarithm, and the share of values near zero.

    A picture that was enlarged is smoother where its pixels lie between those of the smaller one:
    the mean magnitude of its second differences repeats with the steps of these (Gallagher,
    "Detection of linear and cubic interpolation in JPEG compressed images", 2005). So the network
    also gets the strength of each period, along rows and columns. Three layers make gains of all.

    Args:
        models: number of gains.
        width: of the layers between.

    Shape:
        frames x crops x 3 x 64 x 64 float, BGR, 0..1 -> frames x models, dB.
    """

    def __init__(self, models: int, width: int) -> None:
        super().__init__()
        planes = torch.tensor([[0.114, 0.587, 0.299], [0.5, -0.331, -0.169], [-0.081, -0.419, 0.5]])
        self.register_buffer("planes", 255 * planes.view(3, 3, 1, 1))
        # Every plane by itself: 3 * 64 filters.
        self.register_buffer("filters", dct(BLOCK).view(-1, 1, BLOCK, BLOCK).repeat(3, 1, 1, 1))
        places = torch.arange(SIDE - 2)
        angles = 2 * math.pi / SIDE * torch.outer(torch.arange(1, SIDE // 2 + 1), places)
        # One matrix of two dimensions: the CPU plugin fails on products of a batch of them.
        waves = torch.cat((angles.cos(), angles.sin())).T
        self.register_buffer("waves", waves, persistent=False)
        count = 2 * 4 * 3 * BLOCK**2 + 2 * (SIDE // 2)
        self.register_buffer("centre", torch.zeros(count))
        self.register_buffer("spread", torch.ones(count))
        self.mix = nn.Sequential(
            nn.Dropout(_LEFT_OUT),
            nn.Linear(count, width),
            nn.ReLU(),
            nn.Dropout(_LEFT_OUT),
            nn.Linear(width, width),
            nn.ReLU(),
        )
        self.gains = nn.Linear(width, models)

    def forward(self, crops: torch.Tensor) -> torch.Tensor:
        return self.told(self.found(crops))

    def found(self, crops: torch.Tensor) -> torch.Tensor:
        """Give what is found in crops: frames x numbers."""
        frames, count = crops.shape[:2]
        planes = functional.conv2d(crops.flatten(0, 1), cast("torch.Tensor", self.planes))
        half = BLOCK // 2
        numbers = []
        for grid in (planes, planes[:, :, half:-half, half:-half]):
            filters = cast("torch.Tensor", self.filters)
            coefficients = functional.conv2d(grid, filters, stride=BLOCK, groups=3).abs()
            places = coefficients.view(frames, count, coefficients.shape[1], -1)
            numbers += [
                (places.mean((1, 3)) + _LEVEL).log(),
                (places + _LEVEL).log().mean((1, 3)),
                (-places).exp().mean((1, 3)),
                (places.square().mean((1, 3)) + _LEVEL**2).log() / 2,
            ]
        luma = planes[:, 0]
        for rows in (luma, luma.transpose(1, 2)):
            strength = self._periods(rows).view(frames, count, -1)
            numbers.append((strength.mean(1) + _LEVEL).log())
        return torch.cat(numbers, 1)

    def _periods(self, luma: torch.Tensor) -> torch.Tensor:
        """Give how strongly second differences along rows repeat: crops x side x side -> x 32."""
        second = luma[:, :, 2:] - 2 * luma[:, :, 1:-1] + luma[:, :, :-2]
        along = second.abs().clamp(max=_EDGE).mean(1)
        along = along - along.mean(1, keepdim=True)
        parts = torch.matmul(along, cast("torch.Tensor", self.waves))
        # As many crops as there are: a length that Python asks for would be a constant of the IR.
        return parts.view(-1, 2, SIDE // 2).square().sum(1).sqrt()

    def told(self, found: torch.Tensor) -> torch.Tensor:
        """Give gains for what was found, in dB."""
        centre, spread = cast("torch.Tensor", self.centre), cast("torch.Tensor", self.spread)
        values = (found - centre) / spread
        # Small gains count as much as large ones: learned on a scale that is linear near zero.
        return torch.sinh(cast("torch.Tensor", self.gains(self.mix(values))))


class RouterOnFrames(nn.Module):
    """A trained router as it is deployed: bytes of one frame in, its gains out.

    Shape:
        crops x side x side x 3 uint8, BGR -> models, dB.
    """

    def __init__(self, network: RouterNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, crops: torch.Tensor) -> torch.Tensor:
        values = crops.permute(0, 3, 1, 2).float() / 255
        return cast("torch.Tensor", self.network(values[None])[0])


def load_router(path: Path, models: int) -> RouterOnFrames:
    """Read the weights of a router, as `scripts/train_router.py` writes them.

    Args:
        path: of `router.pth`, which lies beside the IR in the repository.
        models: number of gains.

    Raises:
        ModelLoadError: a missing or damaged file, or other weights.
    """
    weights = read_weights(path)
    try:
        network = RouterNetwork(models, weights["gains.weight"].shape[1])
        network.load_state_dict(weights)
    except (KeyError, IndexError, RuntimeError) as error:
        raise ModelLoadError(f"{path} holds no router of {models} models: {error}") from error
    return RouterOnFrames(network.eval())
