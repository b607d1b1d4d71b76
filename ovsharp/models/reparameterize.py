"""Blocks that are wide while they are trained and one 3x3 convolution afterwards.

A sum of linear branches is a linear map: it trains like several layers and runs like one. The idea
is RepVGG's (Ding et al. 2021, arXiv 2101.03697) and ECBSR's (Zhang et al. 2021, for the expanded
branch).
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import cast

import torch
from torch import nn
from torch.nn import functional

from ovsharp.models.blocks import conv3x3


class MultiBranch(nn.Module):
    """3x3 + 1x1 + (1x1 to more channels, then 3x3) + identity, and batch norm behind the sum.

    The identity is there where the numbers of channels are equal. Only the 3x3 branch has a bias:
    a bias before a padded convolution would make the border differ from the rest, and the
    collapsed convolution with it.

    Args:
        inputs: channels in.
        outputs: channels out.
        expansion: the expanded branch has `outputs * expansion` channels inside.
        norm: whether batch norm follows.

    Shape:
        N x inputs x H x W -> N x outputs x H x W.

    Example:
        >>> block = MultiBranch(4, 4).eval()
        >>> picture = torch.rand(1, 4, 8, 8)
        >>> torch.allclose(block(picture), block.collapsed()(picture), atol=1e-5)
        True
    """

    def __init__(
        self, inputs: int, outputs: int, *, expansion: int = 2, norm: bool = False
    ) -> None:
        super().__init__()
        self.square = conv3x3(inputs, outputs)
        self.point = nn.Conv2d(inputs, outputs, 1, bias=False)
        self.widen = nn.Conv2d(inputs, outputs * expansion, 1, bias=False)
        self.narrow = conv3x3(outputs * expansion, outputs, bias=False)
        self.identity = inputs == outputs
        self.norm = nn.BatchNorm2d(outputs) if norm else nn.Identity()

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        # The branches are summed as weights, for all pixels at once, and not as pictures: the same
        # sum and the same gradients for a third of the arithmetic of a step.
        total = functional.conv2d(features, self._weight(), self.square.bias, padding=1)
        return cast("torch.Tensor", self.norm(total))

    def _weight(self, dtype: torch.dtype | None = None) -> torch.Tensor:
        """What the branches are together: outputs x inputs x 3 x 3, before the norm."""
        dtype = dtype or self.square.weight.dtype
        weight = self.square.weight.to(dtype)
        weight = weight + functional.pad(self.point.weight.to(dtype), (1, 1, 1, 1))
        inner = self.widen.weight.to(dtype).flatten(1)
        weight = weight + torch.einsum("omhw,mi->oihw", self.narrow.weight.to(dtype), inner)
        if self.identity:
            weight = weight + nn.init.dirac_(torch.empty_like(weight))
        return weight

    def _factor(self) -> torch.Tensor:
        """What batch norm multiplies each output by, in evaluation mode; ones without."""
        if not isinstance(self.norm, nn.BatchNorm2d):
            return torch.ones(self.square.out_channels, dtype=torch.float64)
        variance = cast("torch.Tensor", self.norm.running_var).double()
        return self.norm.weight.double() / torch.sqrt(variance + self.norm.eps)

    @torch.no_grad()
    def collapsed(self) -> nn.Conv2d:
        """Give the one convolution that computes the same, up to the rounding of f32.

        In evaluation mode, that is: batch norm then is a scale and an offset. Computed in f64.
        """
        weight = self._weight(torch.float64)
        bias = cast("torch.Tensor", self.square.bias).double()
        if isinstance(self.norm, nn.BatchNorm2d):
            mean = cast("torch.Tensor", self.norm.running_mean).double()
            factor = self._factor()
            weight = weight * factor.view(-1, 1, 1, 1)
            bias = (bias - mean) * factor + self.norm.bias.double()
        single = conv3x3(weight.shape[1], weight.shape[0])
        single.weight.copy_(weight)
        cast("torch.Tensor", single.bias).copy_(bias)
        return single

    @torch.no_grad()
    def expand(self, single: nn.Conv2d) -> None:
        """Compute what one convolution does: the 3x3 branch takes what the others do not give."""
        now, factor = self.collapsed(), self._factor()
        weight, bias = single.weight - now.weight, single.bias - now.bias  # type: ignore[operator]
        self.square.weight.add_(weight / factor.view(-1, 1, 1, 1))
        cast("torch.Tensor", self.square.bias).add_(bias / factor)


def collapse(network: nn.Module) -> tuple[nn.Module, int]:
    """Give a copy whose `MultiBranch` blocks are single convolutions, and how many there were.

    The copy has the layout of the same network built without branches.

    Args:
        network: any network, in evaluation mode; not changed.
    """
    single = copy.deepcopy(network)
    count = 0
    for parent in list(single.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, MultiBranch):
                setattr(parent, name, child.collapsed())
                count += 1
    return single, count


def expand(network: nn.Module, single: Mapping[str, torch.Tensor]) -> bool:
    """Give a network with branches the weights of its collapsed form: `collapse`, backwards.

    Its branches stay as they were drawn, but for the 3x3 ones: it computes what the collapsed one
    does, up to the rounding of f32, and trains on as one with branches.

    Args:
        network: in evaluation mode as to its batch norm; changed in place.
        single: the state of the collapsed one.

    Returns:
        Whether it is one; if not, nothing is changed.
    """
    plain, count = collapse(network)
    if not count:
        return False
    try:
        plain.load_state_dict(single)
    except RuntimeError:
        return False
    convolutions = dict(plain.named_modules())
    blocks = {
        name: block for name, block in network.named_modules() if isinstance(block, MultiBranch)
    }
    for name, block in blocks.items():
        block.expand(cast("nn.Conv2d", convolutions[name]))
    inside = tuple(f"{name}." for name in blocks)
    others = {key: value for key, value in single.items() if not key.startswith(inside)}
    network.load_state_dict(others, strict=False)
    return True
