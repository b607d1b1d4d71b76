"""The `edsr` system: a small same-resolution student of an EDSR without upsampler.

B. Lim et al., "Enhanced Deep Residual Networks for Single Image Super-Resolution", CVPRW 2017.
"""

from __future__ import annotations

import torch
from torch import nn

from ovsharp.models.architecture import Architecture, count, sizes
from ovsharp.models.blocks import conv3x3


class EdsrBlock(nn.Module):
    """Conv, ReLU, Conv, x `residual_scale`, + input."""

    def __init__(self, channels: int, residual_scale: float) -> None:
        super().__init__()
        self.residual_scale = residual_scale
        self.body = nn.Sequential(
            conv3x3(channels, channels), nn.ReLU(), conv3x3(channels, channels)
        )

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        change: torch.Tensor = self.body(features)
        return features + self.residual_scale * change


class EdsrStudent(nn.Module):
    """Five residual blocks between two convolutions, without any skip around them.

    Args:
        channels: width.
        blocks: number of residual blocks.
        residual_scale: factor on the change that each block makes; shapes do not tell it.

    Shape:
        N x 3 x H x W float, RGB, 0..1 -> the same shape, clamped to 0..1.
    """

    def __init__(self, channels: int = 64, blocks: int = 5, residual_scale: float = 0.1) -> None:
        super().__init__()
        self.head = conv3x3(3, channels)
        self.body = nn.Sequential(*(EdsrBlock(channels, residual_scale) for _ in range(blocks)))
        self.tail = conv3x3(channels, 3)

    def forward(self, frame: torch.Tensor) -> torch.Tensor:
        return torch.clamp(self.tail(self.body(self.head(frame))), 0, 1)


class EdsrTeacher(nn.Module):
    """EDSR in its published key layout, without mean shift and upsampler.

    Args:
        channels: width.
        blocks: number of residual blocks; one more convolution follows them.
        residual_scale: factor on the change that each block makes; shapes do not tell it.

    Shape:
        N x 3 x H x W float, RGB, 0..1 -> the same shape, not clamped.
    """

    def __init__(self, channels: int = 256, blocks: int = 16, residual_scale: float = 0.1) -> None:
        super().__init__()
        self.head = nn.Sequential(conv3x3(3, channels))
        self.body = nn.Sequential(
            *(EdsrBlock(channels, residual_scale) for _ in range(blocks)),
            conv3x3(channels, channels),
        )
        self.tail = nn.Sequential(conv3x3(channels, 3))

    def forward(self, frame: torch.Tensor) -> torch.Tensor:
        shallow = self.head(frame)
        picture: torch.Tensor = self.tail(shallow + self.body(shallow))
        return picture


STUDENT = Architecture(
    name="edsr",
    network=EdsrStudent,
    telltale=("head.weight", "body.0.body.0.weight", "tail.weight"),
    deduce=sizes(channels="head.weight", blocks="body."),
)
TEACHER = Architecture(
    name="edsr-teacher",
    network=EdsrTeacher,
    telltale=("head.0.weight", "body.0.body.0.weight", "tail.0.weight"),
    deduce=sizes(channels="head.0.weight", blocks=lambda shapes: count(shapes, "body.") - 1),
)
