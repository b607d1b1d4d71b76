"""The call of NNCF: which parts of a network it may quantize, and how it finds their ranges."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any

import openvino as ov
import rich

from ovsharp.calibration.candidates import Candidates
from ovsharp.calibration.graph import (
    drop_idle_quantizers,
    float_operations,
    has_signed_activations,
)
from ovsharp.calibration.overflow import leave_room
from ovsharp.calibration.ranges import fit_ranges, measure_ranges, refit_ranges
from ovsharp.calibration.rounding import round_weights
from ovsharp.calibration.running import Tensors
from ovsharp.engine import pair_problem
from ovsharp.errors import CalibrationError, UsageError
from ovsharp.extras import need
from ovsharp.progress import Progress, silent, stage

PRESETS = ("performance", "mixed")
"""`mixed` quantizes signed activations asymmetrically: one bit more behind a LeakyReLU, where few
values lie below 0. On networks with plain ReLU the two are one and the same."""

DEFAULT_SUBSET = 128
"""Frames that ranges are measured on."""


def check_versions() -> None:
    """Check that NNCF is installed and fits OpenVINO, before its slow import.

    Raises:
        MissingExtraError: NNCF is not installed.
        UsageError: the two do not fit.
    """
    need("nncf", extra="quantize")
    problem = pair_problem()
    if problem is not None:
        raise UsageError(problem)


def choose_preset(model: ov.Model) -> str:
    """Give the preset of `PRESETS` that fits the activations of a network."""
    return "mixed" if has_signed_activations(model) else "performance"


def post_training(
    model: ov.Model,
    frames: Sequence[Tensors],
    fitting: Sequence[Tensors],
    *,
    preset: str,
    progress: Progress = silent,
) -> Candidates:
    """Quantize a model after training.

    Symmetric weights per channel and 8-bit activations. NNCF places the quantizers; where their
    ranges end and how weights are rounded is decided by what it does to the picture (`ranges`,
    `rounding`). What that is worth, SSIM of a residual student on noise of sigma 10, 16 images:
    .9192 in floating point; .8799 with the smallest and the largest value as ranges and weights
    rounded to the nearest step; .8894 with fitted ranges; .9152 with fitted weights, too. NNCF's
    own bias correction takes the mean of errors that depend on the picture: it is left out.

    The weights of the first layer, and of those that read signed values, get nearly 8 bits, see
    `overflow`: on processors without VNNI large products are cut (measured on the first shipped
    student with ONEDNN_MAX_CPU_ISA=AVX2: white is off by 35 levels, SSIM falls by .009 instead of
    .0016).

    Args:
        model: takes frames; left as it is.
        frames: that ranges are measured on, flat ones and gradients among them.
        fitting: fewer and smaller ones of the same kinds, which decide everything else.
        preset: one of `PRESETS`.
        progress: told of every frame.

    Returns:
        Models with quantizers, whose weights are still stored in floating point.

    Raises:
        UsageError: an unknown preset.
        CalibrationError: NNCF cannot quantize the model.
    """
    if preset not in PRESETS:
        raise UsageError(f"unknown preset '{preset}': expected {' or '.join(PRESETS)}")
    quantized = _with_quantizers(model, frames[-1], preset, progress)
    measure_ranges(quantized, frames, asymmetric=preset == "mixed", progress=progress)
    fit_ranges(quantized, model, fitting, progress=progress)
    round_weights(quantized, fitting, progress=progress)
    refit_ranges(quantized, model, fitting, progress=progress)
    return Candidates(quantized, model)


def _with_quantizers(model: ov.Model, frame: Tensors, preset: str, progress: Progress) -> ov.Model:
    """Let NNCF place quantizers. Their ranges are measured behind it: one frame will do."""
    nncf = _import_nncf()
    with stage(progress, "placing quantizers"), _quiet():
        estimators = nncf.quantization.range_estimator
        parameters = nncf.AdvancedQuantizationParameters(
            overflow_fix=nncf.OverflowFix.DISABLE,
            activations_range_estimator_params=estimators.RangeEstimatorParametersSet.MINMAX,
            disable_bias_correction=True,
            # Weights keep their quantizers, so that layers can be given back; see `compress`.
            backend_params={"compress_weights": False},
        )
        try:
            quantized: ov.Model = nncf.quantize(
                model,
                nncf.Dataset([frame]),
                preset=nncf.QuantizationPreset(preset),
                subset_size=1,
                ignored_scope=nncf.IgnoredScope(names=list(float_operations(model))),
                advanced_parameters=parameters,
            )
        except (RuntimeError, AttributeError, ValueError) as error:
            raise CalibrationError(
                f"nncf {version('nncf')} with openvino {version('openvino')} cannot quantize "
                f"this model: {error}"
            ) from error
    drop_idle_quantizers(quantized)
    leave_room(quantized)
    return quantized


def compress(model: ov.Model) -> None:
    """Store the quantized weights of a model in 8 bits, in place."""
    # What NNCF itself calls at its end; OpenVINO offers no public way.
    from openvino._offline_transformations import compress_quantize_weights_transformation

    compress_quantize_weights_transformation(model)


def _import_nncf() -> Any:
    import nncf
    import nncf.quantization.range_estimator

    return nncf


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence NNCF's progress bars, which go to rich's shared console, and its log."""
    console, logger = rich.get_console(), logging.getLogger("nncf")
    was_quiet, level = console.quiet, logger.level
    console.quiet = True
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        console.quiet = was_quiet
        logger.setLevel(level)
