"""How much is taken in: pixels, bytes, nodes, seconds, memory. docs/LIMITS.md has the table."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path

from ovsharp.errors import ModelLoadError, UsageError


@dataclass(frozen=True)
class Limit:
    """A number that nothing may exceed, which a user may set by an environment variable."""

    variable: str
    default: float
    unit: str

    @property
    def value(self) -> float:
        """The limit that holds now, 0 or more.

        Raises:
            UsageError: the environment variable is no such number.
        """
        text = os.environ.get(self.variable, "")
        if not text:
            return self.default
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not 0 <= value < math.inf:
            raise UsageError(
                f"{self.variable} must be a number of {self.unit}, 0 or more, got '{text}'"
            )
        return value

    @property
    def advice(self) -> str:
        """What to do where more is wanted."""
        return f"{self.variable} sets how many {self.unit} are taken, now {self.value:g}"


MEGAPIXELS = Limit("OVSHARP_MAX_MEGAPIXELS", 150, "megapixels")
"""Of an image or a frame of a video; a small file can claim any size."""
MODEL_MEGABYTES = Limit("OVSHARP_MAX_MODEL_MB", 2048, "megabytes")
"""Of a checkpoint or another model, and of its weights in 32 bits."""
NODES = Limit("OVSHARP_MAX_NODES", 10_000, "operations")
"""Of a model."""
SECONDS = Limit("OVSHARP_MAX_SECONDS", 60, "processor seconds")
"""For each step of a conversion; 0 converts in the process itself, without limits."""
MEMORY = Limit("OVSHARP_MAX_MEMORY_MB", 4096, "megabytes")
"""Of the process that converts."""


def check_model_bytes(path: Path, size: float, what: str, more: str = "") -> None:
    """Refuse a model that is too large.

    Args:
        path: of its file.
        size: in bytes.
        what: the file has so many megabytes: the words before their number.
        more: the words behind it.

    Raises:
        ModelLoadError: it has more than `MODEL_MEGABYTES`.
    """
    megabytes = size / 1e6
    if megabytes > MODEL_MEGABYTES.value:
        raise ModelLoadError(f"{path} {what} {megabytes:.0f} MB{more}; {MODEL_MEGABYTES.advice}")
