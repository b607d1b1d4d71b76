"""What is wrong with a frame, told from a few crops: how much each model would gain on it."""

from __future__ import annotations

import copy
import threading
from math import isqrt
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov

from ovsharp.engine import Frame, get_core, pad, read_router
from ovsharp.runtime.shipped import find_model, find_router
from ovsharp.runtime.sizes import USUAL, Quality, routed, sized

GRID = 16
"""Crops begin at multiples of so many pixels: where JPEG and H.264 have their blocks."""


def crops(frame: Frame, side: int, count: int) -> Frame:
    """Cut crops out of a frame, evenly spread, each at a multiple of `GRID`.

    Where fewer of them cover a frame, there are no more: they would overlap, and show the same
    blocks again. (36 or as many as cover it, 34 validation photos in 5 damages: at 256x256 and
    512x288 98.8 % the same choice, .0004 dB lost, 44 and 83 % of the time.)

    Args:
        frame: uint8, H x W x 3; smaller ones are padded by repeating their edge.
        side: of a crop, in pixels.
        count: how many at most, the square of a whole number.

    Returns:
        uint8, crops x side x side x 3.

    Example:
        >>> crops(np.zeros((1080, 1920, 3), np.uint8), 64, 16).shape
        (16, 64, 64, 3)
        >>> crops(np.zeros((128, 1920, 3), np.uint8), 64, 16).shape
        (8, 64, 64, 3)
    """
    frame = pad(frame, max(side, frame.shape[0]), max(side, frame.shape[1]))
    starts = []
    for length in frame.shape[:2]:
        enough = min(isqrt(count), -(-length // side))
        starts.append((np.linspace(0, length - side, enough) // GRID).astype(int) * GRID)
    return np.stack([frame[y : y + side, x : x + side] for y in starts[0] for x in starts[1]])


def model_files(
    model: str | Path | None, precision: str | None = None, quality: Quality | None = None
) -> tuple[Path, ...]:
    """Give the files (.xml, .bin) of a model, or of a router and its models.

    Args:
        model: as for `Sharpener`.
        precision: likewise.
        quality: likewise.

    Raises:
        ModelLoadError, UsageError: as `find_model`.
    """
    router = find_router(model)
    if router is None:
        paths = [find_model(model if quality is None else sized(model, quality), precision)]
    else:
        names = routed(read_router(router, get_core())[1].models, quality or USUAL)
        paths = [router, *(find_model(name, precision) for name in names)]
    return tuple(file for path in paths for file in (path, path.with_suffix(".bin")))


class Router:
    """A small network that says how much each model would gain on a frame. Thread-safe.

    It runs on the CPU in f32, whatever the device and the precision of the models: what it says
    of a frame should be the same everywhere.

    Args:
        path: of its .xml.
        threads: CPU threads; None leaves the number to OpenVINO.
        quality: the size of the models that it chooses among.

    Raises:
        ModelLoadError, UnsupportedModelError: it cannot be read.
        UsageError: its models are not there in that size.
    """

    def __init__(self, path: Path, threads: int | None = None, quality: Quality = USUAL) -> None:
        self._model, self.spec = read_router(path, get_core())
        self.models = routed(self.spec.models, quality)
        """Names of the models, the one for everything first."""
        self._config: dict[str, Any] = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": "f32",
            "INFERENCE_NUM_THREADS": threads or 0,
        }
        self._requests: dict[int, ov.InferRequest] = {}
        self._lock = threading.Lock()

    def of_quality(self, quality: Quality) -> Router:
        """Give the same router over models of another size; what it has compiled is shared.

        Raises:
            UsageError: its models are not there in that size.
        """
        other = copy.copy(self)
        other.models = routed(self.spec.models, quality)
        return other

    def gains(self, frame: Frame) -> dict[str, float]:
        """Give the expected gain of each model on a frame, in dB.

        Args:
            frame: uint8, H x W x 3, BGR, of any size.
        """
        return self.gains_on(self.crops(frame))

    def crops(self, frame: Frame) -> Frame:
        """Copy what it looks at of a frame: uint8, crops x side x side x 3."""
        return crops(frame, self.spec.crop, self.spec.crops)

    def gains_on(self, looked_at: Frame) -> dict[str, float]:
        """Give the expected gain of each model, in dB, by `crops` of a frame."""
        with self._lock:
            values = np.array(self._request(len(looked_at)).infer([looked_at])[0]).ravel()
        return dict(zip(self.models, values.tolist(), strict=True))

    def _request(self, count: int) -> ov.InferRequest:
        """Give the request for a number of crops, compiled when it is first needed."""
        if count not in self._requests:
            model = self._model.clone()
            model.reshape([count, self.spec.crop, self.spec.crop, 3])
            compiled = get_core().compile_model(model, "CPU", self._config)
            self._requests[count] = compiled.create_infer_request()
        return self._requests[count]
