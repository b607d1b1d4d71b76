"""Where the time of a frame goes: by node, by kind, and against what this machine can do."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import openvino as ov

from ovsharp.benchmarks.variants import Variant
from ovsharp.engine import compile_frames, get_core, read_ir
from ovsharp.measuring import peak_gmacs, prepare_request
from ovsharp.reports import Size

CONVOLUTION, LAYOUT, CONVERSION, ELEMENTWISE, OTHER = (
    "convolution",
    "layout",
    "type conversion",
    "element-wise",
    "other",
)
_KINDS = {
    CONVOLUTION: {"Convolution", "Deconvolution", "GroupConvolution", "MatMul", "FullyConnected"},
    LAYOUT: {
        "Concatenation", "Concat", "DepthToSpace", "Gather", "Pad", "Reorder", "Reshape",
        "SpaceToDepth", "Split", "StridedSlice", "Tile", "Broadcast", "Transpose",
    },
    CONVERSION: {"Convert", "FakeQuantize"},
    ELEMENTWISE: {"Eltwise", "Math", "Subgraph", "Swish", "Round", "Clamp"},
}  # fmt: skip
"""Types of the CPU plugin's nodes, as its runtime model names them."""

_SECONDS = 0.2
"""Shortest time that warms the model up."""


@dataclass(frozen=True)
class Node:
    """One node that was executed. Nodes that the plugin has fused into it are part of it."""

    name: str
    type: str
    kind: str
    primitive: str
    """Implementation, e.g. `brgconv_avx512_I8`."""
    layout: str
    """Of the output: `acdb` is channels last."""
    precision: str
    """What it computes in."""
    shape: str
    """Of the output."""
    ms: float
    """Median over the runs."""
    gmac: float
    """10^9 multiply-accumulates; 0 for what is no convolution."""
    megabytes: float
    """10^6 bytes that it writes."""


@dataclass(frozen=True)
class Profile:
    """A model on frames of one size."""

    model: str
    device_name: str
    storage: str
    execution: str
    height: int
    width: int
    runs: int
    frame_ms: float
    """Median of a frame, measured without counters."""
    counted_ms: float
    """Median with counters: what they cost is the difference."""
    peak_gmacs: float
    """10^9 multiply-accumulates per second that a large convolution reaches here."""
    nodes: tuple[Node, ...]
    """In the order of execution."""

    @property
    def total_ms(self) -> float:
        """Sum of the nodes."""
        return sum(node.ms for node in self.nodes)

    def kinds(self) -> dict[str, float]:
        """Give the milliseconds of each kind, the largest first."""
        sums = {
            kind: sum(node.ms for node in self.nodes if node.kind == kind)
            for kind in {node.kind for node in self.nodes}
        }
        return dict(sorted(sums.items(), key=lambda item: -item[1]))

    @property
    def convolution_gmacs(self) -> float:
        """10^9 multiply-accumulates per second of all convolutions together."""
        done = [node for node in self.nodes if node.kind == CONVOLUTION]
        milliseconds = sum(node.ms for node in done)
        return 1000 * sum(node.gmac for node in done) / milliseconds if milliseconds else 0.0

    def verdict(self) -> str:
        """Say in words where the time goes."""
        kinds, total = self.kinds(), self.total_ms or 1.0
        share = kinds.pop(CONVOLUTION, 0.0) / total
        rest = ", ".join(f"{kind} {ms / total:.0%}" for kind, ms in kinds.items() if ms > 0)
        used = self.convolution_gmacs / self.peak_gmacs
        return (
            f"{share:.0%} of the time is in convolutions, at {used:.0%} of the measured peak "
            f"({self.convolution_gmacs:.0f} of {self.peak_gmacs:.0f} GMAC/s); "
            f"outside of them {1 - share:.0%}: {rest or 'nothing'}"
        )

    def to_json(self) -> str:
        """Give everything as JSON."""
        values = {**dataclasses.asdict(self), "kinds": self.kinds(), "verdict": self.verdict()}
        return json.dumps(values, indent=1) + "\n"


