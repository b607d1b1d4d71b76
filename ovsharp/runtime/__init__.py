"""IR files to frames: devices, compiled models, requests, tiles, `Sharpener`. No torch."""

from ovsharp.runtime.call_gate import Call, Gate
from ovsharp.runtime.choice import Choice
from ovsharp.runtime.choosing import check_quality
from ovsharp.runtime.history import Switch
from ovsharp.runtime.router import Router, crops, model_files
from ovsharp.runtime.routes import VIDEO_LOOK_EVERY
from ovsharp.runtime.same import check_origin, given_files, origin
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
    "Gate",
    "Quality",
    "Router",
    "Session",
    "Sharpener",
    "Steady",
    "Switch",
    "check_origin",
    "check_quality",
    "crops",
    "find_model",
    "find_router",
    "given_files",
    "model_files",
    "origin",
    "shipped_models",
    "shipped_routers",
]
