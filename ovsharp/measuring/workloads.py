"""What is timed: a compiled model alone, and frames end to end."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import openvino as ov

from ovsharp.engine import CompiledFrames, Frame
from ovsharp.runtime import Sharpener

BURST_SECONDS = 0.5
"""How long frames are kept in flight for one sample of throughput, at most."""
BURST_ROUNDS = 2
"""A burst goes at least this many times around the requests."""


def prepare_request(compiled: CompiledFrames, seed: int = 0) -> ov.InferRequest:
    """Make an infer request whose input tensors are set, to random pixels."""
    rng = np.random.default_rng(seed)
    request = compiled.create_request()
    for index, port in enumerate(compiled.compiled.inputs):
        pixels = rng.integers(0, 256, tuple(port.shape), np.uint8)
        request.set_input_tensor(index, ov.Tensor(pixels))
    return request


def one_infer(request: ov.InferRequest) -> Callable[[], int]:
    """The bare model, one frame at a time."""

    def run() -> int:
        request.infer()
        return 1

    return run


def ring_burst(
    requests: Sequence[ov.InferRequest],
    seconds: float,
    clock: Callable[[], float] = time.perf_counter,
) -> Callable[[], int]:
    """The bare model with all requests in flight for some seconds, waited for in their order."""

    def run() -> int:
        end = clock() + seconds
        for request in requests:
            request.start_async()
        finished = 0
        while finished < BURST_ROUNDS * len(requests) or clock() < end:
            oldest = requests[finished % len(requests)]
            oldest.wait()
            oldest.start_async()
            finished += 1
        for offset in range(len(requests)):
            requests[(finished + offset) % len(requests)].wait()
        return finished + len(requests)

    return run


def one_frame(sharpen: Callable[[Frame], Frame], frames: Sequence[Frame]) -> Callable[[], int]:
    """Frame in, frame out, one at a time, over and over the given frames."""
    endless = itertools.cycle(frames)

    def run() -> int:
        sharpen(next(endless))
        return 1

    return run


def stream_burst(
    sharpener: Sharpener,
    frames: Sequence[Frame],
    requests: int,
    seconds: float,
    clock: Callable[[], float] = time.perf_counter,
) -> Callable[[], int]:
    """Frames through `Sharpener.stream` for some seconds, and enough to fill all `requests`."""
    endless = itertools.cycle(frames)

    def feed() -> Iterator[Frame]:
        end = clock() + seconds
        for number in itertools.count():
            if number >= BURST_ROUNDS * requests and clock() >= end:
                return
            yield next(endless)

    def run() -> int:
        return sum(1 for _ in sharpener.stream(feed()))

    return run
