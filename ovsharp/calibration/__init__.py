"""Float IR to INT8 IR: calibration images, NNCF, and the gate that the result must pass."""

from ovsharp.calibration.crops import Crop
from ovsharp.calibration.damage import Trial, likely, try_damages
from ovsharp.calibration.gate import LimitError, Trade
from ovsharp.calibration.images import ImageSet
from ovsharp.calibration.judge import FLAT_LIMIT, GRADIENT_LIMIT, Quality, Verdict
from ovsharp.calibration.lite import quantize_lite
from ovsharp.calibration.pipeline import Quantized, quantize

__all__ = [
    "FLAT_LIMIT",
    "GRADIENT_LIMIT",
    "Crop",
    "ImageSet",
    "LimitError",
    "Quality",
    "Quantized",
    "Trade",
    "Trial",
    "Verdict",
    "likely",
    "quantize",
    "quantize_lite",
    "try_damages",
]
