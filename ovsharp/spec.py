"""`ModelSpec`: what a model is. The one thing that rooms tell each other about a model.

`convert` writes it into the IR (`rt_info`), `quantize` adds to it, everything else reads it.
"""

from __future__ import annotations

import dataclasses
import json
import math
from dataclasses import dataclass, field
from typing import Any, Literal

from ovsharp.errors import UnsupportedModelError
from ovsharp.records import MALFORMED, decode

Storage = Literal["fp32", "fp16", "int8"]
Colour = Literal["rgb", "bgr", "luma"]
Precision = Literal["", "int8+f32"]

SCHEMA = 1


@dataclass(frozen=True)
class Quantization:
    """How an INT8 model was made from its floating-point parent, and what that cost."""

    calibration_sha256: str
    """SHA-256 of the calibration manifest."""
    calibration_images: int
    preset: str
    execution: str
    """Execution precision that the drop was measured with, e.g. `int8+bf16`."""
    device: str
    """Name of the device that it was measured on."""
    validation_images: int
    """Images held apart from calibration that the drop was measured on."""
    ssim_drop: float
    """SSIM of the parent minus SSIM of this model against the ground truth."""
    psnr_drop: float
    """The same in dB."""
    max_drop: float
    """The limit on `ssim_drop` that was asked for."""
    float_layers: tuple[str, ...] = ()
    """Layers that were given back to floating point to hold the limit."""
    fallback: str = ""
    """What the device's best precision would have cost, where the model does not run with it."""


@dataclass(frozen=True, kw_only=True)
class Encoding:
    """How a picture is written for the network inside."""

    colour: Colour = "rgb"
    """What it works on."""
    value_range: tuple[float, float] = (0.0, 1.0)
    """What black and white are for it, before `mean` and `std`."""
    mean: tuple[float, ...] = ()
    """Subtracted per channel after the range is applied; empty for none."""
    std: tuple[float, ...] = ()
    """Divided by per channel after `mean`; empty for none."""

    def encoding(self) -> dict[str, Any]:
        """Give these four by name."""
        return {one.name: getattr(self, one.name) for one in dataclasses.fields(Encoding)}


