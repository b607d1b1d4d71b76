"""Layers that several networks use."""

from __future__ import annotations

from torch import nn


def conv3x3(inputs: int, outputs: int, *, bias: bool = True) -> nn.Conv2d:
    """Give a 3x3 convolution that keeps the size."""
    return nn.Conv2d(inputs, outputs, 3, padding=1, bias=bias)
