"""Runs a model, or a part of one, on calibration frames."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import openvino as ov

from ovsharp.engine import get_core

Tensors = Mapping[str, npt.NDArray[np.uint8]]
"""What a model is fed with, by the names of its inputs."""

_F32 = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}


def run(model: ov.Model, frames: Sequence[Tensors]) -> Iterator[list[npt.NDArray[Any]]]:
    """Yield all that a model gives for each frame in f32, compiled once per frame size.

    The arrays are the engine's own: they hold until the next frame is asked for.
    """
    names = [port.any_name for port in model.inputs]
    requests: dict[tuple[tuple[int, ...], ...], ov.InferRequest] = {}
    for frame in frames:
        fed = {name: frame[name] for name in names}
        key = tuple(array.shape for array in fed.values())
        if key not in requests:
            copy = model.clone()
            copy.reshape({name: array.shape for name, array in fed.items()})
            requests[key] = get_core().compile_model(copy, "CPU", _F32).create_infer_request()
        requests[key].infer(fed)
        yield [tensor.data for tensor in requests[key].output_tensors]


def outputs(model: ov.Model, frames: Sequence[Tensors]) -> Iterator[npt.NDArray[Any]]:
    """Yield a copy of the first output for each frame; see `run`."""
    for results in run(model, frames):
        yield results[0].copy()


def squared_error(
    model: ov.Model, frames: Sequence[Tensors], wanted: Sequence[npt.NDArray[np.uint8]]
) -> float:
    """Give the mean squared difference, in levels, between a model's pictures and others."""
    errors = [
        np.mean((results[0].astype(np.float32) - best) ** 2)
        for results, best in zip(run(model, frames), wanted, strict=True)
    ]
    return float(np.mean(errors))
