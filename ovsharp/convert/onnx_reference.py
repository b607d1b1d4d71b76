"""Running an ONNX file by the interpreter of the onnx package: slow, and nobody else's opinion."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx.reference import ReferenceEvaluator

from ovsharp.passes import Call


def reference_call(model: onnx.ModelProto, output_index: int = 0) -> Call:
    """Give an ONNX model as a function of arrays.

    The function raises RuntimeError (NotImplementedError is one), ValueError or TypeError where
    the interpreter does not know an operation.
    """
    weights = {tensor.name for tensor in model.graph.initializer}
    inputs = [port for port in model.graph.input if port.name not in weights]

    def call(arrays: Sequence[npt.NDArray[Any]]) -> npt.NDArray[Any]:
        feeds = {
            port.name: np.ascontiguousarray(
                array, onnx.helper.tensor_dtype_to_np_dtype(port.type.tensor_type.elem_type)
            )
            for port, array in zip(inputs, arrays, strict=True)
        }
        outputs: Any = ReferenceEvaluator(model).run(None, feeds)
        return np.asarray(outputs[output_index])

    return call
