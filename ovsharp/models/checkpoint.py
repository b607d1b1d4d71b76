"""Weights from files that others made: opened without ever running what is inside.

A checkpoint is a pickle, and a pickle is a program. It is read with `weights_only=True`, on the
CPU, after its kind and its size have been checked.
"""

from __future__ import annotations

import dataclasses
import pickle
import pickletools
import re
import struct
import warnings
import zipfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import torch

from ovsharp.errors import ModelLoadError, UnsupportedModelError
from ovsharp.extras import need
from ovsharp.files import failed_download
from ovsharp.limits import MODEL_MEGABYTES, check_model_bytes
from ovsharp.models.wrapping import WRAPPERS, Fits, Part, choose, parts_of
from ovsharp.progress import Progress, stage

_HEAD = 1024
_HDF5 = b"\x89HDF\r\n\x1a\n"
_ZIP = b"PK\x03\x04"
_PICKLE = b"\x80"
_LEGACY_HEADERS = 3
"""Before the object itself, the old format has a magic number, a version and facts on the system,
each a pickle of its own."""

_DAMAGED = (
    RuntimeError,
    EOFError,
    OSError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    AssertionError,
    struct.error,
)
"""What torch.load raises when bytes of a checkpoint are wrong (seen by changing them at random)."""


DEGRADATION = "degradation"
"""The entry beside the weights that says, as a recipe, what the network undoes."""
PIXELS = "pixels"
"""The entry beside the weights that says on how many pixels they were trained."""


def read_weights(path: Path) -> dict[str, torch.Tensor]:
    """Read the tensors of a `.pth`, `.pt`, `.ckpt` or `.safetensors` file; see `read_part`."""
    return read_part(path).tensors


def try_weights(path: Path, progress: Progress) -> None:
    """Read a checkpoint and forget it: a task for a process with limits.

    Raises:
        ModelLoadError: as `read_part`.
    """
    # Which of several sets of weights is meant is for others to say.
    with stage(progress, "reading"), suppress(UnsupportedModelError):
        read_part(path)


def read_part(
    path: Path, *, fits: Fits | None = None, choice: str | None = None, trusted: bool = False
) -> Part:
    """Read the weights of one network.

    What surrounds them is taken off: the entries in `WRAPPERS`, the prefixes that Lightning,
    DataParallel, AveragedModel and torch.compile write, and thop's counters. Entries that are no
    tensors (an epoch, a loss) are left out. Half and double precision become float32.

    Args:
        path: recognised by its content, not by its ending.
        fits: whether tensors are those of a known network; without it, any will do.
        choice: which weights, where a file holds several; a name as in the file.
        trusted: see `choose`.

    Returns:
        Tensors by key, in the order of the file, and where they were. They may be mapped to the
        file: copy, do not write. Infinities are left for the network to judge: a buffer may
        well hold -inf, a weight may not.

    Raises:
        ModelLoadError: the file is missing, empty, too large, truncated, of another kind, needs
            code to be opened, or holds no weights or weights that are not numbers. The message
            says what to do.
        UnsupportedModelError: several sets of weights fit.
        UsageError: there are no weights of the name that was chosen.
    """
    _check_size(path)
    with path.open("rb") as file:
        head = file.read(_HEAD)
    _refuse_strangers(path, head)
    if head.startswith(_ZIP):
        _check_archive(path)
        content = _load(path, mmap=True)
    elif _is_safetensors(head):
        content = _load_safetensors(path)
    elif head.startswith(_PICKLE):
        content = _load(path, mmap=False)
    else:
        raise ModelLoadError(
            f"{path} is no checkpoint: expected a file written by torch.save or safetensors, "
            f"and it begins with {head[:8]!r}"
        )
    parts = parts_of(content)
    if not parts:
        held = ", ".join(map(str, list(content)[:8])) if isinstance(content, Mapping) else ""
        raise ModelLoadError(
            f"{path} holds no weights (found: {held or type(content).__name__}): expected tensors "
            f"by name, at the top or under one of {', '.join(WRAPPERS)}"
        )
    _check_sum(path, parts)
    part = choose(parts, fits, choice=choice, file=str(path), trusted=trusted)
    beside = content if isinstance(content, Mapping) else {}
    said, seen = beside.get(DEGRADATION), beside.get(PIXELS)
    return dataclasses.replace(
        part,
        tensors=_checked(path, part.tensors),
        degradation=said if isinstance(said, str) else "",
        pixels=seen if isinstance(seen, int) else 0,
        left_out=tuple(name for name in part.left_out if name not in (DEGRADATION, PIXELS)),
    )


