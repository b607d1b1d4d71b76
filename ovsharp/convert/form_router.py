"""A router for other programs: NAME-router.onnx, and NAME.json, which says how it is asked."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ovsharp.convert.pictures import drawn
from ovsharp.convert.prepared import Rows
from ovsharp.convert.probe import random_frames
from ovsharp.engine import get_core, read_router
from ovsharp.errors import ConversionError, ModelLoadError
from ovsharp.extras import need
from ovsharp.passes import Runner
from ovsharp.runtime import crops
from ovsharp.spec import ModelSpec

LIMIT = 1e-3
"""Largest difference to the IR, as a part of 1 dB or of the gain, whichever is more."""


def write_choice(path: Path, folder: Path, models: Sequence[ModelSpec]) -> Rows:
    """Write NAME-router.onnx and NAME.json, and compare with the IR.

    `NAME-router.onnx` takes `crops` and gives `gains` as the IR does; see `RouterSpec`. The JSON
    names the files of the models, the one for everything first, and what both sides of a picture
    are padded to for each.

    Args:
        path: of the router's .xml; `router.pth` lies beside it.
        folder: to write to.
        models: what it chooses among, whose planar files lie in the folder.

    Raises:
        ModelLoadError: the weights are not there: an installed ovsharp has none.
        ConversionError: the file differs from the IR.
        MissingExtraError: torch or onnx is not installed.
    """
    need("torch", "onnx", "onnxscript", extra="convert")
    import torch

    from ovsharp.convert.torch_to_onnx import exported
    from ovsharp.models import load_router

    reference, spec = read_router(path, get_core())
    weights = path.with_name("router.pth")
    if not weights.is_file():
        raise ModelLoadError(f"there is no {weights}: convert {spec.name} in a clone of ovsharp")
    network = load_router(weights, len(spec.models))
    example = torch.zeros(spec.crops, spec.crop, spec.crop, 3, dtype=torch.uint8)
    file = folder / f"{spec.name}-router.onnx"
    any_number = ({0: torch.export.Dim.DYNAMIC},)
    file.write_bytes(exported(network, (example,), ("crops",), "gains", shapes=any_number))
    written = Runner(get_core().read_model(file))
    ours, parts = Runner(reference), list[float]()
    for frame in (drawn(720, 1280), random_frames(360, 640, seed=3), drawn(90, 160)):
        looked_at = crops(frame[0], spec.crop, spec.crops)
        expected, got = ours([looked_at]).ravel(), written([looked_at]).ravel()
        parts += (np.abs(got - expected) / np.maximum(1, np.abs(expected))).tolist()
    difference = float(np.max(parts))
    if not difference <= LIMIT:
        raise ConversionError(
            f"{file.name} and the IR of {spec.name} tell gains that differ by {difference:.1e} of "
            f"1 dB (limit {LIMIT:g}): router.pth belongs to another router"
        )
    facts = {
        "name": spec.name,
        "router": file.name,
        "models": {
            model.name: {"file": f"{model.name}-planar.onnx", "multiple": model.multiple}
            for model in models
        },
        "crop": spec.crop,
        "crops": spec.crops,
        "least": spec.least,
    }
    (folder / f"{spec.name}.json").write_text(json.dumps(facts, indent=1) + "\n")
    return [("parity router", f"{difference:.1e} dB (limit {LIMIT:g})")]
