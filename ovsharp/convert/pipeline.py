"""From a model file to frames in and frames out, in memory (`prepare`) or in files (`convert`)."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ovsharp.convert.body import Body
from ovsharp.convert.coding import Coding, Frames, Network
from ovsharp.convert.frames import with_frames
from ovsharp.convert.graph import count_parameters
from ovsharp.convert.options import Options
from ovsharp.convert.parity import (
    LIMIT,
    LIMIT_FP16,
    Levels,
    Parity,
    check,
    check_frames,
    compare,
    compare_levels,
    levels_of,
    tiny_frames,
)
from ovsharp.convert.pictures import pictures
from ovsharp.convert.planar import write_planar
from ovsharp.convert.prepared import Prepared, Rows
from ovsharp.convert.probe import Geometry, probe_geometry
from ovsharp.convert.prune import Pruned, prune
from ovsharp.convert.ranges import find_coding, span
from ovsharp.convert.settle import find_body
from ovsharp.convert.source import Source, read_source
from ovsharp.convert.tflite import write_tflite
from ovsharp.engine import get_core, operations, read_ir, write_ir
from ovsharp.errors import UsageError
from ovsharp.files import sha256, staged
from ovsharp.progress import Progress, silent, stage
from ovsharp.runtime import shipped_models
from ovsharp.spec import ModelSpec

_LISTED = 12
"""Names that the report lists before it counts."""

FloatStorage = Literal["fp32", "fp16"]
Form = Literal["ir", "planar", "tflite"]
"""Of files: our own, which takes frames; RGB planes for other programs; LiteRT's."""
FORMS: tuple[Form, ...] = ("ir", "planar", "tflite")


@dataclass(frozen=True)
class Conversion:
    """What `convert` has written."""

    spec: ModelSpec
    """Of the first storage."""
    files: list[Path]
    report: Rows


def prepare(
    source: str | Path, options: Options | None = None, *, progress: Progress = silent
) -> Prepared:
    """Make any model one that takes and gives frames, and prove it, without writing a file.

    Args:
        source: a PyTorch checkpoint (.pth, .pt, .safetensors), an ONNX file, an OpenVINO IR
            (.xml) or a frozen TensorFlow graph (.pb).
        options: what the file does not say.
        progress: told of every step.

    Raises:
        ModelLoadError: the file is missing, damaged or no model.
        UnsupportedModelError: the model does not turn a picture into a picture, or what it needs
            cannot be found out: the message says which option tells.
        ConversionError: the result does not compute what the source computes.
        MissingExtraError: a PyTorch checkpoint, and torch or onnx is not installed.
    """
    source, options = Path(source), options or Options()
    with stage(progress, "reading the model"):
        origin = read_source(source, options)
        body, adapted = find_body(origin.model, output_index=origin.output_index, size=options.size)
        run = adapted(origin.call)
    with stage(progress, "finding colours and ranges"):
        coding, how = find_coding(
            body, run, options, known=origin.coding, sure=origin.is_registered
        )
    with stage(progress, "probing sizes and reach"):
        geometry = probe_geometry(body, coding, run)
    degradation = options.degradation or (origin.network.degradation if origin.network else "")
    with stage(progress, "looking for idle channels"):
        shown = (
            []
            if options.prune is None
            else pictures(options.prune, body, coding, geometry, degradation)
        )
        parameters = origin.network.parameters if origin.network else count_parameters(body.model)
        core, pruned = prune(body.model, *coding.input_span(), shown)
        body = dataclasses.replace(body, model=core)
    with stage(progress, "packing frames"):
        model, folded = with_frames(body, coding)
    with stage(progress, "comparing with the source"):
        frames = check_frames(body, geometry)
        reference = levels_of(run, body, coding)
        slow = origin.reference and adapted(origin.reference)
        parity, rows = _network_parity(origin, slow, body, coding, geometry, reference, frames)
        ours = compare(model, reference, frames, body.scale)
    check(ours.difference, f"the outputs of IR and {origin.kind}", LIMIT)
    parity[f"ir-{origin.kind}"] = ours.difference
    if origin.network is not None and origin.network.collapsed:
        count = origin.network.collapsed
        folded = (f"{count} multi-branch blocks into single 3x3 convolutions", *folded)
    spec = ModelSpec(
        name=options.name or source.stem,
        architecture=origin.network.architecture if origin.network else "foreign",
        scale=body.scale,
        multiple=geometry.multiple,
        minimum=geometry.minimum,
        margin=geometry.margin,
        size=body.size,
        colour=coding.colour,
        value_range=coding.value_range,
        mean=coding.mean,
        std=coding.std,
        base=body.needs_base,
        degradation=degradation,
        parameters=parameters - pruned.parameters,
        source=source.name,
        source_sha256=sha256(source),
        versions=origin.versions(),
        parity=parity,
    )
    report = [
        ("source", f"{source} ({origin.kind})"),
        *_unwrapped(origin),
        *_facts(spec, origin, coding, how, folded, sum(operations(model).values())),
        *_left_out(pruned, parameters, len(shown)),
        *rows,
        (f"parity IR - {origin.kind}", _parity_text(ours, LIMIT)),
    ]
    return Prepared(model, spec, origin.network, origin.onnx_bytes, report, reference, frames)


