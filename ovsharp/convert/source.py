"""A model that somebody else trained: as its own framework runs it, and as OpenVINO reads it."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import openvino as ov

from ovsharp.convert.options import Options
from ovsharp.engine import get_core, operations, read_openvino
from ovsharp.errors import ModelLoadError, UnsupportedModelError, UsageError
from ovsharp.extras import need
from ovsharp.limits import NODES
from ovsharp.passes import Call, Coding, Runner
from ovsharp.version import __version__

if TYPE_CHECKING:
    import torch

    from ovsharp import models

OPENVINO_ENDINGS = (".onnx", ".pb", ".xml")
"""Endings of the model files that OpenVINO reads by itself."""


@dataclass(frozen=True)
class Source:
    """What `prepare` starts from."""

    model: ov.Model
    """As OpenVINO reads it."""
    call: Call
    """As its own framework runs it; a foreign model: as OpenVINO runs the file as it is."""
    kind: str
    """`torch` or `source`, for the names of parity figures."""
    form: str
    """`ONNX`, `IR` or `TensorFlow`: the file that OpenVINO has read."""
    operations: int
    """In that file, without constants."""
    output_index: int | None = None
    """Which output is the picture, where the model may have several."""
    reference: Call | None = None
    """Its ONNX file as onnx's own interpreter runs it: slow, and independent of OpenVINO."""
    network: models.Network | None = None
    """The PyTorch network, whose module gives the picture alone."""
    onnx_bytes: bytes | None = None

    @property
    def is_registered(self) -> bool:
        """Whether the network is one whose value range is known for a fact."""
        return self.network is not None and ":" not in self.network.architecture

    @property
    def coding(self) -> Coding | None:
        """What the network's architecture says of its pictures."""
        return None if self.network is None else Coding()

    def versions(self) -> dict[str, str]:
        """Give the packages that convert it, with their versions."""
        packages = ["openvino", *(["torch", "onnx"] if self.network is not None else [])]
        return {"ovsharp": __version__, **{package: version(package) for package in packages}}


def read_source(path: Path, options: Options) -> Source:
    """Read a PyTorch checkpoint, an ONNX file, an OpenVINO IR or a TensorFlow graph.

    Raises:
        ModelLoadError: the file is missing, damaged or no model.
        UnsupportedModelError: the model does not turn a picture into a picture.
        ConversionError: torch cannot export the network.
        MissingExtraError: a PyTorch checkpoint, and torch or onnx is not installed.
        UsageError: options that do not go with such a file.
    """
    if not path.is_file():
        raise ModelLoadError(f"there is no model file {path}")
    foreign = path.suffix.lower() in OPENVINO_ENDINGS
    return _foreign(path, options) if foreign else _torch(path, options)


def picture_network(
    path: Path, options: Options
) -> tuple[models.Network, tuple[torch.Tensor, ...]]:
    """Read a PyTorch checkpoint: its network, which gives the picture alone, and an input for it.

    Raises:
        ModelLoadError, UnsupportedModelError, UsageError: as `load_network`.
        MissingExtraError: torch or onnx is not installed.
    """
    need("torch", "onnx", "onnxscript", extra="convert")
    from ovsharp.convert.torch_to_onnx import picture_module
    from ovsharp.models import load_network

    network = load_network(
        path,
        architecture=options.architecture,
        arguments=options.arguments,
        weights=options.weights,
    )
    module, example = picture_module(
        network.module, output_index=options.output_index, size=options.size
    )
    return dataclasses.replace(network, module=module), example


def _torch(path: Path, options: Options) -> Source:
    network, example = picture_network(path, options)
    import onnx

    from ovsharp.convert.onnx_reference import reference_call
    from ovsharp.convert.torch_to_onnx import count_nodes, export_onnx, torch_network

    module = network.module
    onnx_bytes = export_onnx(module, example, dynamic=options.size is None)
    call, nodes = torch_network(module), count_nodes(onnx_bytes)
    return Source(
        model=_read_onnx(onnx_bytes),
        call=call,
        kind="torch",
        form="ONNX",
        operations=nodes,
        reference=reference_call(onnx.load_from_string(onnx_bytes)),
        network=network,
        onnx_bytes=onnx_bytes,
    )


def _read_onnx(onnx_bytes: bytes) -> ov.Model:
    """Let OpenVINO read what torch exported; it lacks some operations, and says so at length."""
    try:
        return get_core().read_model(onnx_bytes)
    except RuntimeError as error:
        parts = re.split(r"^-- .* with a message:$", str(error), flags=re.MULTILINE)[1:]
        # Behind an operation that fails others fail, for their input is not known.
        kinds = [re.search(r"'<Node\((\w+)\)", part) for part in parts]
        reasons = [part.partition("Summary:")[0].strip().splitlines()[-1] for part in parts]
        causes = [
            f"{kind[1] if kind else 'an operation'}: {reason.strip()}"
            for kind, reason in zip(kinds, reasons, strict=True)
            if "has to be known" not in reason
        ]
        reason = "; ".join(causes) or str(error).strip().splitlines()[-1]
        raise UnsupportedModelError(
            f"OpenVINO {version('openvino')} cannot run what the network computes ({reason}); "
            f"circular padding is not supported, nor are complex numbers, but for a Fourier "
            f"transform and its inverse with nothing between them: write them with other "
            f"operations"
        ) from error


def _foreign(path: Path, options: Options) -> Source:
    if options.architecture is not None or options.arguments is not None:
        raise UsageError(f"--arch is for PyTorch checkpoints: {path.name} has its own graph")
    if options.weights is not None:
        raise UsageError(f"--weights is for PyTorch checkpoints: {path.name} has its own graph")
    model = read_openvino(path, get_core())
    if model.has_rt_info(["ovsharp", "spec"]):
        raise UnsupportedModelError(f"{path} is an ovsharp IR already: use it as it is")
    count = sum(operations(model).values())
    if count > NODES.value:
        raise UnsupportedModelError(f"{path} has {count:,} operations; {NODES.advice}")
    untouched = model.clone()
    return Source(
        model=model,
        call=Runner(untouched, options.output_index or 0),
        reference=_reference(path, options) if path.suffix.lower() == ".onnx" else None,
        kind="source",
        form={".onnx": "ONNX", ".pb": "TensorFlow", ".xml": "IR"}[path.suffix.lower()],
        operations=count,
        output_index=options.output_index,
    )


def _reference(path: Path, options: Options) -> Call | None:
    if find_spec("onnx") is None:
        return None
    import onnx

    from ovsharp.convert.onnx_reference import reference_call

    return reference_call(onnx.load(path), options.output_index or 0)
