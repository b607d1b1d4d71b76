"""Our own form: an IR that takes frames as they lie in memory, and gives them."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from ovsharp.convert.parity import LIMIT, LIMIT_FP16, check, compare
from ovsharp.convert.prepared import Prepared, Rows
from ovsharp.convert.report import parity_text
from ovsharp.engine import get_core, read_ir, write_ir
from ovsharp.errors import UsageError
from ovsharp.progress import Progress, stage
from ovsharp.spec import ModelSpec

FloatStorage = Literal["fp32", "fp16"]


def check_storages(storages: Sequence[str]) -> list[FloatStorage]:
    """Check the names of storages of floats.

    Raises:
        UsageError: an unknown one, or none.
    """
    known: dict[str, FloatStorage] = {"fp32": "fp32", "fp16": "fp16"}
    unknown = [storage for storage in storages if storage not in known]
    if unknown or not storages:
        raise UsageError(
            f"cannot store weights as '{','.join(storages)}': expected fp32, fp16 or both; "
            f"for int8 convert first, then: ovsharp quantize"
        )
    return [known[storage] for storage in dict.fromkeys(storages)]


def write_frames(
    prepared: Prepared,
    storages: Sequence[FloatStorage],
    staging: Path,
    report: Rows,
    progress: Progress,
) -> ModelSpec:
    """Write NAME-STORAGE.xml and .bin of each storage, and NAME.onnx of a PyTorch checkpoint.

    Returns:
        The spec of the first storage.

    Raises:
        ConversionError: a file differs from the source.
    """
    if prepared.onnx_bytes is not None:
        (staging / f"{prepared.spec.name}.onnx").write_bytes(prepared.onnx_bytes)
    specs = []
    for storage in storages:
        with stage(progress, f"writing and comparing {storage}"):
            specs.append(_write(prepared, storage, staging, report))
    return specs[0]


def _write(prepared: Prepared, storage: FloatStorage, staging: Path, report: Rows) -> ModelSpec:
    """Write one IR, read it back and compare that with the source."""
    spec = prepared.spec.replace(storage=storage)
    limit = LIMIT if storage == "fp32" else LIMIT_FP16
    # Once to measure, once more with what was measured in its spec.
    with tempfile.TemporaryDirectory(dir=staging) as draft:
        measured, _ = read_ir(write_ir(prepared.model, spec, Path(draft)), get_core())
        parity = compare(measured, prepared.reference, prepared.frames, spec.scale)
    key = next(key for key in spec.parity if key.startswith("ir-"))
    check(parity.difference, f"the outputs of the {storage} file and the source", limit)
    spec = spec.replace(parity={**spec.parity, key: parity.difference})
    path = write_ir(prepared.model, spec, staging)
    read_ir(path, get_core())
    report.append((f"parity {storage} file", parity_text(parity, limit)))
    return spec