def convert(
    source: str | Path,
    folder: str | Path,
    *,
    storages: Sequence[str] = ("fp32", "fp16"),
    form: Form = "ir",
    options: Options | None = None,
    progress: Progress = silent,
) -> Conversion:
    """Convert a model into files of one form: all of them, or none.

    `ir` writes NAME-fp32.xml and .bin, NAME-fp16.xml and .bin, which take and give frames, and
    NAME.onnx for a PyTorch checkpoint. `planar` and `tflite` are for other programs; see
    `write_planar` and `write_tflite`. Files of these names are replaced.

    Args:
        source: as for `prepare`; or the name of a shipped model, whose checkpoint is taken.
        folder: made if it does not exist.
        storages: of `ir`, what to store the weights as: `fp32`, `fp16` or both.
        form: of the files.
        options: what the source does not say.
        progress: told of every step.

    Raises:
        ModelLoadError: as `prepare`.
        UnsupportedModelError: as `prepare`.
        ConversionError: as `prepare`, or a written model differs from its source.
        UsageError: an unknown storage, or options that make no sense.
        OSError: the folder cannot be written, or the disk is full.
    """
    chosen = _checked(storages)
    source, options = _found(Path(source), options or Options())
    folder = Path(folder)
    with staged(folder) as staging:
        prepared = prepare(source, options, progress=progress)
        report = list(prepared.report)
        spec = prepared.spec
        if form == "ir":
            spec = _write_ir(prepared, chosen, staging, report, progress)
        else:
            with stage(progress, f"writing and comparing {form}"):
                report += (write_planar if form == "planar" else write_tflite)(prepared, staging)
        names = sorted(path.name for path in staging.iterdir())
        for name in names:
            report.append((name, f"{(staging / name).stat().st_size / 1e6:.2f} MB"))
    return Conversion(spec, [folder / name for name in names], report)


def _found(source: Path, options: Options) -> tuple[Path, Options]:
    """Give the checkpoint of a shipped model for its name; of any other source itself."""
    storages = shipped_models().get(str(source))
    if storages is None or source.exists():
        return source, options
    checkpoint = next(iter(storages.values())).parent / "student.pth"
    return checkpoint, dataclasses.replace(options, name=options.name or str(source))


def _write_ir(
    prepared: Prepared,
    storages: Sequence[FloatStorage],
    staging: Path,
    report: Rows,
    progress: Progress,
) -> ModelSpec:
    """Write the IR of each storage, and give the spec of the first."""
    if prepared.onnx_bytes is not None:
        (staging / f"{prepared.spec.name}.onnx").write_bytes(prepared.onnx_bytes)
    specs = []
    for storage in storages:
        with stage(progress, f"writing and comparing {storage}"):
            specs.append(_write(prepared, storage, staging, report))
    return specs[0]


