"""Networks, their registry, and checkpoints read safely.

Names are loaded on first use: the shipped models lie in this package and run without torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ovsharp.models.arguments import parse_arguments

if TYPE_CHECKING:
    from ovsharp.models.checkpoint import DEGRADATION, PIXELS, read_part, read_weights
    from ovsharp.models.loading import Network, load_network
    from ovsharp.models.registry import ARCHITECTURES
    from ovsharp.models.reparameterize import MultiBranch, collapse
    from ovsharp.models.student import Student

__all__ = [
    "ARCHITECTURES",
    "DEGRADATION",
    "PIXELS",
    "MultiBranch",
    "Network",
    "Student",
    "collapse",
    "load_network",
    "parse_arguments",
    "read_part",
    "read_weights",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'ovsharp.models' has no attribute '{name}'")
    from ovsharp.extras import need

    need("torch", extra="convert")
    from ovsharp.models.checkpoint import DEGRADATION, PIXELS, read_part, read_weights
    from ovsharp.models.loading import Network, load_network
    from ovsharp.models.registry import ARCHITECTURES
    from ovsharp.models.reparameterize import MultiBranch, collapse
    from ovsharp.models.student import Student

    return {
        "ARCHITECTURES": ARCHITECTURES,
        "DEGRADATION": DEGRADATION,
        "PIXELS": PIXELS,
        "MultiBranch": MultiBranch,
        "collapse": collapse,
        "Network": Network,
        "Student": Student,
        "load_network": load_network,
        "read_part": read_part,
        "read_weights": read_weights,
    }[name]
