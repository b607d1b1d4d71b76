"""One model on one device: IR, compiled model, requests, tiles, frames in and out. No torch."""

from ovsharp.engine.buffers import copy_frame
from ovsharp.engine.compiled import CompiledFrames, Mode, Settings, check_tuning, compile_frames
from ovsharp.engine.device import (
    MAX_ISA,
    Execution,
    check_device,
    check_process,
    execution_of,
    float_hints,
    get_core,
    resolve_execution,
    used_isa,
)
from ovsharp.engine.ir import (
    megabytes,
    operations,
    read_ir,
    read_openvino,
    read_router,
    write_ir,
    write_router,
)
from ovsharp.engine.kinds import Back, ColourOrder, Scalar, as_frame, is_frame
from ovsharp.engine.machine import (
    Device,
    devices,
    instruction_sets,
    max_isa,
    package_versions,
    pair_problem,
)
from ovsharp.engine.padding import pad
from ovsharp.engine.shelf import MEMORY, Shelf
from ovsharp.engine.tiles import Plan, stripes
from ovsharp.engine.variant import Made, Maker, Ticket, Tuning, Untouched, Variant
from ovsharp.frames import (
    MOST_UNSHARP,
    STRONGEST,
    Frame,
    blend,
    check_frame,
    check_out,
    unsharp,
    upscale,
)

__all__ = [
    "MAX_ISA",
    "MEMORY",
    "MOST_UNSHARP",
    "STRONGEST",
    "Back",
    "ColourOrder",
    "CompiledFrames",
    "Device",
    "Execution",
    "Frame",
    "Made",
    "Maker",
    "Mode",
    "Plan",
    "Scalar",
    "Settings",
    "Shelf",
    "Ticket",
    "Tuning",
    "Untouched",
    "Variant",
    "as_frame",
    "blend",
    "check_device",
    "check_frame",
    "check_out",
    "check_process",
    "check_tuning",
    "compile_frames",
    "copy_frame",
    "devices",
    "execution_of",
    "float_hints",
    "get_core",
    "instruction_sets",
    "is_frame",
    "max_isa",
    "megabytes",
    "operations",
    "package_versions",
    "pad",
    "pair_problem",
    "read_ir",
    "read_openvino",
    "read_router",
    "resolve_execution",
    "stripes",
    "unsharp",
    "upscale",
    "used_isa",
    "write_ir",
    "write_router",
]
