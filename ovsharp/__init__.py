"""ovsharp: trained sharpening networks, in real time, on ordinary CPUs.

Example:
    >>> import numpy as np
    >>> from ovsharp import Sharpener
    >>> frame = np.zeros((48, 64, 3), np.uint8)
    >>> with Sharpener() as sharpener:
    ...     sharpener(frame).shape
    (48, 64, 3)
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ovsharp.errors import (
    CalibrationError,
    ConversionError,
    DeviceError,
    InferenceError,
    MediaError,
    MissingExtraError,
    ModelLoadError,
    OvsharpError,
    TrainingError,
    UnsupportedModelError,
    UsageError,
)
from ovsharp.spec import ModelSpec
from ovsharp.version import __version__

if TYPE_CHECKING:
    from ovsharp.apps import before_after
    from ovsharp.runtime import Sharpener

__all__ = [
    "CalibrationError",
    "ConversionError",
    "DeviceError",
    "InferenceError",
    "MediaError",
    "MissingExtraError",
    "ModelLoadError",
    "ModelSpec",
    "OvsharpError",
    "Sharpener",
    "TrainingError",
    "UnsupportedModelError",
    "UsageError",
    "__version__",
    "before_after",
]

# OpenVINO and NNCF send usage data when they are imported, from a process that they fork: without
# that package they take their own stand-in. Where an application imported it before, it stays.
# https://github.com/openvinotoolkit/openvino/pull/23832
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]

_ROOMS = {"Sharpener": "ovsharp.runtime", "before_after": "ovsharp.apps"}
"""Where the names stand that are imported when they are first used."""


def __getattr__(name: str) -> Any:
    # `import ovsharp` stays instant: OpenVINO alone takes half a second.
    if name not in _ROOMS:
        raise AttributeError(f"module 'ovsharp' has no attribute '{name}'")
    try:
        return getattr(import_module(_ROOMS[name]), name)
    except ImportError as error:
        from ovsharp.extras import display_library

        raise ImportError(display_library(error) or str(error)) from error
