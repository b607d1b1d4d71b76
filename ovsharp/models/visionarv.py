"""The `visionarv` system: a deblurring student with attention, and its home-made teacher."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.functional import gelu

from ovsharp.models.architecture import Architecture, sizes
from ovsharp.models.blocks import Skipped, conv3x3


class NormBlock(Skipped):
    """Conv, InstanceNorm, LeakyReLU 0.1, Conv, InstanceNorm, + input."""

    def __init__(self, channels: int) -> None:
        super().__init__(
            conv3x3(channels, channels, bias=False),
            nn.InstanceNorm2d(channels),
            nn.LeakyReLU(0.1),
            conv3x3(channels, channels, bias=False),
            nn.InstanceNorm2d(channels),
        )


class ChannelAttention(nn.Module):
    """Weighs each channel by what its mean over the whole picture tells."""

    def __init__(self, channels: int, squeezed: int) -> None:
        super().__init__()
        self.fc = nn.Sequential(
            nn.Conv2d(channels, squeezed, 1, bias=False),
            nn.ReLU(),
            nn.Conv2d(squeezed, channels, 1, bias=False),
            nn.Sigmoid(),
        )

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        weights: torch.Tensor = self.fc(features.mean((2, 3), keepdim=True))
        return features * weights


class SpatialAttention(nn.Module):
    """Weighs each pixel by what the maximum and the mean of its channels tell."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 1, 7, padding=3, bias=False)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        maximum = features.amax(1, keepdim=True)
        mean = features.mean(1, keepdim=True)
        return features * torch.sigmoid(self.conv(torch.cat((maximum, mean), 1)))


class VisionarvStudent(nn.Module):
    """`StudentNetEnhanced`: norms and attention see the whole picture, so it is never tiled.

    The sigmoid stands before the last 1x1 convolution: the output leaves 0..1 slightly.

    Args:
        channels: width.
        blocks: number of residual blocks.
        squeezed: width of the bottleneck in the channel attention.

    Shape:
        N x 3 x H x W float, RGB, 0..1 -> the same shape, not clamped. H * W must exceed 1:
        a single pixel has no variance to normalise by.
    """

    def __init__(self, channels: int = 32, blocks: int = 6, squeezed: int = 2) -> None:
        super().__init__()
        self.entry = conv3x3(3, channels)
        self.blocks = nn.Sequential(*(NormBlock(channels) for _ in range(blocks)))
        self.ca = ChannelAttention(channels, squeezed)
        self.sa = SpatialAttention()
        self.exit = nn.Sequential(conv3x3(channels, 3), nn.Sigmoid())
        self.refine = nn.Conv2d(3, 3, 1)

    def forward(self, frame: torch.Tensor) -> torch.Tensor:
        features = self.sa(self.ca(self.blocks(self.entry(frame))))
        picture: torch.Tensor = self.refine(self.exit(features))
        return picture


class ScaledBlock(nn.Module):
    """1x1, depthwise 3x3, GELU, 1x1, x a trained scale per channel, + input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 1)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, groups=channels)
        self.conv3 = nn.Conv2d(channels, channels, 1)
        self.scale = nn.Parameter(torch.ones(1, channels, 1, 1))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        change: torch.Tensor = self.conv3(gelu(self.conv2(self.conv1(features))))
        return features + change * self.scale


class VisionarvTeacher(nn.Module):
    """The teacher that visionarv's code really has; its report speaks of NAFNet.

    Args:
        channels: width.
        blocks: number of residual blocks.

    Shape:
        N x 3 x H x W float, RGB, 0..1 -> the same shape, not clamped.
    """

    def __init__(self, channels: int = 32, blocks: int = 16) -> None:
        super().__init__()
        self.entry = conv3x3(3, channels)
        self.blocks = nn.Sequential(*(ScaledBlock(channels) for _ in range(blocks)))
        self.exit = conv3x3(channels, 3)

    def forward(self, frame: torch.Tensor) -> torch.Tensor:
        picture: torch.Tensor = self.exit(self.blocks(self.entry(frame)))
        return picture


STUDENT = Architecture(
    name="visionarv",
    network=VisionarvStudent,
    telltale=("entry.weight", "ca.fc.0.weight", "sa.conv.weight", "refine.weight"),
    deduce=sizes(channels="entry.weight", blocks="blocks.", squeezed="ca.fc.0.weight"),
)
TEACHER = Architecture(
    name="visionarv-teacher",
    network=VisionarvTeacher,
    telltale=("entry.weight", "blocks.0.scale", "exit.weight"),
    deduce=sizes(channels="entry.weight", blocks="blocks."),
)
