"""From a model file to frames in and frames out, in memory (`prepare`) or in files (`convert`)."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from ovsharp.convert.form_ir import check_storages, write_frames
from ovsharp.convert.form_planar import write_planar
from ovsharp.convert.form_router import write_choice
from ovsharp.convert.form_tflite import write_tflite
from ovsharp.convert.options import Options
from ovsharp.convert.parity import (
    LIMIT,
    Levels,
    check,
    compare,
    compare_levels,
    levels_of,
)
from ovsharp.convert.pictures import check_frames, pictures, tiny_frames
from ovsharp.convert.prepared import Prepared, Rows
from ovsharp.convert.probe import probe_geometry
from ovsharp.convert.ranges import find_coding
from ovsharp.convert.report import facts_of, parity_text, pruned_of, weights_of
from ovsharp.convert.settle import find_body
from ovsharp.convert.source import Source, read_source
from ovsharp.engine import get_core, operations, read_ir, read_router
from ovsharp.errors import UsageError
from ovsharp.files import sha256, staged
from ovsharp.passes import (
    Body,
    Coding,
    Frames,
    Network,
    count_parameters,
    prune,
    with_frames,
)
from ovsharp.progress import Progress, silent, stage
from ovsharp.runtime import shipped_models, shipped_routers
from ovsharp.spec import ModelSpec

Form = Literal["ir", "planar", "tflite"]
"""Of files: our own, which takes frames; RGB planes for other programs; LiteRT's."""
_FOR_OTHERS: Mapping[Form, Callable[[Prepared, Path], Rows]] = MappingProxyType(
    {"planar": write_planar, "tflite": write_tflite}
)


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
        frames, few = check_frames(body, geometry), tiny_frames(body, geometry)
        reference = levels_of(run, body, coding)
        slow = origin.reference and adapted(origin.reference)
        parity, rows = _network_parity(origin, slow, body, coding, reference, frames, few)
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
        **dataclasses.asdict(geometry),
        size=body.size,
        **coding.encoding(),
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
        *weights_of(origin),
        *facts_of(spec, origin, coding, how, folded, sum(operations(model).values())),
        *pruned_of(pruned, parameters, len(shown)),
        *rows,
        (f"parity IR - {origin.kind}", parity_text(ours, LIMIT)),
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
        source: as for `prepare`; or the name of a shipped model, whose checkpoint is taken; or
            that of a shipped router: all its models and itself, as `planar` only.
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
    chosen = check_storages(storages)
    folder = Path(folder)
    router = shipped_routers().get(str(source))
    if router is not None and not Path(source).exists():
        return _convert_router(router, folder, form, options or Options(), progress)
    source, options = _found(Path(source), options or Options())
    with staged(folder) as staging:
        prepared = prepare(source, options, progress=progress)
        report = list(prepared.report)
        spec = prepared.spec
        if form == "ir":
            spec = write_frames(prepared, chosen, staging, report, progress)
        else:
            with stage(progress, f"writing and comparing {form}"):
                report += _FOR_OTHERS[form](prepared, staging)
        names = sorted(path.name for path in staging.iterdir())
        for name in names:
            report.append((name, f"{(staging / name).stat().st_size / 1e6:.2f} MB"))
    return Conversion(spec, [folder / name for name in names], report)


def _convert_router(
    router: Path, folder: Path, form: Form, options: Options, progress: Progress
) -> Conversion:
    """Convert all models of a router, and what chooses among them."""
    name, models = router.stem, read_router(router, get_core())[1].models
    if form != "planar" or options != Options():
        raise UsageError(
            f"'{name}' chooses among {', '.join(models)}: name one of them, or write them all, and "
            f"what chooses, with --to planar and no other option"
        )
    with staged(folder) as staging:
        parts = [convert(model, staging, form=form, progress=progress) for model in models]
        report = [
            (f"parity {part.spec.name}", value)
            for part in parts
            for label, value in part.report
            if label == "parity onnx file"
        ]
        with stage(progress, "writing and comparing the router"):
            report += write_choice(router, staging, [part.spec for part in parts])
        files = sorted(staging.iterdir())
        size = sum(file.stat().st_size for file in files) / 1e6
        report.append(("files", f"{len(files)}, {size:.2f} MB; {name}.json names them"))
    return Conversion(parts[0].spec, [folder / file.name for file in files], report)


def _found(source: Path, options: Options) -> tuple[Path, Options]:
    """Give the checkpoint of a shipped model for its name; of any other source itself."""
    storages = shipped_models().get(str(source))
    if storages is None or source.exists():
        return source, options
    path = next(iter(storages.values()))
    return path.with_name("student.pth"), dataclasses.replace(
        options,
        name=options.name or str(source),
        degradation=options.degradation or read_ir(path, get_core())[1].degradation,
    )


def _network_parity(
    origin: Source,
    slow: Network | None,
    body: Body,
    coding: Coding,
    reference: Levels,
    frames: Sequence[Frames],
    few: Sequence[Frames],
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
            record("onnx.reference", slow, few)
        except (RuntimeError, ValueError, TypeError, IndexError) as error:
            rows.append((f"parity onnx.reference - {origin.kind}", f"not run: {error}"))
    return parity, rows
