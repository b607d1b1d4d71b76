"""How fast convolutions can be on this machine: the yardstick of `profile.py`.

The best that a convolution reaches in OpenVINO itself, not a figure from a data sheet: 256
channels on 64x64 pixels, 3x3, in the same precision, where the weights fit the cache and no byte is
moved twice.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import openvino as ov
from openvino import opset13 as ops

from ovsharp.engine import Execution, get_core

CHANNELS, SIDE, LAYERS = 256, 64, 4
_RUNS = 25


def peak_gmacs(device: str, execution: Execution, threads: int | None = None) -> float:
    """Measure the best rate of a convolution.

    Args:
        device: OpenVINO's name of it.
        execution: 8 bits where `int8`, else its hint.
        threads: CPU threads; None for the device's choice.

    Returns:
        10^9 multiply-accumulates per second, of the fastest layer in the fastest of 25 runs.
    """
    config: dict[str, Any] = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": execution.hint,
        "PERF_COUNT": True,
    }
    if threads is not None:
        config["INFERENCE_NUM_THREADS"] = threads
    compiled = get_core().compile_model(_chain(execution.int8), device, config)
    request = compiled.create_infer_request()
    request.set_input_tensor(ov.Tensor(np.ones((1, CHANNELS, SIDE, SIDE), np.float32)))
    best = float("inf")
    for _ in range(_RUNS):
        request.infer()
        times = [
            node.real_time.total_seconds()
            for node in request.profiling_info
            if node.node_type == "Convolution" and node.real_time.total_seconds() > 0
        ]
        best = min([best, *times])
    return 9 * CHANNELS**2 * SIDE**2 / best / 1e9


def _chain(int8: bool) -> ov.Model:
    rng = np.random.default_rng(0)
    shape = (CHANNELS, CHANNELS, 3, 3)
    picture = ops.parameter([1, CHANNELS, SIDE, SIDE], ov.Type.f32)
    node = picture
    for _ in range(LAYERS):
        weights = ops.constant(rng.normal(0, 0.02, shape).astype(np.float32))
        if int8:
            node = ops.fake_quantize(node, *_numbers(0, 4, 0, 4), 256)
            weights = ops.fake_quantize(weights, *_numbers(-0.1, 0.1, -0.1, 0.1), 255)
        node = ops.relu(ops.convolution(node, weights, [1, 1], [1, 1], [1, 1], [1, 1]))
    return ov.Model([ops.result(node)], [picture], "peak")


def _numbers(*values: float) -> list[ov.Node]:
    return [ops.constant(np.float32(value)) for value in values]
