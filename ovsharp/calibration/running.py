"""Runs a model, or a part of one, on calibration frames."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import openvino as ov

from ovsharp.runtime import get_core

Tensors = Mapping[str, npt.NDArray[np.uint8]]
"""What a model is fed with, by the names of its inputs."""

_F32 = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}


def spread(frames: Sequence[Tensors], count: int) -> list[Tensors]:
    """Pick so many frames at most, evenly spread."""
    places = np.linspace(0, len(frames) - 1, min(count, len(frames))).round().astype(int)
    return [frames[place] for place in places]


def outputs(model: ov.Model, frames: Sequence[Tensors]) -> Iterator[npt.NDArray[Any]]:
    """Yield what a model gives for each frame in f32, compiled once per frame size."""
    names = [port.any_name for port in model.inputs]
    requests: dict[tuple[tuple[int, ...], ...], ov.InferRequest] = {}
    for frame in frames:
        fed = {name: frame[name] for name in names}
        key = tuple(array.shape for array in fed.values())
        if key not in requests:
            copy = model.clone()
            copy.reshape({name: array.shape for name, array in fed.items()})
            requests[key] = get_core().compile_model(copy, "CPU", _F32).create_infer_request()
        yield np.array(requests[key].infer(fed)[0])
