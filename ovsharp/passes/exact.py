"""Running a float model exactly: f32 on the CPU, whatever the machine would prefer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import openvino as ov

from ovsharp.engine import get_core

_EXACT = {
    # On a machine with AMX or AVX512_BF16, f32 has to be asked for.
    "INFERENCE_PRECISION_HINT": "f32",
    "PERFORMANCE_HINT": "LATENCY",
}


class Runner:
    """A float or frame model as a function; compiles for every new size.

    Args:
        model: with inputs of any size, or of one; not changed.
        output_index: which output it gives.
    """

    def __init__(self, model: ov.Model, output_index: int = 0) -> None:
        self._model = model
        self._output_index = output_index
        self._requests: dict[tuple[tuple[int, ...], ...], ov.InferRequest] = {}

    def __call__(self, inputs: Sequence[npt.NDArray[Any]]) -> npt.NDArray[Any]:
        """Run the model.

        Args:
            inputs: in the order of the model's inputs; converted to their types.

        Returns:
            The output, owned by the caller.

        Raises:
            RuntimeError: OpenVINO cannot compile or run the model at this size.
        """
        shapes = tuple(array.shape for array in inputs)
        if shapes not in self._requests:
            self._requests[shapes] = _compiled(self._model, shapes)
        request = self._requests[shapes]
        for index, (array, port) in enumerate(zip(inputs, self._model.inputs, strict=True)):
            values = np.ascontiguousarray(array, port.element_type.to_dtype())
            request.set_input_tensor(index, ov.Tensor(values))
        request.infer()
        return np.array(request.get_output_tensor(self._output_index).data)


def _compiled(model: ov.Model, shapes: Sequence[tuple[int, ...]]) -> ov.InferRequest:
    copy = model.clone()
    copy.reshape({index: ov.PartialShape(shape) for index, shape in enumerate(shapes)})
    return get_core().compile_model(copy, "CPU", _EXACT).create_infer_request()
