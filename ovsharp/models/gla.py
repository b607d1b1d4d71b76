"""The `gla` system: a plain same-resolution student. Its teacher is BSRGAN, see `rrdbnet`."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.functional import relu

from ovsharp.models.architecture import Architecture, sizes
from ovsharp.models.blocks import conv3x3


class GlaBlock(nn.Module):
    """Conv, ReLU, Conv, + input, ReLU."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = conv3x3(channels, channels)
        self.conv2 = conv3x3(channels, channels)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return relu(features + self.conv2(relu(self.conv1(features))))


class GlaStudent(nn.Module):
    """Draws the whole picture anew: there is no skip from the input to the output.

    Args:
        narrow: width of the first and the last layer.
        wide: width of the body.
        blocks: number of residual blocks.

    Shape:
        N x 3 x H x W float, RGB, 0..1 -> the same shape, clamped to 0..1.
    """

    def __init__(self, narrow: int = 32, wide: int = 64, blocks: int = 4) -> None:
        super().__init__()
        self.conv1 = conv3x3(3, narrow)
        self.conv2 = conv3x3(narrow, wide)
        self.res_blocks = nn.Sequential(*(GlaBlock(wide) for _ in range(blocks)))
        self.conv3 = conv3x3(wide, narrow)
        self.conv4 = conv3x3(narrow, 3)

    def forward(self, frame: torch.Tensor) -> torch.Tensor:
        features = self.res_blocks(relu(self.conv2(relu(self.conv1(frame)))))
        return torch.clamp(self.conv4(relu(self.conv3(features))), 0, 1)


ARCHITECTURE = Architecture(
    name="gla",
    network=GlaStudent,
    telltale=("conv1.weight", "conv2.weight", "res_blocks.0.conv1.weight", "conv4.weight"),
    deduce=sizes(narrow="conv1.weight", wide="conv2.weight", blocks="res_blocks."),
)
