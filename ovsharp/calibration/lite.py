"""TFLite in INT8: LiteRT's own quantizer, and the drop as LiteRT's own interpreter shows it."""

from __future__ import annotations

import io
import time
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from statistics import median

import numpy as np

from ovsharp.calibration.crops import Crop
from ovsharp.calibration.images import ImageSet
from ovsharp.calibration.judge import average, scores, verdict
from ovsharp.calibration.lite_weights import equalize_lite, round_lite
from ovsharp.calibration.synthetic import synthetic_frames
from ovsharp.convert import LiteModel, Rows
from ovsharp.degrade import parse
from ovsharp.engine import upscale
from ovsharp.errors import CalibrationError, UsageError
from ovsharp.extras import need
from ovsharp.files import scratch, staged
from ovsharp.media import Frame, holds_pairs
from ovsharp.progress import Progress, silent, stage
from ovsharp.quality import MAX_DROP, psnr
from ovsharp.spec import ModelSpec

SUBSET = 24
"""Whole frames, of the size of the file."""
_TURNS = 15


def quantize_lite(
    path: Path,
    spec: ModelSpec,
    data: Path,
    *,
    max_drop: float = MAX_DROP,
    seed: int = 0,
    progress: Progress = silent,
) -> tuple[Path, Rows]:
    """Write NAME-int8.tflite beside NAME.tflite: convolutions in 8 bits, floats between them.

    A fourth of the images is held apart; the drop is measured on one half of them.

    Args:
        path: that `convert --to tflite` wrote.
        spec: of the model; names its size, and the damage that it undoes.
        data: images at least of this size; see `ImageSet.from_path`.
        max_drop: largest acceptable loss of SSIM.
        seed: of the sample of images and of their damages.
        progress: told of every step.

    Returns:
        The file, and what to tell the user.

    Raises:
        UsageError: nobody says what the model undoes.
        CalibrationError: no usable images, or the limit is not held: nothing is written.
        MissingExtraError: LiteRT is not installed.
        OSError: the folder cannot be written.
    """
    need("ai_edge_quantizer", "ai_edge_litert", extra="tflite")
    recipe = None if holds_pairs(data) else parse(spec.degradation)
    if recipe is not None and not recipe.text:
        raise UsageError(
            "an INT8 file is measured on images with the damage that the model undoes: name it "
            "with --degradation, or give pairs of images"
        )
    images = ImageSet.from_path(data, recipe, spec, subset=SUBSET, seed=seed, progress=progress)
    drawn = synthetic_frames(*(spec.size or (0, 0)))
    name = f"{path.stem}-int8.tflite"
    with staged(path.parent) as staging:
        with stage(progress, "quantizing"):
            frames = [*(crop.frame for crop in images.calibration), *drawn.values()]
            (staging / name).write_bytes(_quantized(path, frames))
        with stage(progress, "measuring the drop"):
            models = LiteModel(path), LiteModel(staging / name)
            rows = _measured(*models, spec, images.validation, drawn, max_drop)
    return path.with_name(name), rows


def _measured(
    before: LiteModel,
    after: LiteModel,
    spec: ModelSpec,
    crops: Sequence[Crop],
    drawn: Mapping[str, Frame],
    max_drop: float,
) -> Rows:
    """Compare the INT8 file with the f32 file.

    Raises:
        CalibrationError: it loses too much.
    """
    given = [crop.frame for crop in crops]
    floats, small = ([_picture(model, one) for one in given] for model in (before, after))
    truths = [
        own if crop.truth is None else crop.truth for crop, own in zip(crops, floats, strict=True)
    ]
    parent = average(scores(floats, truths))
    own = average(scores([upscale(frame, spec.scale) for frame in given], truths))
    ours = verdict(
        "int8",
        average(scores(small, truths)),
        parent,
        {name: _picture(after, frame) for name, frame in drawn.items()},
        {name: _picture(before, frame) for name, frame in drawn.items()},
        spec,
    )
    if not ours.holds(max_drop):
        raise CalibrationError(f"the INT8 file: {ours.failure(max_drop)}; keep to f32")
    near = np.mean([psnr(one, other) for one, other in zip(floats, small, strict=True)])
    slow, fast = _times(before, after, given[0])
    return [
        (
            "int8 SSIM",
            f"{parent.ssim:.4f} (f32) -> {ours.quality.ssim:.4f}; the input's own {own.ssim:.4f}",
        ),
        (
            "int8 PSNR",
            f"{parent.psnr:.2f} dB (f32) -> {ours.quality.psnr:.2f} dB; {near:.0f} dB to f32",
        ),
        (
            "int8 drop",
            f"SSIM {ours.ssim_drop:+.4f} (limit {max_drop:g}) on {len(given)} images held apart; "
            f"of drawn frames {ours.extreme_frame} fares worst, off by {ours.extreme_levels} "
            f"levels (limit {ours.extreme_limit})",
        ),
        ("int8 time", f"{fast / slow:.2f} of f32, medians of {_TURNS} frames in turns"),
    ]


def _quantized(path: Path, frames: list[Frame]) -> bytes:
    from ai_edge_quantizer import quantizer
    from ai_edge_quantizer.qtyping import TFLOperationName

    with scratch(path.parent) as room:
        plain = room / path.name
        plain.write_bytes(equalize_lite(path, frames))
        work = quantizer.Quantizer(str(plain))
        # What a layer reads is brought to 8 bits by the range that it has in that frame, and what
        # it gives stays in f32. With ranges fixed before and 8 bits behind each layer, `call-codec`
        # lost .005 SSIM, two and a half times as much.
        work.add_dynamic_config(".*", TFLOperationName.CONV_2D, 8)
        with redirect_stderr(io.StringIO()), redirect_stdout(io.StringIO()):  # it prints sizes
            small = bytes(work.quantize().quantized_model)
        return round_lite(plain, small, frames)


def _picture(model: LiteModel, frame: Frame) -> Frame:
    levels = np.rint(model(frame[None])[0].clip(0, 255))
    return np.asarray(levels, np.uint8)


def _times(before: LiteModel, after: LiteModel, frame: Frame) -> tuple[float, float]:
    """Give the median seconds of both, in turns."""
    taken: tuple[list[float], list[float]] = ([], [])
    for _ in range(_TURNS):
        for model, seconds in zip((before, after), taken, strict=True):
            began = time.perf_counter()
            model(frame[None])
            seconds.append(time.perf_counter() - began)
    return median(taken[0]), median(taken[1])
