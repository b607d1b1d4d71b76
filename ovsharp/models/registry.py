"""All architectures that ovsharp knows by name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from ovsharp.errors import UsageError
from ovsharp.models import (
    dynamic_duo,
    edsr,
    gla,
    plain,
    rrdbnet,
    srresnet,
    student,
    synergy,
    visionarv,
)
from ovsharp.models.architecture import Architecture, Shapes, shapes_of
from ovsharp.models.arguments import accepted

_UNBUILDABLE = (TypeError, ValueError, RuntimeError, LookupError, ArithmeticError)
"""What constructors of networks raise for arguments that make no sense."""


class Registry:
    """Architectures by name; complete from the start and never changed.

    Example:
        >>> network = ARCHITECTURES.build("gla", blocks=2)
        >>> sum(parameter.numel() for parameter in network.parameters())
        186435
    """

    def __init__(self, *architectures: Architecture) -> None:
        self._architectures = {entry.name: entry for entry in architectures}
        if len(self._architectures) != len(architectures):
            raise ValueError("two architectures have the same name")

    def __iter__(self) -> Iterator[Architecture]:
        return iter(self._architectures.values())

    def names(self) -> list[str]:
        """Give all names, students and teachers of each system side by side."""
        return list(self._architectures)

    def get(self, name: str) -> Architecture:
        """Give one architecture.

        Raises:
            UsageError: no such name; the message lists all.
        """
        if name not in self._architectures:
            raise UsageError(
                f"unknown architecture '{name}': expected one of {', '.join(self.names())}, "
                f"or path/to/model.py:Class"
            )
        return self._architectures[name]

    def build(self, name: str, **arguments: Any) -> nn.Module:
        """Build a network with random weights.

        Args:
            name: one of `names()`.
            **arguments: of its constructor; the published size where left out.

        Raises:
            UsageError: no such name, or arguments that its constructor does not take.
        """
        network = self.get(name).network
        try:
            return network(**arguments)
        except _UNBUILDABLE as error:
            raise UsageError(
                f"cannot build '{name}' with {arguments}: {error}; it takes {accepted(network)}"
            ) from error

    def candidates(self, shapes: Shapes) -> list[tuple[Architecture, dict[str, Any]]]:
        """Give the architectures whose keys and shapes are exactly these, with the arguments."""
        found = []
        for architecture in self:
            arguments = self.deduce(architecture, shapes)
            if arguments is not None and self.layout(architecture, arguments) == dict(shapes):
                found.append((architecture, arguments))
        return found

    @staticmethod
    def deduce(architecture: Architecture, shapes: Shapes) -> dict[str, Any] | None:
        """Give the arguments that shapes tell, or None where they are of another network."""
        if not all(key in shapes for key in architecture.telltale):
            return None
        try:
            return architecture.deduce(shapes)
        except (LookupError, ValueError, TypeError):
            return None

    @staticmethod
    def layout(architecture: Architecture, arguments: dict[str, Any]) -> dict[str, tuple[int, ...]]:
        """Give the keys and shapes of a network without memory for it; none if it cannot be."""
        try:
            with torch.device("meta"):
                return shapes_of(architecture.network(**arguments))
        except _UNBUILDABLE:
            return {}


ARCHITECTURES = Registry(
    student.STUDENT,
    student.UPSCALER,
    gla.ARCHITECTURE,
    rrdbnet.ARCHITECTURE,
    visionarv.STUDENT,
    visionarv.TEACHER,
    dynamic_duo.STUDENT,
    dynamic_duo.TEACHER,
    edsr.STUDENT,
    edsr.TEACHER,
    synergy.ARCHITECTURE,
    srresnet.ARCHITECTURE,
    plain.DIRECT,
    plain.RESIDUAL,
    plain.SKIP,
)
