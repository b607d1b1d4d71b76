"""Frames per second of several models side by side, without the rest of the benchmark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import openvino as ov

from ovsharp.engine import Execution, compile_frames
from ovsharp.measuring import Workload, measure, one_infer, prepare_request
from ovsharp.reports import Size
from ovsharp.spec import ModelSpec

_SECONDS = 1.0


@dataclass(frozen=True)
class Speed:
    """How fast one model runs by itself, one frame at a time."""

    execution: str
    fps: float
    """From the median time of a frame."""
    count: int
    """Timed frames."""


def compare_speed(
    models: Sequence[tuple[ov.Model, Execution]],
    spec: ModelSpec,
    size: Size,
    *,
    device: str = "CPU",
) -> list[Speed]:
    """Time models on random frames in turns; see `measure`.

    Args:
        models: with the execution precision of each.
        spec: of all of them.
        size: of the output.
        device: that they run on.

    Raises:
        InferenceError: a model cannot be compiled for this size.
    """
    workloads = []
    for index, (model, execution) in enumerate(models):
        compiled = compile_frames(
            model, spec, *size.padded(spec), device=device, execution=execution
        )
        workloads.append(Workload(str(index), one_infer(prepare_request(compiled))))
    timings = measure(workloads, seconds=_SECONDS).values()
    return [
        Speed(execution.label, 1e3 / timing.latency.p50, timing.latency.n)
        for (_, execution), timing in zip(models, timings, strict=True)
        if timing.latency
    ]