@dataclass(frozen=True)
class ModelSpec(Encoding):
    """What a model takes, gives and comes from.

    The IR that carries a spec takes `frame`, uint8 [1, H, W, 3] BGR, and gives `sharp`, uint8
    [1, H * scale, W * scale, 3] BGR. If `base` is true it takes a second input `base`, uint8
    [1, H * scale, W * scale, 3]: the frame enlarged by OpenCV's bicubic resampler.

    Example:
        >>> spec = ModelSpec(name="demo", architecture="student", scale=1, multiple=4, margin=36)
        >>> ModelSpec.from_json(spec.to_json()) == spec
        True
    """

    name: str
    """Short name, e.g. `sharp-gla`; IR files are called NAME-STORAGE.xml."""
    architecture: str
    """A registered architecture, `file.py:Class`, or `foreign`."""
    scale: int
    """Output sides over input sides."""
    multiple: int = 1
    """Both input sides must be multiples of it; the runtime pads and crops."""
    minimum: int = 1
    """Smallest input side."""
    margin: int | None = None
    """Input pixels around a pixel that can change its output (receptive-field radius).
    None: unbounded or unknown, the model is never tiled."""
    size: tuple[int, int] | None = None
    """(height, width) of the input if the model takes one size only, else None."""
    base: bool = False
    """Whether the model takes the bicubic upscale as its second input."""
    storage: Storage = "fp32"
    """What the weights are stored as; says nothing about the execution precision."""
    precision: Precision = ""
    """The execution precision that it runs with unless another is asked for: `int8+f32` where 16
    bits around the 8 harm its picture. Empty: the best that the device has."""
    degradation: str = ""
    """The recipe that the model was trained to undo; empty if unknown."""
    parameters: int = 0
    source: str = ""
    """File name that it was converted from."""
    source_sha256: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    """Packages that made it."""
    parity: dict[str, float] = field(default_factory=dict)
    """Largest absolute differences on fixed inputs, in units of white = 1, e.g. `onnx-torch`."""
    quantization: Quantization | None = None

    @property
    def file_stem(self) -> str:
        """NAME-STORAGE, the file name of the IR without its ending."""
        return f"{self.name}-{self.storage}"

    def padded(self, height: int, width: int) -> tuple[int, int]:
        """Enlarge a frame's sides to the `multiple` and the `minimum` that the model needs.

        Example:
            >>> ModelSpec(name="demo", architecture="demo", scale=1, multiple=4).padded(101, 30)
            (104, 32)
        """

        def enlarged(side: int) -> int:
            return -(-max(side, self.minimum) // self.multiple) * self.multiple

        return enlarged(height), enlarged(width)

    def replace(self, **changes: Any) -> ModelSpec:
        """Give a copy with some fields changed."""
        return dataclasses.replace(self, **changes)

    def to_json(self) -> str:
        """Give the spec as one line of JSON.

        Raises:
            UnsupportedModelError: values out of their range, which nothing could read again.
        """
        _check(self)
        return json.dumps({"schema": SCHEMA, **dataclasses.asdict(self)}, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> ModelSpec:
        """Read what `to_json` wrote.

        Raises:
            UnsupportedModelError: not such a text, written by a newer ovsharp, or values of the
                wrong type or out of their range.
        """
        try:
            values = json.loads(text)
            schema = values.pop("schema")
            if schema == SCHEMA:
                spec: ModelSpec = decode(values, cls)
        except MALFORMED as error:
            raise UnsupportedModelError(
                f"the model's ovsharp spec is malformed ({error}); convert it again"
            ) from error
        if schema != SCHEMA:
            raise UnsupportedModelError(
                f"the model was written with spec schema {schema} and this ovsharp reads "
                f"{SCHEMA}; convert it again or update ovsharp"
            )
        _check(spec)
        return spec


@dataclass(frozen=True)
class RouterSpec:
    """What a router chooses among: models for different damages, and leaving a frame as it is.

    The IR that carries it takes `crops`, uint8 [N, crop, crop, 3] BGR, all of one frame, and gives
    `gains`, f32 [models]: by how many dB each model can be expected to bring the frame nearer to
    the truth.

    Example:
        >>> spec = RouterSpec("demo", ("demo-noise", "demo-blur"), crop=64, crops=16, least=0.1)
        >>> RouterSpec.from_json(spec.to_json()) == spec
        True
    """

    name: str
    models: tuple[str, ...]
    """Names of the models, the one for everything first; they lie beside the router."""
    crop: int
    """Side of a crop in pixels."""
    crops: int
    """How many are looked at: the square of a whole number."""
    least: float
    """A frame from which no model is expected to gain more dB than this is left as it is."""

    def to_json(self) -> str:
        """Give the spec as one line of JSON."""
        return json.dumps({"schema": SCHEMA, **dataclasses.asdict(self)}, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> RouterSpec:
        """Read what `to_json` wrote.

        Raises:
            UnsupportedModelError: not such a text, or values that make no sense.
        """
        try:
            values = json.loads(text)
            if values.pop("schema") != SCHEMA:
                raise ValueError("another schema")
            spec: RouterSpec = decode(values, cls)
            good = spec.models and 8 <= spec.crop <= 1024 and 1 <= spec.crops <= 256
            if not good or math.isqrt(spec.crops) ** 2 != spec.crops:
                raise ValueError("values out of their range")
        except MALFORMED as error:
            raise UnsupportedModelError(f"the router's spec is malformed ({error})") from error
        return spec


def _check(spec: ModelSpec) -> None:
    floats = [*spec.value_range, *spec.mean, *spec.std, *spec.parity.values()]
    if spec.quantization is not None:
        cost = spec.quantization
        floats += [cost.ssim_drop, cost.psnr_drop, cost.max_drop]
    problems = {
        # IR files are named after it.
        "name": not spec.name or spec.name.startswith(".") or bool(set(spec.name) & set("/\\\0")),
        "scale": not 1 <= spec.scale <= 16,
        "multiple": not 1 <= spec.multiple <= 1024,
        "minimum": not 1 <= spec.minimum <= 4096,
        "margin": spec.margin is not None and not 0 <= spec.margin <= 65536,
        "size": spec.size is not None and not all(1 <= side <= 65536 for side in spec.size),
        "value_range": not spec.value_range[0] < spec.value_range[1],
        "mean": len(spec.mean) not in (0, 1, 3),
        "std": len(spec.std) not in (0, 1, 3) or not all(value > 0 for value in spec.std),
        "infinite or no numbers": not all(math.isfinite(value) for value in floats),
    }
    wrong = [name for name, is_wrong in problems.items() if is_wrong]
    if wrong:
        raise UnsupportedModelError(
            f"the ovsharp spec of {spec.name!r} has values out of their range "
            f"({', '.join(wrong)}); convert the model again"
        )
