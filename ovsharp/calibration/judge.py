"""What an INT8 model must hold: a limit on the lost SSIM, and clean white, black and gradients."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import openvino as ov

from ovsharp.calibration.crops import Crop
from ovsharp.calibration.synthetic import GRADIENTS, drawn_frames
from ovsharp.engine import CompiledFrames, Execution, compile_frames, upscale
from ovsharp.media import Frame
from ovsharp.quality import capped_psnr, ssim
from ovsharp.spec import ModelSpec

FLAT_LIMIT = 4
"""Most levels (of 255) by which an INT8 model may change what its parent makes of a flat frame,
white and black included. Rounding alone makes 1; NNCF's defaults made 30. The rim does not count,
where padding with black stands against the colour: that is no flat area but an edge."""
GRADIENT_LIMIT = 8
"""The same for a gradient, where the steps of 8-bit activations show."""

DRAWN_SIDE = 64
"""Of the drawn frames, where no border has any influence."""


@dataclass(frozen=True)
class Quality:
    """Means over the validation images."""

    ssim: float
    psnr: float
    """dB; equal images count as 100 dB."""


@dataclass(frozen=True)
class Verdict:
    """How an INT8 model compares with its parent."""

    execution: str
    """`Execution.label` that it was measured with."""
    quality: Quality
    ssim_drop: float
    """Parent minus this model."""
    psnr_drop: float
    extreme_frame: str
    """The synthetic frame that comes nearest to its limit, or is furthest over it."""
    extreme_levels: int
    """Its largest difference from the parent, in levels of 255."""
    extreme_limit: int
    """`FLAT_LIMIT` or `GRADIENT_LIMIT`."""

    def holds(self, max_drop: float) -> bool:
        """Tell whether it keeps to both limits."""
        return self.ssim_drop <= max_drop and self.extreme_levels <= self.extreme_limit

    def failure(self, max_drop: float) -> str:
        """Say by how much it fails."""
        reasons = []
        if self.ssim_drop > max_drop:
            reasons.append(f"the SSIM drop is {self.ssim_drop:.4f}, over the limit of {max_drop:g}")
        if self.extreme_levels > self.extreme_limit:
            reasons.append(
                f"the {self.extreme_frame} frame is off by {self.extreme_levels} levels, over the "
                f"limit of {self.extreme_limit}"
            )
        return " and ".join(reasons)


class Judge:
    """Measures models against one parent on the same crops.

    Args:
        parent: the floating-point model; measured in f32.
        spec: of the parent.
        crops: for validation. Where their truth is unknown, the parent's output takes its place.
        device: that the models run on.

    Attributes:
        before: quality of the frames as they come in, enlarged bicubically if need be.
        parent: quality of the parent.
        worse: on how many crops the parent is worse than the frame as it comes in, by SSIM.
        device_name: full name of the device that ran them.
    """

    def __init__(
        self, parent: ov.Model, spec: ModelSpec, crops: Sequence[Crop], device: str
    ) -> None:
        self._spec = spec
        self._device = device
        self.device_name = device
        self._frames = [crop.frame for crop in crops]
        outputs = list(self._run(parent, self._frames, Execution("f32")))
        self._truths = [
            output if crop.truth is None else crop.truth
            for crop, output in zip(crops, outputs, strict=True)
        ]
        self._extremes = drawn_frames(spec, DRAWN_SIDE)
        self._parent = parent
        own = scores([upscale(frame, spec.scale) for frame in self._frames], self._truths)
        theirs = scores(outputs, self._truths)
        self.before, self.parent = average(own), average(theirs)
        self.worse = sum(a.ssim < b.ssim for a, b in zip(theirs, own, strict=True))

    @cached_property
    def _expected(self) -> list[Frame]:
        """What the parent makes of the extremes."""
        return list(self._run(self._parent, self._extremes.values(), Execution("f32")))

    def judge(self, model: ov.Model, execution: Execution) -> Verdict:
        """Measure a quantized model with an execution precision.

        Raises:
            InferenceError: OpenVINO cannot compile or run it.
        """
        quality = average(scores(self._run(model, self._frames, execution), self._truths))
        outputs = self._run(model, self._extremes.values(), execution)
        drawn = dict(zip(self._extremes, outputs, strict=True))
        expected = dict(zip(self._extremes, self._expected, strict=True))
        return verdict(execution.label, quality, self.parent, drawn, expected, self._spec)

    def _run(
        self, model: ov.Model, frames: Iterable[Frame], execution: Execution
    ) -> Iterable[Frame]:
        compiled: dict[tuple[int, ...], CompiledFrames] = {}
        for frame in frames:
            size = frame.shape[:2]
            if size not in compiled:
                compiled[size] = compile_frames(
                    model, self._spec, *size, device=self._device, execution=execution
                )
                self.device_name = compiled[size].settings.device_name
            request = compiled[size].create_request()
            yield np.array(request.infer(tensors(frame, self._spec))["sharp"][0])


def verdict(
    execution: str,
    quality: Quality,
    parent: Quality,
    drawn: Mapping[str, Frame],
    expected: Mapping[str, Frame],
    spec: ModelSpec,
) -> Verdict:
    """Compare what a model makes of photos and of synthetic frames with what its parent makes.

    Args:
        execution: what the model ran with.
        quality: of what it makes of the photos.
        parent: the same of its parent.
        drawn: what it makes of synthetic frames, by name.
        expected: what its parent makes of them.
        spec: of the parent.
    """
    name, levels, limit = max(
        ((name, _difference(drawn[name], expected[name], spec), _limit(name)) for name in drawn),
        key=lambda row: row[1] / row[2],
    )
    return Verdict(
        execution=execution,
        quality=quality,
        ssim_drop=parent.ssim - quality.ssim,
        psnr_drop=parent.psnr - quality.psnr,
        extreme_frame=name,
        extreme_levels=levels,
        extreme_limit=limit,
    )


def _difference(output: Frame, expected: Frame, spec: ModelSpec) -> int:
    """Largest difference where the border of the frame has no influence."""
    rim = (spec.margin or 0) * spec.scale
    if 2 * rim >= min(output.shape[:2]):
        rim = 0
    inner = np.s_[rim : output.shape[0] - rim, rim : output.shape[1] - rim]
    return int(np.abs(output[inner].astype(np.int16) - expected[inner]).max())


def tensors(frame: Frame, spec: ModelSpec) -> dict[str, Frame]:
    """Give the inputs of a model for a frame, each with a batch axis."""
    inputs = {"frame": frame[None]}
    if spec.base:
        inputs["base"] = upscale(frame, spec.scale)[None]
    return inputs


def scores(outputs: Iterable[Frame], truths: Sequence[Frame]) -> list[Quality]:
    """Score each picture beside its truth."""
    return [
        Quality(ssim=ssim(output, truth), psnr=capped_psnr(output, truth))
        for output, truth in zip(outputs, truths, strict=True)
    ]


def average(each: Sequence[Quality]) -> Quality:
    """Give the means."""
    return Quality(
        ssim=float(np.mean([one.ssim for one in each])),
        psnr=float(np.mean([one.psnr for one in each])),
    )


def _limit(name: str) -> int:
    return GRADIENT_LIMIT if name in GRADIENTS else FLAT_LIMIT
