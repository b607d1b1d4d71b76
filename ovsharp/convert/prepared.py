"""`Prepared`: what every form of file is written from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import openvino as ov

from ovsharp.convert.parity import Levels
from ovsharp.passes import Frames
from ovsharp.spec import ModelSpec

if TYPE_CHECKING:
    from ovsharp import models

Rows = list[tuple[str, str]]
"""What to tell the user: label and value."""


@dataclass(frozen=True)
class Prepared:
    """A model in memory that takes and gives frames."""

    model: ov.Model
    """uint8 frames in and out, f32 weights, any size unless `spec.size` is set."""
    spec: ModelSpec
    network: models.Network | None
    """The PyTorch network that it was made from, if it was; its module gives the picture alone."""
    onnx_bytes: bytes | None
    """The ONNX file that PyTorch gave, if it did."""
    report: Rows
    reference: Levels
    """The source as a function of frames."""
    frames: list[Frames]
    """What it was compared on."""
