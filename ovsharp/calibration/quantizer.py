"""The call of NNCF: which parts of a network it may quantize, and how it finds their ranges."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any

import openvino as ov
import rich

from ovsharp.calibration.graph import drop_idle_quantizers, float_ends
from ovsharp.calibration.ranges import fit_ranges
from ovsharp.calibration.rounding import round_weights
from ovsharp.calibration.running import Tensors
from ovsharp.errors import CalibrationError, UsageError
from ovsharp.extras import need
from ovsharp.progress import Progress, silent
from ovsharp.runtime import pair_problem

PRESETS = ("performance", "mixed")
"""`mixed` quantizes signed activations asymmetrically. On networks with plain ReLU the two are
one and the same (measured: equal to the bit), and with others `mixed` takes convolutions off
AMX; hence `performance` is the default."""

DEFAULT_SUBSET = 300


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


def post_training(
    model: ov.Model,
    frames: Sequence[Tensors],
    drawn: Sequence[Tensors],
    *,
    preset: str,
    float_layers: Sequence[str] = (),
    progress: Progress = silent,
) -> ov.Model:
    """Quantize a model after training.

    Symmetric weights per channel and 8-bit activations. NNCF places the quantizers; where their
    ranges end and how weights are rounded is decided by what it does to the picture (`ranges`,
    `rounding`). What that is worth, SSIM of a residual student on noise of sigma 10, 16 images:
    .9192 in floating point; .8799 with the smallest and the largest value as ranges and weights
    rounded to the nearest step; .8894 with fitted ranges; .9152 with fitted weights, too. NNCF's
    own bias correction takes the mean of errors that depend on the picture: it is left out.

    The weights of the first layer get 7 bits: on processors without VNNI 8-bit products of bright
    pixels overflow (measured on the first shipped student with ONEDNN_MAX_CPU_ISA=AVX2: white is
    off by 35 levels and SSIM falls by .009 instead of .0016).

    Args:
        model: takes frames; left as it is.
        frames: to calibrate on.
        drawn: flat frames and gradients, which count in every decision.
        preset: one of `PRESETS`.
        float_layers: names of layers that stay in floating point.
        progress: told of every frame.

    Returns:
        A model with quantizers, whose weights are still stored in floating point.

    Raises:
        UsageError: an unknown preset.
        CalibrationError: NNCF cannot quantize the model.
    """
    if preset not in PRESETS:
        raise UsageError(f"unknown preset '{preset}': expected {' or '.join(PRESETS)}")
    nncf = _import_nncf()
    estimators = nncf.quantization.range_estimator
    parameters = nncf.AdvancedQuantizationParameters(
        overflow_fix=nncf.OverflowFix.FIRST_LAYER,
        activations_range_estimator_params=estimators.RangeEstimatorParametersSet.MINMAX,
        disable_bias_correction=True,
        # Weights keep their quantizers, so that layers can be given back; see `compress`.
        backend_params={"compress_weights": False},
    )
    done = 0
    every = [*frames, *drawn]

    def feed(tensors: Tensors) -> Tensors:
        nonlocal done
        done += 1
        progress("calibrating", min(done, len(every)), len(every))
        return tensors

    try:
        with _quiet():
            quantized: ov.Model = nncf.quantize(
                model,
                nncf.Dataset(every, feed),
                preset=nncf.QuantizationPreset(preset),
                subset_size=len(every),
                ignored_scope=nncf.IgnoredScope(names=[*float_ends(model), *float_layers]),
                advanced_parameters=parameters,
            )
    except (RuntimeError, AttributeError, ValueError) as error:
        raise CalibrationError(
            f"nncf {version('nncf')} with openvino {version('openvino')} cannot quantize this "
            f"model: {error}"
        ) from error
    drop_idle_quantizers(quantized)
    fit_ranges(quantized, model, frames, drawn, progress=progress)
    round_weights(quantized, every, progress=progress)
    return quantized


def compress(model: ov.Model) -> None:
    """Store the quantized weights of a model in 8 bits, in place."""
    # What NNCF itself calls at its end; OpenVINO offers no public way.
    from openvino._offline_transformations import compress_quantize_weights_transformation

    compress_quantize_weights_transformation(model)


def _import_nncf() -> Any:
    # NNCF sends usage data unless this is set when it is first imported.
    os.environ.setdefault("NNCF_CI", "1")
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
