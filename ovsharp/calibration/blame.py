"""Ranks layers by what 8 bits in each of them alone do to the picture."""

from __future__ import annotations

from collections.abc import Sequence

from ovsharp.calibration.candidates import Candidates
from ovsharp.calibration.running import Tensors, outputs, squared_error
from ovsharp.progress import Progress, silent


def ranked(
    candidates: Candidates, frames: Sequence[Tensors], progress: Progress = silent
) -> tuple[str, ...]:
    """Give the layers, the most harmful one first.

    One layer alone is quantized, and the pictures are compared with those of the parent. The
    other way round, all layers but one, says nothing: where ten layers harm, nine harm as much.

    Args:
        candidates: the models between the quantized one and its parent.
        frames: to compare on, flat ones and gradients among them.
        progress: told of every layer.
    """
    wanted = list(outputs(candidates.without(candidates.layers), frames))
    harms = {}
    for number, layer in enumerate(candidates.layers):
        progress("ranking layers", number, len(candidates.layers))
        harms[layer] = squared_error(candidates.only(layer), frames, wanted)
    progress("ranking layers", len(candidates.layers), len(candidates.layers))
    return tuple(sorted(harms, key=lambda layer: -harms[layer]))
