"""The matrix: which models, in which storage, with which execution precision, at which sizes."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ovsharp.convert import Options, picture_network, prepare
from ovsharp.engine import (
    Execution,
    execution_of,
    float_hints,
    get_core,
    megabytes,
    read_ir,
    read_openvino,
    read_router,
    resolve_execution,
    write_ir,
)
from ovsharp.errors import UsageError
from ovsharp.guards import Guard, unguarded
from ovsharp.measuring import Role
from ovsharp.progress import Progress, silent
from ovsharp.runtime import DEFAULT_MODEL, shipped_models, shipped_routers
from ovsharp.spec import ModelSpec, Storage

if TYPE_CHECKING:
    from ovsharp.models import Network

EAGER = "eager"
"""What selects the PyTorch row among the precisions."""

STORAGES: tuple[Storage, ...] = ("fp32", "fp16", "int8")


@dataclass(frozen=True)
class Candidate:
    """One model to measure, in all its storages."""

    name: str
    files: Mapping[Storage, Path]
    spec: ModelSpec
    network: Network | None = None
    """Where it was loaded to convert the model."""
    checkpoint: Path | None = None
    """PyTorch weights that the model was converted from or that lie beside the IR."""
    role: Role = "own"

    def megabytes(self, storage: Storage) -> float:
        """Size of the .xml and .bin in 10^6 bytes."""
        return megabytes(self.files[storage])


@dataclass(frozen=True)
class Variant:
    """One OpenVINO row of the matrix."""

    candidate: Candidate
    storage: Storage
    execution: Execution

    @property
    def path(self) -> Path:
        """The .xml file."""
        return self.candidate.files[self.storage]


def find_candidates(
    texts: Sequence[str], scratch: Path, guard: Guard = unguarded
) -> list[Candidate]:
    """Find or convert the models that `--model` names.

    Args:
        texts: names of shipped models, folders, or files, files with options after a comma (see
            `parse_model`); empty for the default model. IRs of the same name in different
            storages become one candidate.
        scratch: folder for the IRs of models that are converted for the occasion.
        guard: how files are read and converted.

    Raises:
        UsageError: an unknown name or option, or the same model twice.
        ModelLoadError, UnsupportedModelError, ConversionError: as `convert.prepare`.
    """
    candidates: dict[str, Candidate] = {}
    for number, text in enumerate(texts or [DEFAULT_MODEL]):
        for candidate in _find(text, scratch / str(number), guard):
            known = candidates.get(candidate.name)
            if known and set(known.files) & set(candidate.files):
                raise UsageError(
                    f"two models are called '{candidate.name}'; give one of them another name, "
                    f"such as --model {text},name=other"
                )
            if known:
                files = {**known.files, **candidate.files}
                files = {storage: files[storage] for storage in STORAGES if storage in files}
                candidate = dataclasses.replace(known, files=files)
            candidates[candidate.name] = candidate
    return list(candidates.values())


def _find(text: str, scratch: Path, guard: Guard) -> list[Candidate]:
    shipped = shipped_models()
    if text in shipped:
        return [_candidate(text, list(shipped[text].values()))]
    routers = shipped_routers()
    if text in routers:
        return [_candidate(name, list(shipped[name].values())) for name in _models_of(text)]
    path, options = parse_model(text)
    if path.is_dir():
        return _from_folder(path)
    if not path.exists() and not path.suffix:
        raise UsageError(
            f"there is no model '{text}': expected a shipped one ({', '.join(shipped) or 'none'}), "
            f"a router, which stands for its models ({', '.join(routers) or 'none'}), a folder or "
            f"a file"
        )
    return [convert_candidate(path, options, scratch, guard=guard)]


def _models_of(router: str) -> tuple[str, ...]:
    """Name the models that a router chooses among, that for everything first."""
    return read_router(shipped_routers()[router], get_core())[1].models


def is_ours(path: Path) -> bool:
    """Tell whether an .xml was written by ovsharp."""
    return bool(read_openvino(path, get_core()).has_rt_info(["ovsharp"]))


def _candidate(name: str, paths: Sequence[Path]) -> Candidate:
    specs = {path: read_ir(path, get_core())[1] for path in paths}
    files: dict[Storage, Path] = {}
    for storage in STORAGES:
        fitting = [path for path, spec in specs.items() if spec.storage == storage]
        if len(fitting) > 1:
            raise UsageError(
                f"'{name}' has two {storage} files: {fitting[0]} and {fitting[1]}; keep one"
            )
        if fitting:
            files[storage] = fitting[0]
    first = next(iter(files.values()))
    checkpoint = first.parent / "student.pth"
    return Candidate(
        name, files, specs[first], checkpoint=checkpoint if checkpoint.is_file() else None
    )


def _from_folder(folder: Path) -> list[Candidate]:
    by_name: dict[str, list[Path]] = {}
    for path in sorted(folder.glob("*.xml")):
        by_name.setdefault(read_ir(path, get_core())[1].name, []).append(path)
    if not by_name:
        raise UsageError(f"the folder {folder} holds no .xml model; make one with: ovsharp convert")
    return [_candidate(name, paths) for name, paths in by_name.items()]


def convert_candidate(
    path: Path,
    options: Options,
    scratch: Path,
    storages: Sequence[Storage] = ("fp32", "fp16"),
    *,
    guard: Guard = unguarded,
) -> Candidate:
    """Convert a model for the occasion; an ovsharp IR is taken as it is.

    Args:
        path: what `convert.prepare` takes.
        options: what the file does not say.
        scratch: folder for its IRs.
        storages: in which it is measured.
        guard: how it is read and converted.

    Raises:
        ModelLoadError, UnsupportedModelError, ConversionError: as `convert.prepare`.
    """
    candidate = guard(_converted, path, options, scratch, storages, what=str(path), progress=silent)
    if candidate.checkpoint != path:
        return candidate
    # For the row of eager PyTorch: what was read once within the limits is read once more.
    return dataclasses.replace(candidate, network=picture_network(path, options)[0])


def _converted(
    path: Path,
    options: Options,
    scratch: Path,
    storages: Sequence[Storage],
    progress: Progress,  # noqa: ARG001 - as every task under guard
) -> Candidate:
    if path.suffix == ".xml" and is_ours(path) and options == Options(name=options.name):
        return _candidate(options.name or read_ir(path, get_core())[1].name, [path])
    prepared = prepare(path, options)
    files: dict[Storage, Path] = {
        storage: write_ir(prepared.model, prepared.spec.replace(storage=storage), scratch)
        for storage in storages
    }
    return Candidate(
        prepared.spec.name,
        files,
        prepared.spec,
        checkpoint=path if prepared.network else None,
    )


def parse_model(text: str) -> tuple[Path, Options]:
    """Split `FILE,OPTION,...` into the file and how to convert it.

    Options: `rgb` or `bgr`, `range=LOW:HIGH` of the input, `out=LOW:HIGH` of the output,
    `mean=A:B:C`, `std=A:B:C`, `arch=NAME` or `arch=FILE.py:CLASS`, `output=N`,
    `size=HxW`, `name=NAME`, `degrade=RECIPE`. A recipe with commas cannot be said here.

    Raises:
        UsageError: an unknown option or a value that is none.

    Example:
        >>> path, options = parse_model("x.onnx,bgr,range=0:255")
        >>> options.colour, options.value_range
        ('bgr', (0.0, 255.0))
    """
    if Path(text).exists():
        return Path(text), Options()
    file, *settings = text.split(",")
    values: dict[str, Any] = {}
    for setting in settings:
        key, _, value = setting.partition("=")
        try:
            values.update(_option(key.strip(), value.strip()))
        except (ValueError, KeyError) as error:
            raise UsageError(
                f"'{setting}' after {file} is no option of a model: expected rgb, bgr, "
                f"range=LOW:HIGH, out=LOW:HIGH, mean=A:B:C, std=A:B:C, arch=NAME, output=N, "
                f"size=HxW, name=NAME or degrade=RECIPE"
            ) from error
    return Path(file), Options(**values)


def _option(key: str, value: str) -> dict[str, Any]:
    if key in ("rgb", "bgr") and not value:
        return {"colour": key}
    if key in ("range", "out"):
        low, high = _numbers(value)
        return {"value_range" if key == "range" else "output_range": (low, high)}
    if key == "size":
        height, width = value.split("x")
        return {"size": (int(height), int(width))}
    read: dict[str, tuple[str, Callable[[str], Any]]] = {
        "mean": ("mean", _numbers),
        "std": ("std", _numbers),
        "arch": ("architecture", str),
        "output": ("output_index", int),
        "name": ("name", str),
        "degrade": ("degradation", str),
    }
    name, kind = read[key]
    if not value:
        raise ValueError(f"{key} needs a value")
    return {name: kind(value)}


def _numbers(text: str) -> tuple[float, ...]:
    return tuple(float(part) for part in text.split(":"))


def find_variant(
    model: str | None,
    device: str,
    precision: str | None,
    scratch: Path,
    guard: Guard = unguarded,
) -> Variant:
    """Find the one variant that `Sharpener` would run.

    Args:
        model: as one of `find_candidates`, of a router the model for everything; None for the
            default model.
        device: OpenVINO's name of it.
        precision: execution precision; None for the fastest that the model and the device have.
        scratch: folder for the IRs of models that are converted for the occasion.
        guard: how files are read and converted.

    Raises:
        UsageError, DeviceError, ModelLoadError, UnsupportedModelError, ConversionError: as
            `find_candidates` and `find_variants`; or a folder of several models.
    """
    if model in shipped_routers():
        model = _models_of(model)[0]  # all are of one design
    candidates = find_candidates([model] if model else [], scratch, guard)
    if len(candidates) > 1:
        names = ", ".join(candidate.name for candidate in candidates)
        raise UsageError(f"expected one model, and {model} holds several: {names}")
    variants = find_variants(candidates, device, [precision] if precision else [])
    storages = [variant.storage for variant in variants]
    storage = "int8" if "int8" in storages else storages[0]
    found = next(v for v in variants if v.storage == storage)
    execution = execution_of(read_ir(found.path, get_core())[1], device, precision)
    return next(v for v in variants if v.storage == storage and v.execution == execution)


def find_variants(
    candidates: Sequence[Candidate], device: str, precisions: Sequence[str]
) -> list[Variant]:
    """Cross the models' storages with the execution precisions that the device has natively.

    Args:
        candidates: from `find_candidates`.
        device: OpenVINO's name of it.
        precisions: executions to keep, such as `bf16` or `int8+f32`, `int8` for all of that kind;
            empty for all. `EAGER` is none of this function's.

    Raises:
        UsageError, DeviceError: a precision that is not to be had here.
    """
    wanted = [text for text in precisions if text != EAGER]
    matrix = [
        Variant(candidate, storage, Execution(hint, storage == "int8"))
        for candidate in candidates
        for storage in candidate.files
        for hint in float_hints(device)
    ]
    for text in wanted:
        if not any(_matches(variant, text) for variant in matrix):
            # Says what is wrong with a precision that the device does not have.
            resolve_execution(device, "int8" if text.startswith("int8") else "fp32", text)
            raise UsageError(
                f"no model here can be executed as '{text}'; there is "
                f"{', '.join(sorted({variant.execution.label for variant in matrix}))}"
            )
    if not precisions:
        return matrix
    return [variant for variant in matrix if any(_matches(variant, text) for text in wanted)]


def usual_variants(candidates: Sequence[Candidate], device: str) -> list[Variant]:
    """Give each model as `Sharpener` would run it: its fastest storage and execution.

    Of a textbook conversion both storages: each is a way that people go.

    Raises:
        DeviceError: the device has no floating-point precision.
    """
    return [
        Variant(
            candidate,
            storage,
            execution_of(read_ir(candidate.files[storage], get_core())[1], device),
        )
        for candidate in candidates
        for storage in (
            list(candidate.files)
            if candidate.role == "textbook"
            else ["int8" if "int8" in candidate.files else next(iter(candidate.files))]
        )
    ]


def _matches(variant: Variant, text: str) -> bool:
    return variant.execution.label == text or (text == "int8" and variant.execution.int8)