def _network_parity(
    origin: Source,
    slow: Network | None,
    body: Body,
    coding: Coding,
    geometry: Geometry,
    reference: Levels,
    frames: Sequence[Frames],
) -> tuple[dict[str, float], Rows]:
    """Compare the source with its ONNX file, as OpenVINO and as onnx itself run that."""
    parity, rows = dict[str, float](), Rows()

    def record(runner: str, network: Network, on: Sequence[Frames]) -> None:
        difference = compare_levels(levels_of(network, body, coding), reference, on)
        check(difference, f"the outputs of {runner} and {origin.kind}", LIMIT)
        parity[f"{runner.lower()}-{origin.kind}"] = difference
        label = f"parity {runner} - {origin.kind}"
        rows.append((label, f"{difference:.1e} of white (limit {LIMIT:g})"))

    if origin.network is not None:
        record("ONNX", body.network, frames)
    if slow is not None:
        try:
            record("onnx.reference", slow, tiny_frames(body, geometry))
        except (RuntimeError, ValueError, TypeError, IndexError) as error:
            rows.append((f"parity onnx.reference - {origin.kind}", f"not run: {error}"))
    return parity, rows


def _checked(storages: Sequence[str]) -> list[FloatStorage]:
    known: dict[str, FloatStorage] = {"fp32": "fp32", "fp16": "fp16"}
    unknown = [storage for storage in storages if storage not in known]
    if unknown or not storages:
        raise UsageError(
            f"cannot store weights as '{','.join(storages)}': expected fp32, fp16 or both; "
            f"for int8 convert first, then: ovsharp quantize"
        )
    return [known[storage] for storage in dict.fromkeys(storages)]


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
    report.append((f"parity {storage} file", _parity_text(parity, limit)))
    return spec


def _unwrapped(origin: Source) -> Rows:
    """Say which weights of a checkpoint were taken, where there is anything to say."""
    network = origin.network
    if network is None or not (network.unwrapped or network.left_out):
        return []
    where = f"under {'.'.join(network.unwrapped)}" if network.unwrapped else "at the top"
    names = list(dict.fromkeys(network.left_out))
    more = f", ... and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return [("weights", f"{where}; left out: {', '.join(names[:_LISTED]) or 'nothing'}{more}")]


def _left_out(pruned: Pruned, parameters: int, shown: int) -> Rows:
    """Say what went because it never gave anything."""
    if not pruned.parameters:
        return [("pruned", f"nothing: all {pruned.channels} channels are in use")] if shown else []
    left = parameters - pruned.parameters
    count = pruned.proven + pruned.unproven
    seen = f", {pruned.unproven} were 0 on all of {shown} pictures" if pruned.unproven else ""
    return [
        (
            "pruned",
            f"{count} of {pruned.channels} channels: {pruned.proven} can give nothing (proven)"
            f"{seen}; {parameters:,} -> {left:,} parameters",
        )
    ]


def _facts(
    spec: ModelSpec, origin: Source, coding: Coding, how: str, folded: Sequence[str], after: int
) -> Rows:
    if spec.size is not None:
        sizes = f"{spec.size[0]}x{spec.size[1]} only"
    elif spec.minimum == 1:
        sizes = "any size"
    else:
        sizes = f"sides that are multiples of {spec.multiple}, {spec.minimum} or more"
    margin = "the whole picture, never tiled" if spec.margin is None else f"{spec.margin} pixels"
    assumed = origin.network is None and coding.colour == "rgb"
    colour = "rgb (assumed unless given; --bgr if it is not)" if assumed else coding.colour
    normalised = f", mean {spec.mean}, std {spec.std}" if spec.mean or spec.std else ""
    base = ", and its bicubic upscale" if spec.base else ""
    return [
        ("architecture", spec.architecture),
        ("parameters", f"{spec.parameters:,}"),
        ("operations", f"{origin.operations} in {origin.form}, {after} in IR with frames"),
        ("input", f"frame{base}; {sizes}"),
        ("scale", str(spec.scale)),
        ("margin", margin),
        (
            "values",
            f"{span(coding.value_range)} -> {span(coding.output_range)}{normalised} ({how})",
        ),
        ("colour", colour),
        ("folded", "; ".join(folded) or "nothing"),
    ]


def _parity_text(parity: Parity, limit: float) -> str:
    return (
        f"{parity.difference:.1e} of white (limit {limit:g}); {parity.share:.2%} of the uint8 "
        f"values differ, by at most {parity.levels}"
    )
