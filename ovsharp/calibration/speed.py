"""Frames per second of several models side by side."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import openvino as ov

from ovsharp.calibration.gate import tensors
from ovsharp.calibration.progress import Progress, silent
from ovsharp.runtime import Execution, compile_frames
from ovsharp.spec import ModelSpec

_WARM_UP = 3
_RUNS = 15


@dataclass(frozen=True)
class Speed:
    """How fast one model runs, one frame at a time."""

    execution: str
    fps: float
    """From the median time of a frame."""
    count: int
    """Timed frames."""


def compare_speed(
    models: Sequence[tuple[ov.Model, Execution]],
    spec: ModelSpec,
    height: int,
    width: int,
    *,
    device: str = "CPU",
    progress: Progress = silent,
) -> list[Speed]:
    """Time models on a random frame in turns, so that a slow moment falls on all of them.

    Args:
        models: with the execution precision of each.
        spec: of all of them.
        height: rows of the output.
        width: columns of the output.
        device: that they run on.
        progress: told of every round.
    """
    size = [_frame_side(side, spec) for side in (height, width)]
    frame = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    inputs = {name: ov.Tensor(array) for name, array in tensors(frame, spec).items()}
    requests = []
    for model, execution in models:
        compiled = compile_frames(model, spec, *size, device=device, execution=execution)
        request = compiled.create_request()
        for name, tensor in inputs.items():
            request.set_tensor(name, tensor)
        requests.append(request)
    seconds: list[list[float]] = [[] for _ in models]
    for round_ in range(_WARM_UP + _RUNS):
        progress("timing", round_ + 1, _WARM_UP + _RUNS)
        for request, times in zip(requests, seconds, strict=True):
            started = time.perf_counter()
            request.infer()
            times.append(time.perf_counter() - started)
    return [
        Speed(execution.label, 1 / float(np.median(times[_WARM_UP:])), _RUNS)
        for (_, execution), times in zip(models, seconds, strict=True)
    ]


def _frame_side(side: int, spec: ModelSpec) -> int:
    needed = max(math.ceil(side / spec.scale), spec.minimum)
    return math.ceil(needed / spec.multiple) * spec.multiple
