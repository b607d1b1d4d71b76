"""The `dynamic-duo` system: an x4 RRDBNet student and its same-resolution U-Net teacher."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.functional import leaky_relu, max_pool2d

from ovsharp.models.architecture import Architecture, sizes
from ovsharp.models.blocks import conv3x3
from ovsharp.models.rrdbnet import RRDB


class DynamicDuoStudent(nn.Module):
    """x4 super-resolution that draws the whole picture through a sigmoid.

    Args:
        channels: width (`nf`).
        blocks: number of RRDBs (`nb`).
        growth: channels that each dense convolution adds (`gc`).

    Shape:
        N x 3 x H x W float, RGB, 0..1 -> N x 3 x 4H x 4W in 0..1.
    """

    def __init__(self, channels: int = 32, blocks: int = 4, growth: int = 16) -> None:
        super().__init__()
        self.conv_first = conv3x3(3, channels)
        self.body = nn.Sequential(*(RRDB(channels, growth) for _ in range(blocks)))
        self.conv_body = conv3x3(channels, channels)
        self.upsampler = nn.Sequential(
            nn.Upsample(scale_factor=2, mode="nearest"),
            conv3x3(channels, channels),
            nn.LeakyReLU(0.2),
            nn.Upsample(scale_factor=2, mode="nearest"),
            conv3x3(channels, channels),
            nn.LeakyReLU(0.2),
        )
        self.conv_hr = conv3x3(channels, channels)
        self.conv_last = conv3x3(channels, 3)

    def forward(self, frame: torch.Tensor) -> torch.Tensor:
        shallow = self.conv_first(frame)
        features = self.upsampler(shallow + self.conv_body(self.body(shallow)))
        return torch.sigmoid(self.conv_last(leaky_relu(self.conv_hr(features), 0.2)))


class DynamicDuoTeacher(nn.Module):
    """`TeacherUNetWide`: one step down, a bottleneck of twice the width, one step up.

    Its input is the bicubic x4 upscale of the student's input.

    Args:
        channels: width at full size.

    Shape:
        N x 3 x H x W float, RGB, 0..1, H and W even -> the same shape, clamped to 0..1.
    """

    def __init__(self, channels: int = 96) -> None:
        super().__init__()
        self.down1 = _double(3, channels)
        self.bottleneck = _double(channels, 2 * channels)
        self.up1 = nn.ConvTranspose2d(2 * channels, channels, 2, stride=2)
        self.dec1 = _double(2 * channels, channels)
        self.out = nn.Conv2d(channels, 3, 1)

    def forward(self, frame: torch.Tensor) -> torch.Tensor:
        fine = self.down1(frame)
        coarse = self.bottleneck(max_pool2d(fine, 2))
        features = self.dec1(torch.cat((self.up1(coarse), fine), 1))
        return torch.clamp(frame + torch.tanh(self.out(features)), 0, 1)


def _double(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(conv3x3(inputs, outputs), nn.ReLU(), conv3x3(outputs, outputs), nn.ReLU())


STUDENT = Architecture(
    name="dynamic-duo",
    network=DynamicDuoStudent,
    telltale=("conv_first.weight", "body.0.RDB1.conv1.weight", "upsampler.4.weight"),
    deduce=sizes(channels="conv_first.weight", blocks="body.", growth="body.0.RDB1.conv1.weight"),
)
TEACHER = Architecture(
    name="dynamic-duo-teacher",
    network=DynamicDuoTeacher,
    telltale=("down1.0.weight", "bottleneck.0.weight", "up1.weight", "dec1.0.weight", "out.weight"),
    deduce=sizes(channels="down1.0.weight"),
)
