"""The planar form, for programs with frames of their own: RGB, 0..1, f32, N x 3 x H x W.

Our own form takes uint8 frames as they lie in memory. FFmpeg's `dnn_processing`, vs-mlrt, QSVEnc
and ONNX Runtime, in a browser too, bring planes of floats instead, and cut the result to 0..1
themselves: nothing is added to the network here, and nothing taken away.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import openvino as ov

from ovsharp.convert.parity import LIMIT, Levels, check, compare_levels
from ovsharp.convert.prepared import Prepared, Rows
from ovsharp.engine import get_core
from ovsharp.errors import UnsupportedModelError
from ovsharp.passes import Frames, Network, Runner, Values
from ovsharp.spec import ModelSpec


def check_planar(spec: ModelSpec) -> None:
    """Check that a network works on RGB of 0..1, as other programs give it.

    Raises:
        UnsupportedModelError: it takes other colours, another range, or a second picture.
    """
    facts = {
        f"the colour order {spec.colour}": spec.colour != "rgb",
        f"values of {spec.value_range[0]:g}..{spec.value_range[1]:g}": spec.value_range != (0, 1),
        "a mean or std": bool(spec.mean or spec.std),
        "the enlarged picture as a second input": spec.base,
    }
    found = [fact for fact, true in facts.items() if true]
    if found:
        raise UnsupportedModelError(
            f"{spec.name} works on {' and '.join(found)}, and programs that bring their own frames "
            f"give RGB of 0..1; wrap it in a class that converts, and name that with --arch "
            f"file.py:Class"
        )


def onnx_of(prepared: Prepared) -> bytes:
    """Give the ONNX file of a network from PyTorch, with what its user has to know written in.

    Raises:
        UnsupportedModelError: the model did not come from PyTorch, or is not of this form.
    """
    import onnx

    spec = prepared.spec
    if prepared.onnx_bytes is None:
        raise UnsupportedModelError(
            f"{spec.source} is no PyTorch checkpoint: an ONNX file or an IR of others goes to "
            f"other programs as it is"
        )
    check_planar(spec)
    model = onnx.load_from_string(prepared.onnx_bytes)
    facts = {
        "name": spec.name,
        "planes": "RGB, 0..1, f32",
        "scale": str(spec.scale),
        "multiple": str(spec.multiple),
        "trained for": spec.degradation or "unknown",
    }
    onnx.helper.set_model_props(model, facts)
    return bytes(model.SerializeToString())


def planar_levels(network: Network) -> Levels:
    """Give a network of RGB planes as a function of frames, as these programs call it."""

    def run(frames: Frames) -> Values:
        planes = frames[..., ::-1].transpose(0, 3, 1, 2).astype(np.float32) / np.float32(255)
        result: Values = network([planes])
        return result.transpose(0, 2, 3, 1)[..., ::-1] * 255

    return run


def write_planar(prepared: Prepared, folder: Path) -> Rows:
    """Write NAME-planar.onnx, and NAME-planar.xml and .bin, and compare both with the source.

    Raises:
        UnsupportedModelError: as `onnx_of`.
        ConversionError: a file differs from the source.
    """
    onnx_bytes = onnx_of(prepared)
    path = folder / f"{prepared.spec.name}-planar.onnx"
    path.write_bytes(onnx_bytes)
    core = get_core()
    ov.save_model(core.read_model(path), path.with_suffix(".xml"), compress_to_fp16=False)
    rows: Rows = []
    for file in (path, path.with_suffix(".xml")):
        levels = planar_levels(Runner(core.read_model(file)))
        difference = compare_levels(levels, prepared.reference, prepared.frames)
        check(difference, f"the outputs of {file.name} and the source", LIMIT)
        rows.append(
            (f"parity {file.suffix[1:]} file", f"{difference:.1e} of white (limit {LIMIT:g})")
        )
    return [*rows, *_how(prepared.spec)]


def _how(spec: ModelSpec) -> Rows:
    sizes = "any size" if spec.multiple == 1 else f"sides that are multiples of {spec.multiple}"
    if spec.size is not None:
        sizes = f"{spec.size[1]}x{spec.size[0]} only"
    return [("takes", f"'frame', RGB planes of 0..1, f32, {sizes}; gives 'sharp', not cut to 0..1")]
