"""The network behind a router: what is wrong with a frame, from a few crops of it."""

from __future__ import annotations

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
_LEVEL = 0.1
"""Added to magnitudes before their logarithm is taken, in levels."""
_WIDTH = 96
_LEFT_OUT = 0.05
"""Share of numbers that are left out in training, so that none alone decides."""


class RouterNetwork(nn.Module):
    """Expected gains of several models on a frame.

    What is wrong with a picture shows in its frequencies: noise fills the high ones everywhere, a
    codec empties them, blur makes them fall off, JPEG puts their magnitudes on steps and its blocks
    on a grid. So each crop is transformed in blocks of 8x8 (DCT-II), on the grid of JPEG and half a
    block beside it, in luma and two differences of colour, and of each of these coefficients the
    network gets three numbers over all blocks of all crops: the logarithm of its mean magnitude,
    the mean of the logarithm, and the share of values near zero. Three layers make gains of that.

    Args:
        models: number of gains.

    Shape:
        frames x crops x 3 x side x side float, BGR, 0..1, sides multiples of 8, 16 or more ->
        frames x models, dB.
    """

    def __init__(self, models: int) -> None:
        super().__init__()
        planes = torch.tensor([[0.114, 0.587, 0.299], [0.5, -0.331, -0.169], [-0.081, -0.419, 0.5]])
        self.register_buffer("planes", 255 * planes.view(3, 3, 1, 1))
        # Every plane by itself: 3 * 64 filters.
        self.register_buffer("filters", dct(BLOCK).view(-1, 1, BLOCK, BLOCK).repeat(3, 1, 1, 1))
        count = 2 * 3 * 3 * BLOCK**2
        self.register_buffer("centre", torch.zeros(count))
        self.register_buffer("spread", torch.ones(count))
        self.mix = nn.Sequential(
            nn.Dropout(_LEFT_OUT),
            nn.Linear(count, _WIDTH),
            nn.ReLU(),
            nn.Dropout(_LEFT_OUT),
            nn.Linear(_WIDTH, _WIDTH),
            nn.ReLU(),
        )
        self.gains = nn.Linear(_WIDTH, models)

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
            ]
        return torch.cat(numbers, 1)

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
    network = RouterNetwork(models)
    try:
        network.load_state_dict(read_weights(path))
    except RuntimeError as error:
        raise ModelLoadError(f"{path} holds no router of {models} models: {error}") from error
    return RouterOnFrames(network.eval())
