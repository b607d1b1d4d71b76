"""RRDBNet in the layout of BSRGAN and ESRGAN, the teacher of the `gla` system.

X. Wang et al., "ESRGAN: Enhanced Super-Resolution Generative Adversarial Networks", ECCVW 2018;
K. Zhang et al., "Designing a Practical Degradation Model for Deep Blind Image Super-Resolution",
ICCV 2021.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.functional import interpolate, leaky_relu

from ovsharp.models.architecture import Architecture, sizes
from ovsharp.models.blocks import conv3x3

_SLOPE = 0.2
_RESIDUAL = 0.2


class RDB(nn.Module):
    """Residual dense block: each of five convolutions sees the outputs of all before it."""

    def __init__(self, channels: int, growth: int) -> None:
        super().__init__()
        self.conv1 = conv3x3(channels, growth)
        self.conv2 = conv3x3(channels + growth, growth)
        self.conv3 = conv3x3(channels + 2 * growth, growth)
        self.conv4 = conv3x3(channels + 3 * growth, growth)
        self.conv5 = conv3x3(channels + 4 * growth, channels)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        seen = features
        for convolution in (self.conv1, self.conv2, self.conv3, self.conv4):
            seen = torch.cat((seen, leaky_relu(convolution(seen), _SLOPE)), 1)
        change: torch.Tensor = self.conv5(seen)
        return features + _RESIDUAL * change


class RRDB(nn.Module):
    """Three residual dense blocks inside another residual."""

    def __init__(self, channels: int, growth: int) -> None:
        super().__init__()
        self.RDB1 = RDB(channels, growth)
        self.RDB2 = RDB(channels, growth)
        self.RDB3 = RDB(channels, growth)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        change: torch.Tensor = self.RDB3(self.RDB2(self.RDB1(features)))
        return features + _RESIDUAL * change


class RRDBNet(nn.Module):
    """Super-resolution by `blocks` RRDBs; BSRGAN in its standard size (16,697,987 parameters).

    Args:
        channels: width.
        blocks: number of RRDBs.
        growth: channels that each dense convolution adds.
        scale: 2 or 4.

    Shape:
        N x 3 x H x W float, RGB, 0..1 -> N x 3 x scale*H x scale*W, not clamped.
    """

    def __init__(
        self, channels: int = 64, blocks: int = 23, growth: int = 32, scale: int = 4
    ) -> None:
        super().__init__()
        if scale not in (2, 4):
            raise ValueError(f"scale must be 2 or 4, got {scale}")
        self.scale = scale
        self.conv_first = conv3x3(3, channels)
        self.RRDB_trunk = nn.Sequential(*(RRDB(channels, growth) for _ in range(blocks)))
        self.trunk_conv = conv3x3(channels, channels)
        self.upconv1 = conv3x3(channels, channels)
        if scale == 4:
            self.upconv2 = conv3x3(channels, channels)
        self.HRconv = conv3x3(channels, channels)
        self.conv_last = conv3x3(channels, 3)

    def forward(self, frame: torch.Tensor) -> torch.Tensor:
        shallow = self.conv_first(frame)
        features = shallow + self.trunk_conv(self.RRDB_trunk(shallow))
        features = leaky_relu(self.upconv1(_doubled(features)), _SLOPE)
        if self.scale == 4:
            features = leaky_relu(self.upconv2(_doubled(features)), _SLOPE)
        picture: torch.Tensor = self.conv_last(leaky_relu(self.HRconv(features), _SLOPE))
        return picture


def _doubled(features: torch.Tensor) -> torch.Tensor:
    return interpolate(features, scale_factor=2.0, mode="nearest")


ARCHITECTURE = Architecture(
    name="rrdbnet",
    network=RRDBNet,
    telltale=("conv_first.weight", "RRDB_trunk.0.RDB1.conv1.weight", "HRconv.weight"),
    deduce=sizes(
        channels="conv_first.weight",
        blocks="RRDB_trunk.",
        growth="RRDB_trunk.0.RDB1.conv1.weight",
        scale=lambda shapes: 4 if "upconv2.weight" in shapes else 2,
    ),
)
