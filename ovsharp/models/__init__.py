"""Networks, their registry, and checkpoints read safely.

Names are loaded on first use: the shipped models lie in this package and run without torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ovsharp.extras import on_first_use
from ovsharp.models.arguments import parse_arguments

if TYPE_CHECKING:
    from ovsharp.models.checkpoint import DEGRADATION, PIXELS, read_part, read_weights, try_weights
    from ovsharp.models.loading import Network, load_network
    from ovsharp.models.registry import ARCHITECTURES
    from ovsharp.models.reparameterize import MultiBranch, collapse, expand
    from ovsharp.models.router import load_router
    from ovsharp.models.student import Student

__all__ = [
    "ARCHITECTURES",
    "DEGRADATION",
    "PIXELS",
    "MultiBranch",
    "Network",
    "Student",
    "collapse",
    "expand",
    "load_network",
    "load_router",
    "parse_arguments",
    "read_part",
    "read_weights",
    "try_weights",
]


__getattr__ = on_first_use(
    __name__,
    {
        "checkpoint": ("DEGRADATION", "PIXELS", "read_part", "read_weights", "try_weights"),
        "loading": ("Network", "load_network"),
        "registry": ("ARCHITECTURES",),
        "reparameterize": ("MultiBranch", "collapse", "expand"),
        "router": ("load_router",),
        "student": ("Student",),
    },
    "torch",
    extra="convert",
)