def profile(
    variant: Variant, size: Size, *, device: str, seconds: float = 4.0, threads: int | None = None
) -> Profile:
    """Profile one model on frames of one size.

    Runs with and without counters take turns, so that both see the same machine.

    Args:
        variant: a model with its execution precision; see `find_variants`.
        size: of the output.
        device: OpenVINO's name of it; its plugin must have performance counters.
        seconds: how long to measure.
        threads: CPU threads; None for the device's choice.

    Raises:
        UsageError, DeviceError, UnsupportedModelError, InferenceError: as `compile_frames`.
    """
    core = get_core()
    model, spec = read_ir(variant.path, core)
    height, width = size.padded(spec)
    plain = compile_frames(
        model, spec, height, width, device=device, execution=variant.execution, threads=threads
    )
    core.set_property(device, {"PERF_COUNT": True})
    try:
        counting = compile_frames(
            model, spec, height, width, device=device, execution=variant.execution, threads=threads
        )
    finally:
        core.set_property(device, {"PERF_COUNT": False})
    frame, counted = prepare_request(plain), prepare_request(counting)
    times = _turns(frame, counted, seconds)
    return Profile(
        model=spec.name,
        device_name=plain.settings.device_name,
        storage=spec.storage,
        execution=plain.settings.execution,
        height=height * spec.scale,
        width=width * spec.scale,
        runs=len(times.nodes),
        frame_ms=1000 * float(np.median(times.frame)),
        counted_ms=1000 * float(np.median(times.counted)),
        peak_gmacs=peak_gmacs(device, variant.execution, threads),
        nodes=_nodes(counting.compiled, times.nodes, _macs(counting.model)),
    )


@dataclass
class _Times:
    frame: list[float]
    counted: list[float]
    nodes: list[dict[str, float]]


def _turns(frame: ov.InferRequest, counted: ov.InferRequest, seconds: float) -> _Times:
    times = _Times([], [], [])
    start = time.perf_counter()
    while time.perf_counter() - start < _SECONDS:
        frame.infer()
        counted.infer()
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times.nodes) < 3:
        for request, record in ((frame, times.frame), (counted, times.counted)):
            start = time.perf_counter()
            request.infer()
            record.append(time.perf_counter() - start)
        times.nodes.append(
            {node.node_name: node.real_time.total_seconds() for node in counted.profiling_info}
        )
    return times


def _nodes(
    compiled: ov.CompiledModel, runs: Sequence[dict[str, float]], macs: dict[str, int]
) -> tuple[Node, ...]:
    nodes = []
    for node in compiled.get_runtime_model().get_ordered_ops():
        name = node.get_friendly_name()
        ms = 1000 * float(np.median([run.get(name, 0.0) for run in runs]))
        if ms == 0:
            continue
        facts = {key: str(value.value) for key, value in node.get_rt_info().items()}
        kind = next((kind for kind, types in _KINDS.items() if facts["layerType"] in types), OTHER)
        shape = node.get_output_shape(0)
        origins = {name, *facts["originalLayersNames"].split(",")}
        width = node.get_output_element_type(0).size
        nodes.append(
            Node(
                name=name,
                type=facts["layerType"],
                kind=kind,
                primitive=facts["primitiveType"],
                layout=facts["outputLayouts"],
                precision=facts["runtimePrecision"],
                shape="x".join(map(str, shape)),
                ms=ms,
                gmac=max(macs.get(origin, 0) for origin in origins) / 1e9,
                megabytes=float(np.prod(shape)) * width / 1e6,
            )
        )
    return tuple(nodes)


def _macs(model: ov.Model) -> dict[str, int]:
    """Multiply-accumulates of each convolution by its name in the model that was compiled."""
    found = {}
    for node in model.get_ordered_ops():
        if node.get_type_name() in ("Convolution", "GroupConvolution"):
            weights = node.input_value(1).get_shape()
            outputs = int(np.prod(node.get_output_shape(0)))
            # [outputs, inputs, rows, columns], behind the number of groups if there are several
            found[node.get_friendly_name()] = outputs * int(np.prod(weights[-3:]))
    return found
