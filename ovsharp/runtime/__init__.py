"""IR files to frames: devices, compiled models, requests, tiles, `Sharpener`. No torch."""

from ovsharp.runtime.auto import Choice, Switch
from ovsharp.runtime.compiled import CompiledFrames, Mode, Settings, compile_frames
from ovsharp.runtime.device import (
    Execution,
    check_device,
    float_hints,
    get_core,
    resolve_execution,
)
from ovsharp.runtime.frames import Frame, check_frame, pad, upscale
from ovsharp.runtime.ir import megabytes, operations, read_ir, read_openvino, write_ir
from ovsharp.runtime.machine import (
    Device,
    devices,
    instruction_sets,
    max_isa,
    package_versions,
    pair_problem,
    used_isa,
)
from ovsharp.runtime.sharpener import Sharpener
from ovsharp.runtime.shipped import DEFAULT_MODEL, find_model, shipped_models

__all__ = [
    "DEFAULT_MODEL",
    "Choice",
    "CompiledFrames",
    "Device",
    "Execution",
    "Frame",
    "Mode",
    "Settings",
    "Sharpener",
    "Switch",
    "check_device",
    "check_frame",
    "compile_frames",
    "devices",
    "find_model",
    "float_hints",
    "get_core",
    "instruction_sets",
    "max_isa",
    "megabytes",
    "operations",
    "package_versions",
    "pad",
    "pair_problem",
    "read_ir",
    "read_openvino",
    "resolve_execution",
    "shipped_models",
    "upscale",
    "used_isa",
    "write_ir",
]
