"""From somebody's trained network to a model that takes and gives frames, with proof of parity.

Importable without torch and onnx: only PyTorch checkpoints need them.
"""

from ovsharp.convert.options import Options
from ovsharp.convert.pipeline import FORMS, Conversion, Form, convert, prepare
from ovsharp.convert.prepared import Prepared
from ovsharp.convert.source import picture_network

__all__ = [
    "FORMS",
    "Conversion",
    "Form",
    "Options",
    "Prepared",
    "convert",
    "picture_network",
    "prepare",
]