def _check_size(path: Path) -> None:
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise ModelLoadError(f"{path} {what}: expected a .pth, .pt or .safetensors file")
    size = path.stat().st_size
    if size == 0:
        raise ModelLoadError(f"{path} is empty (0 bytes): copy or download it again")
    check_model_bytes(path, size, "has", ": save the weights alone, without the optimizer")


def _refuse_strangers(path: Path, head: bytes) -> None:
    """Name the kinds of file that are often taken for a checkpoint."""
    if what := failed_download(head):
        raise ModelLoadError(f"{path} {what}")
    if head.startswith(_HDF5):
        raise ModelLoadError(
            f"{path} is an HDF5 file, as Keras writes it, and ovsharp reads PyTorch's: export the "
            f"model to ONNX (with tf2onnx) and convert that"
        )


def _check_archive(path: Path) -> None:
    """Look into a zip archive: is it whole, and is it what torch.save writes?"""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            size = sum(entry.file_size for entry in archive.infolist())
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise ModelLoadError(
            f"{path} is truncated or damaged: it begins like a checkpoint and its end is missing; "
            f"copy or download it again"
        ) from error
    if any(name.endswith("/constants.pkl") for name in names):
        raise ModelLoadError(
            f"{path} is a TorchScript archive: a program, not weights. Save the weights alone: "
            f"torch.save(torch.jit.load({path.name!r}, map_location='cpu').state_dict(), "
            f"'{path.stem}-weights.pth')"
        )
    if any(name.endswith("/models/model.json") or name.endswith(".so") for name in names):
        raise ModelLoadError(
            f"{path} is a program that torch.export wrote, not weights: torch's reader of such "
            f"files unpickles objects without a check, which ovsharp never does. If you trust it, "
            f"save the weights alone: torch.save(torch.export.load({path.name!r}).state_dict, "
            f"'{path.stem}-weights.pth'), or export it to ONNX and convert that"
        )
    if not any(name.endswith("/data.pkl") for name in names):
        raise ModelLoadError(
            f"{path} is a zip archive without a checkpoint in it (it holds "
            f"{', '.join(names[:3]) or 'nothing'}): unpack it, or export the model to ONNX"
        )
    check_model_bytes(path, size, "unpacks to")


def _load(path: Path, *, mmap: bool) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what torch minds in a pickle, reading it decides
            return torch.load(path, map_location="cpu", weights_only=True, mmap=mmap)
    except pickle.UnpicklingError as error:
        raise ModelLoadError(_rejected(path, str(error))) from error
    except _DAMAGED as error:
        raise ModelLoadError(_damaged(path, error)) from error


def _load_safetensors(path: Path) -> dict[str, torch.Tensor]:
    need("safetensors", extra="convert")
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path, device="cpu")
    except SafetensorError as error:
        raise ModelLoadError(_damaged(path, error)) from error


def _is_safetensors(head: bytes) -> bool:
    """Whether a file begins with the length of a JSON header and the header itself."""
    most = 1e6 * MODEL_MEGABYTES.value
    return len(head) > 8 and int.from_bytes(head[:8], "little") < most and head[8:9] == b"{"


