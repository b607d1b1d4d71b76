"""IR files to frames: devices, compiled models, requests, tiles, `Sharpener`. No torch."""

from ovsharp.runtime.call_gate import Call, Gate
from ovsharp.runtime.choice import Choice
from ovsharp.runtime.compiled import CompiledFrames, Mode, Settings, compile_frames
from ovsharp.runtime.device import (
    Execution,
    check_device,
    execution_of,
    float_hints,
    get_core,
    resolve_execution,
    used_isa,
)
from ovsharp.runtime.frames import Frame, check_frame, pad, upscale
from ovsharp.runtime.history import Switch
from ovsharp.runtime.ir import (
    megabytes,
    operations,
    read_ir,
    read_openvino,
    read_router,
    write_ir,
    write_router,
)
from ovsharp.runtime.kinds import ColourOrder, as_frame
from ovsharp.runtime.machine import (
    Device,
    devices,
    instruction_sets,
    max_isa,
    package_versions,
    pair_problem,
)
from ovsharp.runtime.router import Router, crops, model_files
from ovsharp.runtime.routes import VIDEO_LOOK_EVERY
from ovsharp.runtime.same import check_origin, origin
from ovsharp.runtime.session import Session
from ovsharp.runtime.sharpener import Sharpener
from ovsharp.runtime.shipped import (
    DEFAULT_MODEL,
    DEFAULT_ROUTER,
    find_model,
    find_router,
    shipped_models,
    shipped_routers,
)
from ovsharp.runtime.sizes import QUALITIES, Quality
from ovsharp.runtime.steady import Steady

__all__ = [
    "DEFAULT_MODEL",
    "DEFAULT_ROUTER",
    "QUALITIES",
    "VIDEO_LOOK_EVERY",
    "Call",
    "Choice",
    "ColourOrder",
    "CompiledFrames",
    "Device",
    "Execution",
    "Frame",
    "Gate",
    "Mode",
    "Quality",
    "Router",
    "Session",
    "Settings",
    "Sharpener",
    "Steady",
    "Switch",
    "as_frame",
    "check_device",
    "check_frame",
    "check_origin",
    "compile_frames",
    "crops",
    "devices",
    "execution_of",
    "find_model",
    "find_router",
    "float_hints",
    "get_core",
    "instruction_sets",
    "max_isa",
    "megabytes",
    "model_files",
    "operations",
    "origin",
    "package_versions",
    "pad",
    "pair_problem",
    "read_ir",
    "read_openvino",
    "read_router",
    "resolve_execution",
    "shipped_models",
    "shipped_routers",
    "upscale",
    "used_isa",
    "write_ir",
    "write_router",
]
