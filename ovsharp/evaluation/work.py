"""`Work`: what every picture and clip is scored with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from ovsharp.engine import Frame
from ovsharp.evaluation.options import Options
from ovsharp.evaluation.results import Row
from ovsharp.media import Shot
from ovsharp.runtime import Sharpener

Play = Callable[[Iterable[Shot], Sharpener, Callable[[Frame, Frame], Frame]], None]
"""Runs shots through a sharpener as `ovsharp video` does, and shows each frame before and after:
`ovsharp.apps.play`, handed in because that room stands above this one."""


@dataclass(frozen=True)
class Work:
    """What every picture and clip is scored with, besides the models. It can be pickled."""

    options: Options
    """What to do."""
    known: Mapping[str, Row]
    """Finished rows by their keys."""
    play: Play | None = None
    """Needed for clips alone."""
