"""`Architecture`: how a network is recognised in a checkpoint and built again."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import nn

Shapes = Mapping[str, tuple[int, ...]]
"""Shape of each tensor of a checkpoint by its key."""


@dataclass(frozen=True)
class Architecture:
    """One registered network. Each is defined at the end of the file of its class.

    All work on RGB of 0..1.
    """

    name: str
    network: Callable[..., nn.Module]
    """Its class. The defaults of the constructor are the published size."""
    telltale: tuple[str, ...]
    """Keys that a checkpoint of this network always has and few others have all of."""
    deduce: Callable[[Shapes], dict[str, Any]]
    """Constructor arguments from the shapes of a checkpoint that has the telltale keys. May raise
    LookupError, ValueError or TypeError where the shapes are not those of this network."""

    @property
    def summary(self) -> str:
        """One line: what it computes, as its class says."""
        return (inspect.getdoc(self.network) or "").split("\n")[0].rstrip(".")


def shapes_of(module: nn.Module) -> dict[str, tuple[int, ...]]:
    """Give the shapes of a network's tensors by key, in their order."""
    return {key: tuple(tensor.shape) for key, tensor in module.state_dict().items()}


def count(shapes: Shapes, prefix: str) -> int:
    """Count the numbered parts whose keys start with `prefix`.

    Example:
        >>> count({"body.0.weight": (1,), "body.0.bias": (1,), "body.1.weight": (1,)}, "body.")
        2
    """
    names = {key[len(prefix) :].split(".")[0] for key in shapes if key.startswith(prefix)}
    return sum(name.isdecimal() for name in names)


def sizes(**where: str | Callable[[Shapes], int]) -> Callable[[Shapes], dict[str, int]]:
    """Tell how the arguments of a constructor are read off the tensors that they gave their shape.

    Args:
        where: for each argument, the key of a weight with as many outputs; or, with a dot at its
            end, the prefix of as many numbered parts; or a function of the shapes.

    Returns:
        For `Architecture.deduce`; it raises KeyError where there is no such weight.

    Example:
        >>> deduce = sizes(channels="head.weight", blocks="body.", scale=lambda shapes: 4)
        >>> deduce({"head.weight": (48, 3, 3, 3), "body.0.weight": (48, 48, 3, 3)})
        {'channels': 48, 'blocks': 1, 'scale': 4}
    """

    def size(shapes: Shapes, key: str | Callable[[Shapes], int]) -> int:
        if not isinstance(key, str):
            return key(shapes)
        return count(shapes, key) if key.endswith(".") else shapes[key][0]

    return lambda shapes: {name: size(shapes, key) for name, key in where.items()}
