"""Float IR in, INT8 IR with its measured drop out - or nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import openvino as ov

from ovsharp.calibration.damage import Trial, likely, try_damages
from ovsharp.calibration.equalize import equalized
from ovsharp.calibration.gate import give_back
from ovsharp.calibration.graph import is_quantized, layers
from ovsharp.calibration.images import ImageSet
from ovsharp.calibration.judge import Judge, Quality, Verdict
from ovsharp.calibration.quantizer import (
    DEFAULT_SUBSET,
    check_versions,
    choose_preset,
    compress,
    post_training,
)
from ovsharp.calibration.shown import shown_frames
from ovsharp.degrade import Recipe, parse
from ovsharp.engine import Execution, check_device, get_core, read_ir, resolve_execution, write_ir
from ovsharp.errors import UnsupportedModelError, UsageError
from ovsharp.files import staged
from ovsharp.media import holds_pairs
from ovsharp.progress import Progress, silent, stage
from ovsharp.quality import MAX_DROP
from ovsharp.spec import ModelSpec, Quantization


@dataclass(frozen=True)
class Quantized:
    """An INT8 model that was written, and what it cost."""

    parent: ov.Model
    parent_path: Path
    parent_spec: ModelSpec
    model: ov.Model
    spec: ModelSpec
    quantization: Quantization
    """As in `spec`."""
    images: ImageSet
    before: Quality
    """Of the degraded frames themselves."""
    parent_quality: Quality
    """In f32."""
    worse: int
    """On how many images for validation the parent, by SSIM, is worse than its own input."""
    trials: tuple[Trial, ...]
    """Damages that the parent was tried on, the most gain first: where nobody says what it was
    made for, or it is worse than its input on average. Else none."""
    execution: Execution
    """That the model runs with by itself."""
    verdict: Verdict
    """With `execution`: the one that counts."""
    verdict_f32: Verdict
    """The same model with `int8+f32`."""
    files: tuple[Path, ...]
    """The .xml, its .bin and the manifest."""


def quantize(
    path: str | Path,
    data: str | Path,
    *,
    folder: str | Path | None = None,
    max_drop: float = MAX_DROP,
    subset: int = DEFAULT_SUBSET,
    preset: str | None = None,
    degrade: str | None = None,
    seed: int = 0,
    device: str = "CPU",
    progress: Progress = silent,
) -> Quantized:
    """Quantize an ovsharp IR and write NAME-int8.xml, .bin and .calibration.json.

    Nothing is written unless the drop against the parent, measured on images that were not
    calibrated on and with the precision that will run, holds the limit.

    Args:
        path: the parent's .xml, stored as FP32 or FP16.
        data: images; see `ImageSet.from_path`.
        folder: to write to; None for that of the parent.
        max_drop: largest acceptable loss of SSIM.
        subset: frames to calibrate on.
        preset: `performance` or `mixed`; None for what fits the activations.
        degrade: recipe that damages the images; None for what the model was trained to undo, or,
            where its spec does not say, what it seems made for: see `Quantized.trials`.
        seed: of the sample of images and of their damages.
        device: to measure on.
        progress: told of every step.

    Raises:
        UsageError: arguments that make no sense, a model that is INT8 already, NNCF missing or
            unfit for this OpenVINO.
        ModelLoadError: `path` cannot be read.
        UnsupportedModelError: it is no ovsharp IR, or has no layers to quantize.
        CalibrationError: no usable images, or the limit cannot be held.
        DeviceError: the device is not there.
        OSError: `folder` cannot be written.
    """
    check_versions()
    path, data = Path(path), Path(data)
    if subset < 1 or max_drop < 0 or seed < 0:
        raise UsageError(
            f"expected a subset of 1 or more, a max-drop and a seed of 0 or more, "
            f"got {subset}, {max_drop:g} and {seed}"
        )
    device = check_device(device)
    parent, parent_spec = read_ir(path, get_core())
    _check_parent(path, parent, parent_spec)
    recipe, trials = _recipe(data, degrade, parent_spec), tuple[Trial, ...]()
    if recipe is None and not holds_pairs(data):
        trials = try_damages(parent, parent_spec, data, device=device, progress=progress)
        recipe = parse(_named(trials))
    images = ImageSet.from_path(
        data,
        recipe,
        parent_spec,
        subset=subset,
        seed=seed,
        progress=progress,
    )
    preset = preset or choose_preset(parent)
    shown = shown_frames(images.calibration, parent_spec)
    candidates = post_training(
        equalized(parent, shown.frames, progress=progress),
        shown.frames,
        shown.fitting,
        preset=preset,
        progress=progress,
    )
    execution = resolve_execution(device, "int8", None)
    with stage(progress, "running the parent"):
        choosing = Judge(parent, parent_spec, images.choosing, device)
        reporting = Judge(parent, parent_spec, images.validation, device)
    if recipe is not None and not trials and reporting.parent.ssim < reporting.before.ssim:
        trials = try_damages(parent, parent_spec, data, device=device, progress=progress)
    accepted = give_back(
        candidates,
        shown.fitting,
        choosing,
        reporting,
        execution,
        max_drop=max_drop,
        progress=progress,
    )
    verdict_f32 = reporting.judge(accepted.model, Execution("f32", int8=True))
    compress(accepted.model)
    quantization = Quantization(
        calibration_sha256=images.manifest_sha256(),
        calibration_images=images.calibration_images,
        preset=preset,
        execution=accepted.execution.label,
        device=reporting.device_name,
        validation_images=len(images.validation),
        ssim_drop=accepted.verdict.ssim_drop,
        psnr_drop=accepted.verdict.psnr_drop,
        max_drop=max_drop,
        float_layers=accepted.float_layers,
        fallback=accepted.fallback,
    )
    spec = parent_spec.replace(
        storage="int8",
        precision="int8+f32" if accepted.fallback else "",
        versions={**parent_spec.versions, **_versions()},
        quantization=quantization,
    )
    return Quantized(
        parent=parent,
        parent_path=path,
        parent_spec=parent_spec,
        model=accepted.model,
        spec=spec,
        quantization=quantization,
        images=images,
        before=reporting.before,
        parent_quality=reporting.parent,
        worse=reporting.worse,
        trials=trials,
        execution=accepted.execution,
        verdict=accepted.verdict,
        verdict_f32=verdict_f32,
        files=_write(accepted.model, spec, images, Path(folder or path.parent)),
    )


def _check_parent(path: Path, parent: ov.Model, spec: ModelSpec) -> None:
    if spec.storage == "int8" or is_quantized(parent):
        raise UsageError(
            f"{path} is an INT8 model already; give the FP32 or FP16 file that it was made from"
        )
    if not layers(parent):
        raise UnsupportedModelError(
            f"{path} has no convolutions or matrix products, so there is nothing to quantize"
        )


def _recipe(data: Path, degrade: str | None, spec: ModelSpec) -> Recipe | None:
    text = degrade or (None if holds_pairs(data) else spec.degradation)
    return parse(text) if text else None


def _named(trials: Sequence[Trial]) -> str:
    """Give the damage that a model seems made for, to go on with.

    Raises:
        UsageError: none.
    """
    best = likely(trials)
    if best is None:
        tried = ", ".join(trial.text for trial in trials)
        raise UsageError(
            f"the model does not say what it was trained to undo, and none of the damages that "
            f"were tried gets better: {tried}; name its own with --degrade, or use --degrade clean "
            f"if the images are damaged already"
        )
    return best.recipe


def _versions() -> dict[str, str]:
    return {package: version(package) for package in ("nncf", "openvino")}


def _write(model: ov.Model, spec: ModelSpec, images: ImageSet, folder: Path) -> tuple[Path, ...]:
    with staged(folder) as staging:
        path = write_ir(model, spec, staging)
        manifest = path.with_suffix(".calibration.json")
        manifest.write_text(images.manifest(), encoding="utf-8")
    return tuple(
        folder / name for name in (path.name, path.with_suffix(".bin").name, manifest.name)
    )
