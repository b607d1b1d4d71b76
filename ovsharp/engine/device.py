"""Devices and execution precisions: what this machine has, and what a model will run with."""

from __future__ import annotations

import ctypes
import gc
import os
from dataclasses import dataclass
from functools import cache
from typing import Literal, get_args

import numpy as np
import openvino as ov
from openvino import opset13 as ops

from ovsharp.errors import DeviceError, InferenceError, UsageError
from ovsharp.spec import ModelSpec, Storage

Hint = Literal["f32", "bf16", "f16"]

AUTO = "AUTO"

MAX_ISA = "ONEDNN_MAX_CPU_ISA"
"""Environment variable that holds oneDNN's CPU kernels to an older instruction set."""
_ISA_WITHOUT_16_BITS = {
    "SSE41",
    "AVX",
    "AVX2",
    "AVX2_VNNI",
    "AVX2_VNNI_2",
    "AVX512_CORE",
    "AVX512_CORE_VNNI",
}

_CAPABILITIES: dict[str, Hint] = {"FP32": "f32", "BF16": "bf16", "FP16": "f16"}


@dataclass(frozen=True)
class Execution:
    """What a model computes in. Its storage is another matter: see `ModelSpec.storage`.

    Example:
        >>> Execution("bf16", int8=True).label
        'int8+bf16'
    """

    hint: Hint
    """Floating-point type; in an INT8 model, of the operations that are not quantized."""
    int8: bool = False
    """Whether the quantized operations of an INT8 model run in 8 bits."""

    @property
    def label(self) -> str:
        """The name that reports print: `f32`, `bf16`, `f16`, `int8+f32`, `int8+bf16`, ..."""
        return f"int8+{self.hint}" if self.int8 else self.hint


_forked = False


def _mark_fork() -> None:
    """Note in a forked child that OpenVINO's threads are not here."""
    global _forked
    _forked = True
    # Destructors would wait for these threads, or crash, when the child ends: none is called.
    for one in gc.get_objects():
        if type(one) in (ov.Core, ov.CompiledModel, ov.InferRequest):
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(one))


@cache
def _core() -> ov.Core:
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_mark_fork)
    core = ov.Core()
    # OpenVINO binds the threads of each compiled model to the first cores: two models that run at
    # once wait for each other on one core while the next is idle, and so do two processes
    # (https://github.com/openvinotoolkit/openvino/issues/18443). Here and not per model: what is
    # compiled later takes over the threads of what is gone, bound or not.
    core.set_property("CPU", {"ENABLE_CPU_PINNING": False})
    return core


def check_process() -> None:
    """Check that OpenVINO, once begun, has not been copied by a fork: it would wait for ever.

    Raises:
        InferenceError: this process was forked from one in which OpenVINO ran.
    """
    if _forked:
        raise InferenceError(
            "this process was forked from one that used OpenVINO, whose threads are not here: "
            "start processes with multiprocessing's 'spawn' or 'forkserver' (DataLoader: "
            "multiprocessing_context='spawn'), or make the first Sharpener in the child"
        )


def get_core() -> ov.Core:
    """Give the one OpenVINO core of this process. It leaves the CPU's threads to the system.

    Raises:
        InferenceError: as `check_process`.
    """
    check_process()
    return _core()


def last_line(error: Exception) -> str:
    """Give the last line of an OpenVINO message: the reason, without the C++ trace above it."""
    lines = str(error).strip().splitlines()
    return lines[-1].strip() if lines else "OpenVINO gave no reason"


def check_device(device: str) -> str:
    """Check that a device is there.

    Args:
        device: `CPU`, `GPU`, `GPU.1`, `NPU`, `AUTO` or `AUTO:GPU,CPU`, in any case.

    Returns:
        The name as OpenVINO spells it.

    Raises:
        DeviceError: it is not there; the message lists what is.

    Example:
        >>> check_device("cpu")
        'CPU'
    """
    name = device.strip().upper()
    available = get_core().available_devices
    proxy, _, listed = name.partition(":")
    wanted = listed.split(",") if listed and proxy == AUTO else [name]
    missing = [one for one in wanted if one != AUTO and not _is_there(one, available)]
    if missing:
        raise DeviceError(
            f"there is no device {' or '.join(repr(one) for one in missing)} on this machine; "
            f"there is: {', '.join([*available, AUTO])}"
        )
    return name


def candidates(device: str) -> tuple[str, ...]:
    """Give the devices that may run a model: one, or with AUTO those that it chooses from.

    Raises:
        DeviceError: see `check_device`.
    """
    name = check_device(device)
    if not name.startswith(AUTO):
        return (name,)
    if ":" in name:
        return tuple(name.partition(":")[2].split(","))
    # AUTO leaves the NPU out unless it is asked for by name.
    return tuple(one for one in get_core().available_devices if not one.startswith("NPU"))


