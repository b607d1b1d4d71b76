"""The `synergy` system: a tiny depthwise-separable student. Its teacher is `srresnet`.

The system is a proposal without code: what it leaves open is filled in here.
"""

from __future__ import annotations

from math import isqrt

import torch
from torch import nn
from torch.nn.functional import pixel_shuffle, pixel_unshuffle, relu

from ovsharp.models.architecture import Architecture, Shapes, sizes
from ovsharp.models.blocks import conv3x3


class SeparableBlock(nn.Module):
    """Depthwise 3x3, 1x1, + input, ReLU."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(channels, channels, 3, padding=1, groups=channels)
        self.pointwise = nn.Conv2d(channels, channels, 1)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return relu(features + self.pointwise(self.depthwise(features)))


class SynergyStudent(nn.Module):
    """Depthwise-separable blocks on a pixel-unshuffled frame, then light attention.

    The attention is one 1x1 convolution and a sigmoid: it looks at single pixels only, so that
    the receptive field stays bounded and tiles stay exact. 29,772 parameters in standard size.

    Args:
        channels: width.
        blocks: number of separable blocks.
        unshuffle: factor by which both sides shrink; input sides must be multiples of it.

    Shape:
        N x 3 x H x W float, RGB, 0..1 -> the same shape, not clamped.
    """

    def __init__(self, channels: int = 48, blocks: int = 6, unshuffle: int = 2) -> None:
        super().__init__()
        packed = 3 * unshuffle**2
        self.unshuffle = unshuffle
        self.head = conv3x3(packed, channels)
        self.blocks = nn.Sequential(*(SeparableBlock(channels) for _ in range(blocks)))
        self.attention = nn.Conv2d(channels, channels, 1)
        self.tail = conv3x3(channels, packed)

    def forward(self, frame: torch.Tensor) -> torch.Tensor:
        features = self.blocks(relu(self.head(pixel_unshuffle(frame, self.unshuffle))))
        features = features * torch.sigmoid(self.attention(features))
        return frame + pixel_shuffle(self.tail(features), self.unshuffle)


def _unshuffle(shapes: Shapes) -> int:
    return isqrt(shapes["head.weight"][1] // 3)


ARCHITECTURE = Architecture(
    name="synergy",
    network=SynergyStudent,
    telltale=("head.weight", "blocks.0.depthwise.weight", "attention.weight", "tail.weight"),
    deduce=sizes(channels="head.weight", blocks="blocks.", unshuffle=_unshuffle),
)
