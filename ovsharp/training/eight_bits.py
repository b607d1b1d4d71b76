"""Quantizers for training: what 8 bits will do to a network, with a gradient through it."""

from __future__ import annotations

import copy
import math
from typing import Any, cast

import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils import parametrize

LEVELS = 255
"""Steps of a range."""
WARM_UP = 20
"""Batches by which the first range is found."""
_TAIL = 5e-4
"""Share of the values at each end that the first range leaves out."""
_SAMPLED = 97
"""Every which value is looked at for it."""


def _rounded(x: torch.Tensor) -> torch.Tensor:
    """Round; the gradient passes as if nothing were rounded (arXiv 1308.3432)."""
    return x + (x.round() - x).detach()


class RoundedInput(nn.Module):
    """Rounds a tensor to 256 levels, in a range whose width is learned.

    The gradient of the width is that of Esser et al. 2020, arXiv 1902.08153, with their scale;
    zero stays one of the levels, as OpenVINO demands. The first batches pass untouched: their
    values give the first range.

    Shape:
        Any; float32 comes out.
    """

    def __init__(self) -> None:
        super().__init__()
        self.width = nn.Parameter(torch.zeros(()))  # its logarithm: it stays positive
        self.register_buffer("zero", torch.zeros(()))
        self.register_buffer("range", torch.zeros(2))
        self.register_buffer("seen", torch.zeros((), dtype=torch.int64))
        self.zero: torch.Tensor
        self.range: torch.Tensor
        self.seen: torch.Tensor

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x.float()
        if self.seen < WARM_UP:
            if self.training:
                self._look(x)
            return x
        share = 1 / math.sqrt(x.numel() * LEVELS)
        width = self.width.exp()
        step = (width * share + (width - width * share).detach()) / LEVELS
        level = torch.clamp(_rounded(x / step) + self.zero, 0, LEVELS)
        return (level - self.zero) * step

    @torch.no_grad()
    def _look(self, x: torch.Tensor) -> None:
        values = x.flatten()[:: _SAMPLED if x.numel() > 100 * _SAMPLED else 1]
        values = values[: 1 << 23]  # as much as torch.quantile takes
        ends = torch.quantile(values, torch.tensor([_TAIL, 1 - _TAIL], device=x.device))
        self.range[0] = torch.minimum(self.range[0], ends[0])
        self.range[1] = torch.maximum(self.range[1], ends[1])
        self.seen += 1
        if self.seen == WARM_UP:
            width = (self.range[1] - self.range[0]).clamp(min=1e-6)
            self.width.copy_(width.log())
            self.zero.copy_((-self.range[0] / width * LEVELS).round())


class _RoundedWeights(nn.Module):
    """Rounds weights to 255 levels around zero, a scale for each output channel.

    Where a layer reads the picture or signed values, two weights of one sign may not come to more
    than 128 steps: `calibration.overflow`.

    Args:
        first: whether it reads the picture.
    """

    def __init__(self, *, first: bool) -> None:
        super().__init__()
        self.first = first
        self.register_buffer("signed", torch.tensor(False))
        self.signed: torch.Tensor

    def forward(self, weights: torch.Tensor) -> torch.Tensor:
        filters = weights.detach().flatten(1)
        most = filters.abs().amax(1)
        if self.first and filters.shape[1] > 1:
            for side in (filters, -filters):
                most = torch.maximum(most, side.clamp(min=0).topk(2).values.sum(1))
        if self.signed:
            odd = (0, 0, 0, 0, 0, weights.shape[1] % 2)
            pairs = torch.unflatten(functional.pad(weights.detach(), odd), 1, (-1, 2))
            for side in (pairs, -pairs):
                most = torch.maximum(most, side.clamp(min=0).sum(2).flatten(1).amax(1))
        step = most.clamp(min=1e-8)[:, None, None, None] / (LEVELS // 2)
        return _rounded(weights / step) * step


def _round_input(module: nn.Module, inputs: tuple[Any, ...]) -> torch.Tensor:
    eight_bits = cast("RoundedInput", module.get_submodule("eight_bits"))
    rounded: torch.Tensor = eight_bits(inputs[0])
    weights = cast("_RoundedWeights", module.get_submodule("parametrizations.weight.0"))
    weights.signed.copy_(eight_bits.zero > 0)
    return rounded


def to_eight_bits(network: nn.Module) -> nn.Module:
    """Round what INT8 models round, in place: each convolution's weights, and all inputs but one.

    What the first convolution reads are bytes already.

    Example:
        >>> network = to_eight_bits(nn.Sequential(nn.Conv2d(3, 3, 1), nn.Conv2d(3, 3, 1)))
        >>> for _ in range(WARM_UP):
        ...     exact = network(torch.tensor([-1.0, 1.0] * 24).reshape(1, 3, 4, 4))
        >>> sum("eight_bits" in name for name, _ in network.named_parameters())
        1
        >>> sorted(plain_weights(network))
        ['0.bias', '0.weight', '1.bias', '1.weight']
    """
    layers = [module for module in network.modules() if isinstance(module, nn.Conv2d)]
    for number, module in enumerate(layers):
        parametrize.register_parametrization(module, "weight", _RoundedWeights(first=number == 0))
        if number:
            module.add_module("eight_bits", RoundedInput())
            module.register_forward_pre_hook(_round_input)
    return network


def plain_weights(network: nn.Module) -> dict[str, torch.Tensor]:
    """Give the weights of a network that was made by `to_eight_bits`, not rounded, on the CPU."""
    network = copy.deepcopy(network)
    for module in list(network.modules()):
        if parametrize.is_parametrized(module):
            parametrize.remove_parametrizations(module, "weight", leave_parametrized=False)
            if hasattr(module, "eight_bits"):
                del module.eight_bits
    return {name: value.cpu() for name, value in network.state_dict().items()}