def _rejected(path: Path, reason: str) -> str:
    """Say why `weights_only` refused a pickle, and how to get the weights out of it."""
    match = re.search(r"GLOBAL (\S+) (?:was not an allowed global|whose module)", reason)
    if match is None:
        # What torch says before that is advice to open the file without the check.
        detail = reason.rpartition("WeightsUnpickler error:")[2].strip().splitlines()
        return (
            f"{path} is damaged, or a pickle that torch.save did not write "
            f"({detail[0] if detail else 'no reason given'}); save the weights with "
            f"torch.save(network.state_dict(), ...)"
        )
    try:
        opcodes = _opcodes(path)
    except (zipfile.BadZipFile, ValueError) as error:
        return _damaged(path, error)
    texts = {value: depth for _, value, depth in reversed(opcodes) if isinstance(value, str)}
    # The outermost: an optimizer has "params" of its own, deeper inside.
    wrappers = [name for name in WRAPPERS if name in texts]
    entry = min(wrappers, key=lambda name: texts[name], default="state_dict")
    weights = f"torch.load({path.name!r}, map_location='cpu', weights_only=False)"
    if "EMPTY_DICT" in [name for name, _, _ in opcodes[:2]]:
        weights += f"['{entry}']"
    if any(text.startswith("torch.nn.modules.") for text in texts):
        what = f"holds a whole pickled network ({match[1]}), not its weights alone"
        weights += ".state_dict()"
    else:
        what = f"holds objects other than tensors (such as {match[1]})"
    return (
        f"{path} {what}: to open it would run code from the file, which ovsharp never does. If you "
        f"trust it, save the weights alone, where its code can be imported, and use that file: "
        f"python -c \"import torch; torch.save({weights}, '{path.stem}-weights.pth')\""
    )


def _opcodes(path: Path) -> list[tuple[str, Any, int]]:
    """Give the opcodes of the object in a checkpoint; runs none of them.

    Returns:
        Of each its name, its value, and in how many open collections it stands.
    """
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            name = next(name for name in archive.namelist() if name.endswith("/data.pkl"))
            with archive.open(name) as file:
                return _opcodes_of_pickle(file)
    with path.open("rb") as file:
        for _ in range(_LEGACY_HEADERS):
            _opcodes_of_pickle(file)
        return _opcodes_of_pickle(file)


def _opcodes_of_pickle(file: IO[bytes]) -> list[tuple[str, Any, int]]:
    opcodes, depth = [], 0
    for opcode, value, _ in pickletools.genops(file):
        depth -= pickletools.markobject in opcode.stack_before
        opcodes.append((opcode.name, value, depth))
        depth += opcode.name == "MARK"
    return opcodes


def _check_sum(path: Path, parts: Sequence[Part]) -> None:
    # The file may be small where its tensors are not: a view can repeat one value at will.
    size = 4 * sum(tensor.numel() for part in parts for tensor in part.tensors.values())
    check_model_bytes(path, size, "holds", " of weights")


def _checked(path: Path, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    checked = {}
    for key, tensor in tensors.items():
        if tensor.layout is not torch.strided or tensor.is_quantized or tensor.is_complex():
            raise ModelLoadError(
                f"{path}: '{key}' is no plain tensor of numbers ({tensor.dtype}, {tensor.layout}); "
                f"save the network in floating point"
            )
        checked[key] = tensor.float() if tensor.is_floating_point() else tensor
        if torch.isnan(checked[key]).any() or torch.isposinf(checked[key]).any():
            raise not_finite(path, key)
    return checked


def not_finite(path: Path, key: str) -> ModelLoadError:
    """Give the error for a weight that is no number."""
    return ModelLoadError(
        f"{path}: '{key}' has values that are not finite (NaN or infinity): the training "
        f"diverged; use an earlier checkpoint"
    )


def _damaged(path: Path, error: Exception) -> str:
    why = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return f"{path} is truncated or damaged ({why}); copy or download it again"
