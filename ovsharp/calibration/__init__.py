"""Float IR to INT8 IR: calibration images, NNCF, and the gate that the result must pass."""

from ovsharp.calibration.gate import FLAT_LIMIT, GRADIENT_LIMIT, Quality, Verdict
from ovsharp.calibration.images import Crop, ImageSet, Skipped
from ovsharp.calibration.pipeline import Quantized, quantize
from ovsharp.calibration.quantizer import DEFAULT_SUBSET, PRESETS
from ovsharp.calibration.speed import Speed, compare_speed

__all__ = [
    "DEFAULT_SUBSET",
    "FLAT_LIMIT",
    "GRADIENT_LIMIT",
    "PRESETS",
    "Crop",
    "ImageSet",
    "Quality",
    "Quantized",
    "Skipped",
    "Speed",
    "Verdict",
    "compare_speed",
    "quantize",
]
