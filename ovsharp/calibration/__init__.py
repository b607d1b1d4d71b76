"""Float IR to INT8 IR: calibration images, NNCF, and the gate that the result must pass."""

from ovsharp.calibration.gate import FLAT_LIMIT, GRADIENT_LIMIT, Quality, Verdict
from ovsharp.calibration.images import Crop, ImageSet, Skipped
from ovsharp.calibration.pipeline import Quantized, quantize

__all__ = [
    "FLAT_LIMIT",
    "GRADIENT_LIMIT",
    "Crop",
    "ImageSet",
    "Quality",
    "Quantized",
    "Skipped",
    "Verdict",
    "quantize",
]
