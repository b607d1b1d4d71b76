"""TFLite (LiteRT), for phones and browsers: RGB, 0..1, f32, 1 x H x W x 3, one size.

By litert-torch, which brings JAX: an extra of its own.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ovsharp.convert.form_planar import check_planar
from ovsharp.convert.parity import LIMIT, check, compare_levels
from ovsharp.convert.prepared import Prepared, Rows
from ovsharp.errors import ConversionError, UnsupportedModelError, UsageError
from ovsharp.extras import need
from ovsharp.passes import Frames, Values


def write_tflite(prepared: Prepared, folder: Path) -> Rows:
    """Write NAME-HxW.tflite and compare it with the source, as LiteRT's interpreter runs it.

    Raises:
        UsageError: no size is fixed.
        UnsupportedModelError: the model did not come from PyTorch, or takes no RGB of 0..1.
        ConversionError: litert-torch cannot convert it, or the file differs from the source.
        MissingExtraError: litert-torch is not installed.
    """
    need("litert_torch", "ai_edge_litert", extra="tflite")
    spec = prepared.spec
    if prepared.network is None:
        raise UnsupportedModelError(f"{spec.source} is no PyTorch checkpoint, and TFLite needs one")
    check_planar(spec)
    if spec.size is None:
        raise UsageError("a TFLite file is for one size: name it with --size HxW, as in 360x640")
    height, width = spec.size
    path = folder / f"{spec.name}-{height}x{width}.tflite"
    _convert(prepared, height, width, path)
    difference = compare_levels(LiteModel(path), prepared.reference, prepared.frames)
    check(difference, f"the outputs of {path.name} and the source", LIMIT)
    return [
        ("parity tflite file", f"{difference:.1e} of white (limit {LIMIT:g})"),
        ("takes", f"RGB of 0..1, f32, 1 x {height} x {width} x 3; gives the same, not cut to 0..1"),
    ]


def _convert(prepared: Prepared, height: int, width: int, path: Path) -> None:
    import litert_torch
    import torch

    litert_torch.config.show_progress = False  # it would print on the screen
    module = prepared.network.module if prepared.network else torch.nn.Identity()
    last = litert_torch.to_channel_last_io(module, args=[0], outputs=[0]).eval()
    try:
        litert_torch.convert(last, (torch.zeros(1, height, width, 3),)).export(str(path))
    except Exception as error:
        reason = (str(error).strip().splitlines() or ["no reason given"])[0]
        raise ConversionError(f"litert-torch cannot convert the network: {reason}") from error


class LiteModel:
    """A TFLite file as a function of frames, as LiteRT runs it. Needs the extra `tflite`.

    Args:
        path: as `write_tflite` writes it, or quantized with floats in and out.
        threads: of the CPU; None leaves the number to LiteRT.
    """

    def __init__(self, path: Path, threads: int | None = None) -> None:
        from ai_edge_litert.interpreter import Interpreter

        self._interpreter = Interpreter(model_path=str(path), num_threads=threads)
        self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]["index"]
        self._output = self._interpreter.get_output_details()[0]["index"]

    def __call__(self, frames: Frames) -> Values:
        """Give levels, neither rounded nor cut, for frames: uint8, 1 x H x W x 3, BGR."""
        self._interpreter.set_tensor(self._input, rgb_of(frames))
        self._interpreter.invoke()
        values: Values = self._interpreter.get_tensor(self._output)
        return values[..., ::-1] * 255


def rgb_of(frames: Frames) -> Values:
    """Give frames as a TFLite file takes them: RGB of 0..1, f32."""
    return np.ascontiguousarray(frames[..., ::-1], np.float32) / np.float32(255)