def float_hints(device: str) -> tuple[Hint, ...]:
    """Give the floating-point types that a device computes in with hardware support.

    With AUTO, those that every device it may choose has. The CPU accepts other hints too and
    runs something else in silence; they are left out.

    Raises:
        DeviceError: the device is not there.

    Example:
        >>> "f32" in float_hints("CPU")
        True
    """
    common = set.intersection(*(_native(one) for one in candidates(device)))
    return tuple(hint for hint in _CAPABILITIES.values() if hint in common)


def resolve_execution(device: str, storage: Storage, precision: str | None) -> Execution:
    """Decide what a model of a storage runs with on a device.

    Args:
        device: see `check_device`.
        storage: of the model.
        precision: `f32`, `bf16` or `f16` for a floating-point model; `int8`, `int8+f32`,
            `int8+bf16` or `int8+f16` for an INT8 model. None, and what `int8` leaves open:
            16 bits where the hardware has them, else f32.

    Raises:
        UsageError: an unknown precision, or one that does not fit the storage.
        DeviceError: the device is not there, or has no such precision.
    """
    hints = float_hints(device)
    if not hints:
        raise DeviceError(f"the device {device} states no floating-point precision; use CPU")
    int8 = storage == "int8"
    if precision is None or (int8 and precision == "int8"):
        return Execution(hints[1] if len(hints) > 1 else hints[0], int8)
    hint = _parse_hint(precision)
    if precision.startswith("int8") and not int8:
        raise UsageError(
            f"precision {precision} needs an INT8 model and this one is stored as {storage}; "
            f"quantize it with 'ovsharp quantize', or use precision {' or '.join(hints)}"
        )
    if int8 and not precision.startswith("int8"):
        raise UsageError(
            f"precision {precision} needs a floating-point model and this one is stored as int8; "
            f"use its FP16 file, or precision {' or '.join(f'int8+{one}' for one in hints)}"
        )
    if hint not in hints:
        raise DeviceError(
            f"{device} has no hardware support for {hint}; use {' or '.join(hints)} "
            f"(precision None takes the best)"
        )
    return Execution(hint, int8)


def execution_of(spec: ModelSpec, device: str, precision: str | None = None) -> Execution:
    """Decide what a model runs with: what is asked for, else what its spec asks for.

    Args:
        spec: of the model.
        device: see `check_device`.
        precision: as for `resolve_execution`; None, and `int8` of an INT8 model, leave it open.

    Raises:
        UsageError, DeviceError: as `resolve_execution`.

    Example:
        >>> spec = ModelSpec("demo", "demo", 1, storage="int8", precision="int8+f32")
        >>> execution_of(spec, "CPU").label
        'int8+f32'
    """
    is_open = precision is None or precision == spec.storage == "int8"
    return resolve_execution(device, spec.storage, spec.precision or None if is_open else precision)


@cache
def used_isa() -> str:
    """Give the instruction set that the CPU plugin uses, in its words; it knows of limits.

    Empty where this OpenVINO does not tell.
    """
    image = ops.parameter([1, 3, 8, 8], np.float32)
    tiny = ov.Model([ops.relu(image)], [image], "tiny")
    hint = {"INFERENCE_PRECISION_HINT": "f32"}
    compiled = get_core().compile_model(tiny, "CPU", hint)
    if "RUNTIME_REQUIREMENTS" not in compiled.get_property("SUPPORTED_PROPERTIES"):
        return ""
    facts = str(compiled.get_property("RUNTIME_REQUIREMENTS")).split(";")
    return next((fact.removeprefix("isa=") for fact in facts if fact.startswith("isa=")), "")


def _native(device: str) -> set[Hint]:
    capabilities = get_core().get_property(device, "OPTIMIZATION_CAPABILITIES")
    hints = {hint for name, hint in _CAPABILITIES.items() if name in capabilities}
    # The plugin lists what the processor has; oneDNN, held to an older instruction set, then
    # fails to compile 16-bit models ("object is not initialized", measured on 2026.4.1).
    if device == "CPU" and os.environ.get(MAX_ISA, "").upper() in _ISA_WITHOUT_16_BITS:
        hints &= {"f32"}
    return hints


def _parse_hint(precision: str) -> Hint:
    for hint in get_args(Hint):
        if precision in (hint, f"int8+{hint}"):
            known: Hint = hint
            return known
    if precision == "int8":
        return "f32"
    raise UsageError(
        f"unknown precision '{precision}'; expected f32, bf16, f16, int8, int8+f32, int8+bf16 "
        f"or int8+f16"
    )


def _is_there(device: str, available: list[str]) -> bool:
    return any(one == device or one.startswith(f"{device}.") for one in available)
