"""What this machine and this installation have: for `ovsharp devices` and for reports."""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from ovsharp.engine.device import MAX_ISA, Hint, float_hints, get_core, resolve_execution

PACKAGES = (
    "openvino",
    "numpy",
    "opencv-python",
    "scikit-image",
    "nncf",
    "torch",
    "onnx",
    "onnxscript",
    "safetensors",
    "av",
)

_INSTRUCTION_SETS = {
    "AVX2": "avx2",
    "AVX_VNNI": "avx_vnni",
    "AVX512": "avx512f",
    "AVX512_VNNI": "avx512_vnni",
    "AVX512_BF16": "avx512_bf16",
    "AVX512_FP16": "avx512_fp16",
    "AMX_INT8": "amx_int8",
    "AMX_BF16": "amx_bf16",
}
"""What decides how fast a network runs, and its name in /proc/cpuinfo."""


@dataclass(frozen=True)
class Device:
    """A device and what models run with on it by default."""

    device: str
    name: str
    float_hints: tuple[Hint, ...]
    """Floating-point types with hardware support."""
    float_execution: str
    """What a floating-point model runs with if no precision is asked for."""
    int8_execution: str
    """The same for an INT8 model."""


def devices() -> tuple[Device, ...]:
    """Describe the devices that OpenVINO finds."""
    return tuple(_describe(device) for device in get_core().available_devices)


def instruction_sets() -> dict[str, bool] | None:
    """Say which instruction sets for networks the processor has.

    Returns:
        Name -> whether it is there; None where the system does not tell (no /proc/cpuinfo).
    """
    info = Path("/proc/cpuinfo")
    if not info.is_file():
        return None
    lines = info.read_text().splitlines()
    flags = next((line.split() for line in lines if line.startswith("flags")), [])
    return {name: flag in flags for name, flag in _INSTRUCTION_SETS.items()}


def max_isa() -> str | None:
    """Give the instruction set that oneDNN is held to by the environment, None for no limit."""
    return os.environ.get(MAX_ISA) or None


def package_versions() -> dict[str, str | None]:
    """Give the versions of the packages that matter, None for those that are not installed.

    Nothing is imported.
    """
    return {package: _version(package) for package in PACKAGES}


def pair_problem() -> str | None:
    """Say what is wrong with the installed pair of OpenVINO and NNCF.

    NNCF 3.N is made for OpenVINO 2026.N, but installs beside any, and a wrong pair fails late
    with an AttributeError (https://github.com/openvinotoolkit/nncf/issues/4087).

    Returns:
        A sentence; None if nothing is known against the pair, or if NNCF is not installed.
    """
    openvino, nncf = _version("openvino"), _version("nncf")
    if openvino is None or nncf is None:
        return None
    year, minor, *_ = openvino.split(".")
    if year != "2026" or nncf.startswith(f"3.{minor}."):
        return None
    return (
        f"nncf {nncf} does not fit openvino {openvino}: nncf 3.N goes with openvino 2026.N; "
        f'install a pair with: pip install "nncf==3.{minor}.*"'
    )


def _describe(device: str) -> Device:
    return Device(
        device=device,
        name=str(get_core().get_property(device, "FULL_DEVICE_NAME")).strip(),
        float_hints=float_hints(device),
        float_execution=resolve_execution(device, "fp16", None).label,
        int8_execution=resolve_execution(device, "int8", None).label,
    )


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
