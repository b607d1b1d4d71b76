"""`Architecture`: how a network is recognised in a checkpoint and built again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from torch import nn

Shapes = Mapping[str, tuple[int, ...]]
"""Shape of each tensor of a checkpoint by its key."""


@dataclass(frozen=True)
class Architecture:
    """One registered network. Each is defined at the end of the file of its class."""

    name: str
    network: Callable[..., nn.Module]
    """Its class. The defaults of the constructor are the published size."""
    summary: str
    """One line: what it computes."""
    telltale: tuple[str, ...]
    """Keys that a checkpoint of this network always has and few others have all of."""
    deduce: Callable[[Shapes], dict[str, Any]]
    """Constructor arguments from the shapes of a checkpoint that has the telltale keys. May raise
    LookupError, ValueError or TypeError where the shapes are not those of this network."""
    value_range: tuple[float, float] = (0.0, 1.0)
    """What black and white are for the network, before `mean` and `std`."""
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    colour: Literal["rgb", "bgr"] = "rgb"


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


def sizes(shapes: Shapes, **where: str) -> dict[str, int]:
    """Read the arguments of a constructor off the tensors that they gave their shape.

    Args:
        shapes: of a checkpoint.
        where: for each argument, the key of a weight with as many outputs, or, with a dot at its
            end, the prefix of as many numbered parts.

    Raises:
        KeyError: there is no such weight.

    Example:
        >>> shapes = {"head.weight": (48, 3, 3, 3), "body.0.weight": (48, 48, 3, 3)}
        >>> sizes(shapes, channels="head.weight", blocks="body.")
        {'channels': 48, 'blocks': 1}
    """
    return {
        name: count(shapes, key) if key.endswith(".") else shapes[key][0]
        for name, key in where.items()
    }
