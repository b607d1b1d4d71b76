"""SRResNet, the teacher of the `synergy` system.

C. Ledig et al., "Photo-Realistic Single Image Super-Resolution Using a Generative Adversarial
Network", CVPR 2017.
"""

from __future__ import annotations

import torch
from torch import nn

from ovsharp.models.architecture import Architecture, Shapes, count, sizes
from ovsharp.models.blocks import Skipped, conv3x3


class SRResBlock(Skipped):
    """Conv, BatchNorm, PReLU, Conv, BatchNorm, + input."""

    def __init__(self, channels: int) -> None:
        super().__init__(
            conv3x3(channels, channels, bias=False),
            nn.BatchNorm2d(channels),
            nn.PReLU(),
            conv3x3(channels, channels, bias=False),
            nn.BatchNorm2d(channels),
        )


class SRResNet(nn.Module):
    """Residual blocks at the size of the input, then one pixel-shuffle per factor of 2.

    Args:
        channels: width.
        blocks: number of residual blocks.
        scale: 1, 2, 4 or 8; 1 leaves the upsampler out, as `synergy` needs it.

    Shape:
        N x 3 x H x W float, RGB, 0..1 -> N x 3 x scale*H x scale*W, not clamped.
    """

    def __init__(self, channels: int = 64, blocks: int = 16, scale: int = 4) -> None:
        super().__init__()
        if scale not in (1, 2, 4, 8):
            raise ValueError(f"scale must be 1, 2, 4 or 8, got {scale}")
        doublings = scale.bit_length() - 1
        self.head = nn.Sequential(nn.Conv2d(3, channels, 9, padding=4), nn.PReLU())
        self.body = nn.Sequential(*(SRResBlock(channels) for _ in range(blocks)))
        self.merge = nn.Sequential(
            conv3x3(channels, channels, bias=False), nn.BatchNorm2d(channels)
        )
        self.upsampler = nn.Sequential(*(_doubling(channels) for _ in range(doublings)))
        self.tail = nn.Conv2d(channels, 3, 9, padding=4)

    def forward(self, frame: torch.Tensor) -> torch.Tensor:
        shallow = self.head(frame)
        features = shallow + self.merge(self.body(shallow))
        picture: torch.Tensor = self.tail(self.upsampler(features))
        return picture


def _doubling(channels: int) -> nn.Sequential:
    return nn.Sequential(conv3x3(channels, 4 * channels), nn.PixelShuffle(2), nn.PReLU())


def _scale(shapes: Shapes) -> int:
    return int(2 ** count(shapes, "upsampler."))


ARCHITECTURE = Architecture(
    name="srresnet",
    network=SRResNet,
    telltale=("head.0.weight", "body.0.block.0.weight", "merge.0.weight", "tail.weight"),
    deduce=sizes(channels="head.0.weight", blocks="body.", scale=_scale),
)
