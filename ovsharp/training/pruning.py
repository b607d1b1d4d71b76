"""Magnitude pruning: the smallest weights become zero and stay so.

What it is good for: files that compress better, and measuring how much of a network is idle. No
CPU plugin runs a scattered half of a 3x3 convolution faster; for speed take fewer channels.
"""

from __future__ import annotations

import torch
from torch import nn

from ovsharp.errors import UsageError
from ovsharp.models import MultiBranch


class Pruning:
    """Zeros for the `share` of all convolution weights that are smallest in magnitude.

    Weights that are zero already count, so that a resumed run finds the same ones again.

    Args:
        network: its weights are changed at once.
        share: 0 for none, below 1.

    Raises:
        UsageError: the network has branches, whose sum would not be sparse.

    Example:
        >>> network = nn.Conv2d(3, 4, 3)
        >>> _ = Pruning(network, 0.5)
        >>> int((network.weight == 0).sum())
        54
    """

    def __init__(self, network: nn.Module, share: float) -> None:
        self._masks: list[tuple[torch.Tensor, torch.Tensor]] = []
        if not share:
            return
        if any(isinstance(module, MultiBranch) for module in network.modules()):
            raise UsageError("a network with branches cannot be pruned: build it without branches")
        weights = [m.weight for m in network.modules() if isinstance(m, nn.Conv2d)]
        sizes = torch.cat([weight.detach().abs().flatten() for weight in weights])
        threshold = sizes.kthvalue(max(1, round(share * sizes.numel()))).values
        self._masks = [(weight, (weight.detach().abs() > threshold)) for weight in weights]
        self.apply()

    @torch.no_grad()
    def apply(self) -> None:
        """Make the pruned weights zero again, after an optimizer has moved them."""
        for weight, mask in self._masks:
            weight.mul_(mask)
