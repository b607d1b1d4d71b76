"""`Choice`: the model that a frame rate was entrusted to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Choice:
    """Which model a frame rate was entrusted to, and why."""

    model: str
    target_fps: float
    milliseconds: Mapping[str, float]
    """Time per frame of every model of the family, end to end, best pictures first."""
    height: int
    """Of the frames, in pixels."""
    width: int
    reason: str
    """A sentence."""
