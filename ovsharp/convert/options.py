"""What a user may say about a model that is to be converted."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ovsharp.degrade import parse
from ovsharp.errors import UnsupportedModelError, UsageError


@dataclass(frozen=True)
class Options:
    """What cannot be read from a model's file; every field may stay unset.

    Raises:
        UsageError: values that make no sense.

    Example:
        >>> Options(value_range=(-1.0, 1.0), colour="bgr").colour
        'bgr'
    """

    architecture: str | None = None
    """A registered architecture or `file.py:Class`, for a PyTorch checkpoint."""
    arguments: Mapping[str, Any] | None = None
    """Arguments of the architecture's constructor."""
    weights: str | None = None
    """Which of several sets of weights in a PyTorch checkpoint: `ema`, `generator`, ..."""
    output_index: int | None = None
    """Which output is the picture, for a model with several."""
    value_range: tuple[float, float] | None = None
    """What black and white are at the model's input."""
    output_range: tuple[float, float] | None = None
    """What black and white are at the model's output; where unset, as at the input, or probed."""
    mean: tuple[float, ...] | None = None
    """Subtracted per channel of the input, in the model's colour order, after the range."""
    std: tuple[float, ...] | None = None
    """Divided by per channel of the input, after `mean`."""
    colour: Literal["rgb", "bgr"] | None = None
    """The model's colour order; unset: as the architecture says, rgb for a foreign model."""
    size: tuple[int, int] | None = None
    """(height, width) to fix the model's input to; unset: any size if the model can."""
    name: str | None = None
    """Name of the result; unset: the stem of the source's file name."""
    degradation: str = ""
    """The recipe that the model was trained to undo."""
    prune: Path | None = None
    """Photos: channels that are 0 on all of them are left out, not only those that must be."""

    def __post_init__(self) -> None:
        if self.name is not None and (self.name[:1] in ("", ".") or set(self.name) & set("/\\\0")):
            raise UsageError(
                f"the name must be a file name without folder and ending, got '{self.name}'; "
                f"the folder is another option (-o)"
            )
        numbers = (*(self.value_range or ()), *(self.output_range or ()))
        if not all(map(math.isfinite, (*numbers, *(self.mean or ()), *(self.std or ())))):
            raise UsageError("ranges, mean and std must be finite numbers")
        for label, bounds in (("input", self.value_range), ("output", self.output_range)):
            if bounds is not None and (len(bounds) != 2 or not bounds[0] < bounds[1]):
                raise UsageError(f"the {label} range must be two numbers, low then high: {bounds}")
        for label, values in (("mean", self.mean), ("std", self.std)):
            if values is not None and len(values) not in (1, 3):
                raise UsageError(f"{label} must be one number or three, got {len(values)}")
        if self.std is not None and min(self.std) <= 0:
            raise UsageError(f"every std must be above 0, got {self.std}")
        if self.size is not None and (len(self.size) != 2 or min(self.size) < 1):
            raise UsageError(f"size must be height and width in pixels, got {self.size}")
        if self.output_index is not None and self.output_index < 0:
            raise UsageError(f"the output index counts from 0, got {self.output_index}")
        parse(self.degradation)


def chosen_output(index: int | None, outputs: Sequence[str], has: str, kind: str) -> int:
    """Give the number of the output that is the picture.

    Args:
        index: what the user says; None for the only one.
        outputs: a description of each.
        has: who has them, as a sentence begins.
        kind: what they are called there.

    Raises:
        UnsupportedModelError: there are several, and the user does not say which.
        UsageError: there is no such output.

    Example:
        >>> chosen_output(1, ["features", "picture"], "the model has", "outputs")
        1
    """
    listing = "; ".join(f"{number}: {text}" for number, text in enumerate(outputs))
    if index is None and len(outputs) > 1:
        raise UnsupportedModelError(
            f"{has} {len(outputs)} {kind} ({listing}); "
            f"say which one is the picture with --output-index N"
        )
    if index is not None and index >= len(outputs):
        raise UsageError(f"there is no output {index}: {has} {listing}")
    return index or 0
