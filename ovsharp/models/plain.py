"""Plain chains of convolutions: the one layout that several networks share.

A chain Conv, ReLU, Conv, ..., Conv that is saved as `layers.0.weight`, `layers.2.weight`, ... may
compute f(x), x + f(x) or x - f(x): its tensors are the same for all three. Each reading is an
architecture of its own, so that a checkpoint of this layout is never taken for one by chance.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import nn

from ovsharp.models.architecture import Architecture, Shapes


class Plain(nn.Module):
    """f(x): a chain of convolutions with ReLU between them draws the whole picture.

    Args:
        channels: width after each convolution but the last, whose width is 3.
        kernels: odd kernel size of each convolution, None for 3 in all; padding keeps the size.
        bias: whether the convolutions have one.
        attribute: name of the sequence in the keys.

    Shape:
        N x 3 x H x W float, RGB, 0..1 -> the same shape, not clamped.
    """

    def __init__(
        self,
        channels: Sequence[int] = (64, 64),
        kernels: Sequence[int] | None = None,
        bias: bool = True,
        attribute: str = "layers",
    ) -> None:
        super().__init__()
        kernels = [3] * (len(channels) + 1) if kernels is None else kernels
        if len(kernels) != len(channels) + 1:
            raise ValueError(
                f"{len(channels)} widths need {len(channels) + 1} kernels, got {len(kernels)}"
            )
        layers: list[nn.Module] = []
        for inputs, outputs, kernel in zip((3, *channels), (*channels, 3), kernels, strict=True):
            layers += [
                nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=bias),
                nn.ReLU(),
            ]
        self._attribute = attribute
        self.add_module(attribute, nn.Sequential(*layers[:-1]))

    def forward(self, frame: torch.Tensor) -> torch.Tensor:
        change: torch.Tensor = self.get_submodule(self._attribute)(frame)
        return change


class PlainResidual(Plain):
    """x - f(x): the chain computes what is wrong with the picture."""

    def forward(self, frame: torch.Tensor) -> torch.Tensor:
        return frame - super().forward(frame)


class PlainSkip(Plain):
    """x + f(x): the chain computes what is missing in the picture."""

    def forward(self, frame: torch.Tensor) -> torch.Tensor:
        return frame + super().forward(frame)


def chain(shapes: Shapes) -> list[int]:
    """Give the widths of a plain chain of convolutions, or nothing if it is none.

    Example:
        >>> chain({"a.weight": (64, 3, 3, 3), "a.bias": (64,), "b.weight": (3, 64, 3, 3)})
        [3, 64, 3]
    """
    weights = [shape for key, shape in shapes.items() if key.endswith("weight")]
    others = [shape for key, shape in shapes.items() if not key.endswith("weight")]
    if len(weights) < 2 or any(len(shape) != 4 for shape in weights):
        return []
    if any(len(shape) != 1 for shape in others) or weights[0][1] != 3:
        return []
    joined = all(before[0] == after[1] for before, after in pairwise(weights))
    return [3, *(shape[0] for shape in weights)] if joined else []


def _deduce(shapes: Shapes) -> dict[str, Any]:
    widths = chain(shapes)
    if not widths:
        raise ValueError("not a plain chain of convolutions")
    kernels = [shape[2] for key, shape in shapes.items() if key.endswith("weight")]
    return {
        "channels": widths[1:-1],
        "kernels": kernels,
        "bias": any(key.endswith("bias") for key in shapes),
        "attribute": next(iter(shapes)).split(".")[0],
    }


DIRECT, RESIDUAL, SKIP = (
    Architecture(name=name, network=network, telltale=(), deduce=_deduce)
    for name, network in (
        ("plain", Plain),
        ("plain-residual", PlainResidual),
        ("plain-skip", PlainSkip),
    )
)
