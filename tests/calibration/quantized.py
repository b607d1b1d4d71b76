"""Models that NNCF has quantized on a few photos and drawings."""

from __future__ import annotations

import numpy as np
import openvino as ov

from ovsharp.calibration import quantizer
from ovsharp.calibration.candidates import Candidates
from ovsharp.calibration.synthetic import synthetic_frames
from tests.photos import photos


def frames() -> list[dict[str, np.ndarray]]:
    return [{"frame": frame[None]} for frame in photos(2)]


def drawn() -> list[dict[str, np.ndarray]]:
    return [{"frame": frame[None]} for frame in synthetic_frames(32, 32).values()]


def candidates(model: ov.Model, **options: object) -> Candidates:
    return quantizer.post_training(
        model, [*frames(), *drawn()], [*frames(), *drawn()], preset="performance", **options
    )


def quantized(model: ov.Model, **options: object) -> ov.Model:
    return candidates(model, **options).without(())
