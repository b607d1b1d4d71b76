"""From somebody's trained network to a model that takes and gives frames, with proof of parity.

Importable without torch and onnx: only PyTorch checkpoints need them.
"""

from ovsharp.convert.form_tflite import LiteModel, rgb_of
from ovsharp.convert.options import Options
from ovsharp.convert.pipeline import Conversion, Form, convert, prepare
from ovsharp.convert.prepared import Prepared, Rows
from ovsharp.convert.source import picture_network

__all__ = [
    "Conversion",
    "Form",
    "LiteModel",
    "Options",
    "Prepared",
    "Rows",
    "convert",
    "picture_network",
    "prepare",
    "rgb_of",
]
