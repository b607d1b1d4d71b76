"""The call of NNCF: which parts of a network it may quantize, and how it finds their ranges."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any

import numpy as np
import numpy.typing as npt
import openvino as ov
import rich
from openvino import opset13 as ops

from ovsharp.calibration.graph import float_ends, frame_quantizers
from ovsharp.calibration.progress import Progress, silent
from ovsharp.errors import CalibrationError, UsageError
from ovsharp.extras import need
from ovsharp.runtime import get_core, pair_problem

PRESETS = ("performance", "mixed")
"""`mixed` quantizes signed activations asymmetrically. On networks with plain ReLU the two are
one and the same (measured: equal to the bit), and with others `mixed` takes convolutions off
AMX; hence `performance` is the default."""

DEFAULT_SUBSET = 300
F32 = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}

Tensors = Mapping[str, npt.NDArray[np.uint8]]
"""What a model is fed with, by the names of its inputs."""


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
    *,
    preset: str,
    float_layers: Sequence[str] = (),
    first_layer_bits: int = 7,
    progress: Progress = silent,
) -> ov.Model:
    """Quantize a model after training.

    Symmetric weights per channel, and 8-bit activations in the range that loses least of their
    histogram. What the alternatives cost the SSIM of a residual student (24 images, "call" and
    JPEG; the histogram -.0012 on JPEG): ranges from the smallest to the largest value of all
    frames, which clip nothing and are two to three times as wide, -.0030; with NNCF's fast bias
    correction on top, -.0035: it takes the mean of errors that depend on the picture.

    The weights of the first layer get 7 bits: on processors without VNNI 8-bit products of bright
    pixels may overflow (measured on the first shipped student with ONEDNN_MAX_CPU_ISA=AVX2: white
    is off by 35 levels and SSIM falls by .009 instead of .0016).

    Args:
        model: takes frames; left as it is.
        frames: to calibrate on.
        preset: one of `PRESETS`.
        float_layers: names of layers that stay in floating point.
        first_layer_bits: 7, or 8 where it was measured that nothing overflows.
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
        overflow_fix=(
            nncf.OverflowFix.FIRST_LAYER if first_layer_bits == 7 else nncf.OverflowFix.DISABLE
        ),
        activations_range_estimator_params=estimators.RangeEstimatorParametersSet.HISTOGRAM,
        disable_bias_correction=True,
        # Weights keep their quantizers, so that layers can be given back; see `compress`.
        backend_params={"compress_weights": False},
    )
    done = 0

    def feed(tensors: Tensors) -> Tensors:
        nonlocal done
        done += 1
        progress("calibrating", min(done, len(frames)), len(frames))
        return tensors

    try:
        with _quiet():
            quantized: ov.Model = nncf.quantize(
                model,
                nncf.Dataset(frames, feed),
                preset=nncf.QuantizationPreset(preset),
                subset_size=len(frames),
                ignored_scope=nncf.IgnoredScope(names=[*float_ends(model), *float_layers]),
                advanced_parameters=parameters,
            )
    except (RuntimeError, AttributeError, ValueError) as error:
        raise CalibrationError(
            f"nncf {version('nncf')} with openvino {version('openvino')} cannot quantize this "
            f"model: {error}"
        ) from error
    _cover_all_levels(quantized, frames[0])
    return quantized


def _cover_all_levels(model: ov.Model, sample: Tensors) -> None:
    """Fit the quantizers of the frame itself to black and white: 256 levels for its 256 levels.

    The histogram ends a little below white, and every byte of the frame would be rounded again.
    """
    levels = {name: np.zeros_like(array) for name, array in sample.items()}
    for array in levels.values():
        array[:, ::2] = 255
    for quantizer in frame_quantizers(model):
        part = ov.Model([ops.result(quantizer.input_value(0))], model.get_parameters(), "part")
        copy = part.clone()
        copy.reshape({port.any_name: levels[port.any_name].shape for port in copy.inputs})
        seen = get_core().compile_model(copy, "CPU", F32)(levels)[0]
        low, high = (quantizer.input_value(port).get_node().data for port in (1, 2))
        factor = max(
            extreme / bound
            for extreme, bound in ((seen.min(), low.min()), (seen.max(), high.max()))
            if bound
        )
        for port in (1, 2, 3, 4):
            bound = quantizer.input_value(port).get_node().data * np.float32(factor)
            quantizer.input(port).replace_source_output(ops.constant(bound).output(0))


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
