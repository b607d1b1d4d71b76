"""`ModelSpec`: what a model is. The one thing that rooms tell each other about a model.

`convert` writes it into the IR (`rt_info`), `quantize` adds to it, everything else reads it.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from ovsharp.errors import UnsupportedModelError

Storage = Literal["fp32", "fp16", "int8"]
Colour = Literal["rgb", "bgr", "luma"]

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


@dataclass(frozen=True)
class ModelSpec:
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
    colour: Colour = "rgb"
    """What the network inside works on."""
    value_range: tuple[float, float] = (0.0, 1.0)
    """What black and white are for the network inside, before `mean` and `std`."""
    mean: tuple[float, ...] = ()
    """Subtracted per channel after the range is applied; empty for none."""
    std: tuple[float, ...] = ()
    """Divided by per channel after `mean`; empty for none."""
    base: bool = False
    """Whether the model takes the bicubic upscale as its second input."""
    storage: Storage = "fp32"
    """What the weights are stored as; says nothing about the execution precision."""
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

    def replace(self, **changes: Any) -> ModelSpec:
        """Give a copy with some fields changed."""
        return dataclasses.replace(self, **changes)

    def to_json(self) -> str:
        """Give the spec as one line of JSON."""
        return json.dumps({"schema": SCHEMA, **dataclasses.asdict(self)}, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> ModelSpec:
        """Read what `to_json` wrote.

        Raises:
            UnsupportedModelError: not such a text, written by a newer ovsharp, or values that
                make no sense.
        """
        try:
            values = json.loads(text)
            schema = values.pop("schema")
            if schema != SCHEMA:
                raise UnsupportedModelError(
                    f"the model was written with spec schema {schema} and this ovsharp reads "
                    f"{SCHEMA}; convert it again or update ovsharp"
                )
            if values["quantization"] is not None:
                quantization = values["quantization"]
                quantization["float_layers"] = tuple(quantization["float_layers"])
                values["quantization"] = Quantization(**quantization)
            for key in ("value_range", "mean", "std", "size"):
                if values[key] is not None:
                    values[key] = tuple(values[key])
            spec = cls(**values)
            sound = (
                1 <= spec.scale <= 16
                and 1 <= spec.multiple <= 1024
                and 1 <= spec.minimum <= 4096
                and (spec.margin is None or spec.margin >= 0)
                and (spec.size is None or (len(spec.size) == 2 and min(spec.size) > 0))
                and spec.colour in get_args(Colour)
                and spec.storage in get_args(Storage)
            )
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise UnsupportedModelError(
                f"the model's ovsharp spec is malformed ({error}); convert it again"
            ) from error
        if not sound:
            raise UnsupportedModelError(
                "the model's ovsharp spec has values out of their range; convert it again"
            )
        return spec
