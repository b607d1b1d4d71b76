"""A model compiled for one frame size, with every setting explicit and read back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import openvino as ov

from ovsharp.engine.device import (
    AUTO,
    Execution,
    candidates,
    check_device,
    get_core,
    last_line,
    used_isa,
)
from ovsharp.engine.rows import split_rows
from ovsharp.errors import DeviceError, InferenceError, UnsupportedModelError, UsageError
from ovsharp.spec import ModelSpec

Mode = Literal["latency", "throughput"]

FRAME, BASE, SHARP = "frame", "base", "sharp"
"""Names of the inputs and the output of every ovsharp IR."""

_SHORT_VECTORS = "Intel AVX2"
"""How `used_isa` begins where `split_rows` is worth its while: AVX2, with VNNI or without."""

_HINT_NAMES = {ov.Type.f32: "f32", ov.Type.bf16: "bf16", ov.Type.f16: "f16"}


@dataclass(frozen=True)
class Settings:
    """What a compiled model really runs with, as OpenVINO reports it after compiling."""

    device: str
    """The device that was asked for, e.g. `AUTO`."""
    execution_devices: tuple[str, ...]
    """The devices that run it, e.g. `("CPU",)`."""
    device_name: str
    """Full name of the device that runs it, e.g. of the processor."""
    execution: str
    """`Execution.label`, e.g. `int8+bf16`."""
    mode: Mode
    streams: int
    """Inferences that run side by side."""
    requests: int
    """Frames in flight that keep the device busy."""
    threads: int | None
    """CPU threads in all; None where the device does not count them."""


@dataclass(frozen=True)
class CompiledFrames:
    """A model compiled for frames of one size. Thread-safe; the requests are not."""

    model: ov.Model
    """What was compiled: of one size, with the tail that suits the processor."""
    compiled: ov.CompiledModel
    settings: Settings
    height: int
    width: int

    @property
    def megabytes(self) -> float:
        """About how much memory it takes while it runs, rather too much than too little.

        Measured at 320x180 to 1920x1080, INT8: 1.2 times the largest layer in f32 for each request.
        Counted are the largest layer and one like it before it, and the weights.
        """
        operations = [one for one in self.model.get_ops() if one.get_type_name() != "Constant"]
        weights = sum(_bytes(one) for one in self.model.get_ops()) - sum(map(_bytes, operations))
        requests = self.settings.requests + 1
        return 1 + (2 * requests * max(map(_bytes, operations)) + weights) / 1e6

    def create_request(self) -> ov.InferRequest:
        """Give a new infer request: one inference at a time, one owner at a time."""
        return self.compiled.create_infer_request()


def check_tuning(mode: str, threads: int | None, streams: int | None) -> None:
    """Check what does not depend on the model.

    Raises:
        UsageError: an unknown mode, streams in latency mode, or a count below 1.
    """
    if mode not in ("latency", "throughput"):
        raise UsageError(f"unknown mode '{mode}'; expected latency or throughput")
    for name, count in (("threads", threads), ("streams", streams)):
        if count is not None and count < 1:
            raise UsageError(f"{name} must be 1 or more, got {count}")
    if mode == "latency" and streams not in (None, 1):
        raise UsageError("latency mode runs one stream; use mode throughput with streams")


def compile_frames(
    model: ov.Model,
    spec: ModelSpec,
    height: int,
    width: int,
    *,
    device: str = "CPU",
    execution: Execution,
    mode: Mode = "latency",
    threads: int | None = None,
    streams: int | None = None,
) -> CompiledFrames:
    """Compile a model for frames of one size.

    Static shapes: a dynamic or a bounded shape costs a factor of about 1.65 on CPU.

    Args:
        model: takes and gives frames as `ModelSpec` says; left as it is.
        spec: of the model.
        height: rows of a frame, a multiple of `spec.multiple`.
        width: columns of a frame, likewise.
        device: see `check_device`.
        execution: what it must run with.
        mode: `latency` for one inference at a time on all threads, `throughput` for several
            side by side.
        threads: CPU threads; None leaves the number to OpenVINO (performance cores). They are
            not bound to cores; see `get_core`.
        streams: inferences side by side in throughput mode; None leaves it to OpenVINO.

    Raises:
        UsageError: settings that make no sense; see `check_tuning`.
        DeviceError: the device is not there, does not take `threads`, or runs with another
            precision than asked for.
        UnsupportedModelError: the model does not take frames of that size.
        InferenceError: OpenVINO cannot compile it.
    """
    check_tuning(mode, threads, streams)
    device = check_device(device)
    static = _static_clone(model, spec, height, width)
    if device == "CPU" and execution.int8 and used_isa().startswith(_SHORT_VECTORS):
        split_rows(static)
    config = _config(device, execution, mode, threads, streams)
    try:
        compiled = get_core().compile_model(static, device, config)
    except RuntimeError as error:
        raise InferenceError(
            f"compiling {spec.name} for {width}x{height} on {device} failed: {last_line(error)}"
        ) from error
    settings = _read_back(compiled, device, execution, mode)
    return CompiledFrames(static, compiled, settings, height, width)


def _bytes(operation: ov.Node) -> int:
    """How large the results of an operation are."""
    return sum(
        int(np.prod(list(output.shape))) * int(output.element_type.size)
        for output in operation.outputs()
        if output.partial_shape.is_static
    )


def _static_clone(model: ov.Model, spec: ModelSpec, height: int, width: int) -> ov.Model:
    shapes = {FRAME: [1, height, width, 3]}
    sharp = [1, height * spec.scale, width * spec.scale, 3]
    if spec.base:
        shapes[BASE] = sharp
    clone = model.clone()
    try:
        clone.reshape(shapes)
        output = clone.output(SHARP)
    except RuntimeError as error:
        raise UnsupportedModelError(
            f"{spec.name} does not take frames of {width}x{height}: {last_line(error)}"
        ) from error
    frames = [*clone.inputs, output]
    if list(output.shape) != sharp or any(port.element_type != ov.Type.u8 for port in frames):
        raise UnsupportedModelError(
            f"{spec.name} gives {output.element_type.to_string()} {list(output.shape)} for a frame "
            f"of {width}x{height}, and its spec says u8 {sharp}; convert it again"
        )
    return clone


def _config(
    device: str, execution: Execution, mode: Mode, threads: int | None, streams: int | None
) -> dict[str, Any]:
    """Every setting, none left to a default that differs between machines."""
    wanted: dict[str, Any] = {
        "PERFORMANCE_HINT": mode.upper(),
        "EXECUTION_MODE_HINT": "PERFORMANCE",
        "INFERENCE_PRECISION_HINT": execution.hint,
        "NUM_STREAMS": 1 if mode == "latency" else streams or "AUTO",
        "INFERENCE_NUM_THREADS": threads or 0,
    }
    each = {}
    for one in candidates(device):
        supported = get_core().get_property(one, "SUPPORTED_PROPERTIES")
        if threads is not None and "INFERENCE_NUM_THREADS" not in supported:
            raise DeviceError(f"{one} does not take a number of threads; leave threads out")
        # GPU and NPU know fewer settings than the CPU, and refuse those that they do not know.
        each[one] = {key: value for key, value in wanted.items() if supported.get(key) == "RW"}
    if not device.startswith(AUTO):
        return each[device]
    return {
        "PERFORMANCE_HINT": mode.upper(),
        # AUTO would run the first frames on the CPU, in another precision than the later ones.
        "ENABLE_STARTUP_FALLBACK": False,
        "DEVICE_PROPERTIES": each,
    }


def _read_back(
    compiled: ov.CompiledModel, device: str, execution: Execution, mode: Mode
) -> Settings:
    running = tuple(one.strip("()") for one in compiled.get_property("EXECUTION_DEVICES"))
    properties: dict[str, Any]
    if device.startswith(AUTO):
        # It may list `GPU` and run `GPU.0`.
        listed = compiled.get_property("DEVICE_PROPERTIES").items()
        kind = running[0].partition(".")[0]
        properties = next((values for name, values in listed if name.startswith(kind)), {})
    else:
        names = compiled.get_property("SUPPORTED_PROPERTIES")
        wanted = ("INFERENCE_PRECISION_HINT", "NUM_STREAMS", "INFERENCE_NUM_THREADS")
        properties = {key: compiled.get_property(key) for key in wanted if key in names}
    hint = _HINT_NAMES.get(properties.get("INFERENCE_PRECISION_HINT"), "an unknown precision")
    if hint != execution.hint:
        raise DeviceError(
            f"{', '.join(running)} runs {hint} where {execution.hint} was asked for; "
            f"use another precision"
        )
    requests = int(compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS"))
    threads = properties.get("INFERENCE_NUM_THREADS")
    return Settings(
        device=device,
        execution_devices=running,
        device_name=str(get_core().get_property(running[0], "FULL_DEVICE_NAME")),
        execution=execution.label,
        mode=mode,
        streams=int(properties.get("NUM_STREAMS", 1)),
        requests=requests,
        threads=None if threads is None else int(threads),
    )
