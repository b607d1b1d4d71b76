"""Layers that several networks use."""

from __future__ import annotations

import torch
from torch import nn


def conv3x3(inputs: int, outputs: int, *, bias: bool = True) -> nn.Conv2d:
    """Give a 3x3 convolution that keeps the size."""
    return nn.Conv2d(inputs, outputs, 3, padding=1, bias=bias)


class Skipped(nn.Module):
    """Its input, and the change that layers make of it, added."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.block = nn.Sequential(*layers)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        change: torch.Tensor = self.block(features)
        return features + change


def dct(side: int) -> torch.Tensor:
    """Give the basis of the orthonormal DCT-II of squares (Ahmed et al. 1974), lowest first.

    Returns:
        side^2 x side x side.

    Example:
        >>> basis = dct(8).flatten(1)
        >>> torch.allclose(basis @ basis.T, torch.eye(64), atol=1e-5)
        True
    """
    place = torch.arange(side) + 0.5
    lines = torch.stack([torch.cos(torch.pi * k * place / side) for k in range(side)])
    lines = lines * (2 / side) ** 0.5
    lines[0] /= 2**0.5
    return torch.einsum("ij,kl->ikjl", lines, lines).reshape(side**2, side, side)
