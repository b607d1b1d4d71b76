"""Prepares the weights of TFLite files for 8 bits, as those of an IR are prepared."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from ovsharp.calibration.equalize import factors
from ovsharp.calibration.rounding import PLACES, Grid, Inputs, nearest_outputs
from ovsharp.convert import rgb_of
from ovsharp.media import Frame

_MOST = 127.0
"""Steps of a weight, both ways."""

Values = npt.NDArray[np.float64]


def equalize_lite(path: Path, frames: Sequence[Frame]) -> bytes:
    """Give the channels between two convolutions one range; the file computes the same.

    Args:
        path: of an f32 file.
        frames: of the size of the file, that ranges are measured on.
    """
    from ai_edge_litert.schema_py_generated import ActivationFunctionType

    model = _read(path)
    layers = list(_layers(model))
    joints = []
    for layer in layers:
        behind = layer.readers()
        relu = layer.options.fusedActivationFunction == ActivationFunctionType.RELU
        if relu and behind and all(_is_layer(model, node) for node in behind):
            joints.append((layer, [_Layer(model, node) for node in behind]))
    largest: dict[bytes, Values] = {}
    for read in _runs(path, frames):
        for layer, _ in joints:
            most = read(layer.node.outputs[0]).max(axis=(0, 1))
            largest[layer.name] = np.maximum(largest.get(layer.name, most), most)
    for layer, behind in joints:
        by = factors(largest[layer.name])
        layer.write(layer.values * by[:, None, None, None])
        layer.shift((by - 1) * layer.bias)
        for one in behind:
            one.write(one.values / by)
    return _written(model)


def round_lite(plain: Path, small: bytes, frames: Sequence[Frame]) -> bytes:
    """Round the weights of an INT8 file so that its layers' outputs stay where they were.

    LiteRT's quantizer rounds each weight to the nearest step. So the head of `call-balanced` alone
    cost .03 SSIM of a picture with noise.

    Args:
        plain: the f32 file.
        small: what LiteRT's quantizer made of it.
        frames: of the size of the file, that layers are looked at with.

    Returns:
        The INT8 file with other weights and biases.
    """
    before, after = _read(plain), _read(small)
    layers = list(_layers(before))
    seen = _inputs(plain, layers, frames)
    twins = {layer.name: layer for layer in _layers(after)}
    for layer in layers:
        twin = twins[layer.name]
        if twin.step is None:
            continue  # left in f32
        flat = layer.values.reshape(len(twin.step), -1)
        grid = Grid(twin.step, np.full(flat.shape, -_MOST), np.full(flat.shape, _MOST))
        inputs = seen[layer.name]
        rounded = nearest_outputs(flat, inputs, grid)
        twin.write(rounded)
        twin.shift((flat - rounded) @ inputs.mean)
    return _written(after)


@dataclass(frozen=True)
class _Layer:
    """A convolution."""

    model: Any
    node: Any

    @property
    def _graph(self) -> Any:
        return self.model.subgraphs[0]

    @property
    def options(self) -> Any:
        """Strides, padding, activation."""
        return self.node.builtinOptions

    @property
    def name(self) -> bytes:
        """Of its output."""
        name: bytes = self._graph.tensors[self.node.outputs[0]].name
        return name

    @property
    def weights(self) -> Any:
        """Outputs x height x width x inputs."""
        return self._graph.tensors[self.node.inputs[1]]

    @property
    def step(self) -> Values | None:
        """Of the weights of each output; None of a layer in f32."""
        facts = self.weights.quantization
        return None if facts is None or facts.scale is None else np.asarray(facts.scale, np.float64)

    @property
    def values(self) -> Values:
        """Weights of a layer in f32."""
        data = self._data(self.weights).view(np.float32)
        return data.reshape(self.weights.shape).astype(np.float64)

    @property
    def bias(self) -> Values:
        """Of a layer in f32."""
        return self._data(self._bias).view(np.float32).astype(np.float64)

    def readers(self) -> list[Any]:
        """Nodes that read its output."""
        own = self.node.outputs[0]
        return [node for node in self._graph.operators if own in node.inputs]

    def write(self, values: Values) -> None:
        """Change its weights."""
        if self.step is None:
            self._put(self.weights, values.astype(np.float32))
        else:
            steps = values.reshape(len(self.step), -1) / self.step[:, None]
            self._put(self.weights, np.round(steps).astype(np.int8))

    def shift(self, change: Values) -> None:
        """Add to its bias."""
        data, facts = self._data(self._bias), self._bias.quantization
        if facts is None or facts.scale is None:
            self._put(self._bias, (data.view(np.float32) + change).astype(np.float32))
        else:
            steps = np.round(change / np.asarray(facts.scale)).astype(np.int32)
            self._put(self._bias, data.view(np.int32) + steps)

    @property
    def _bias(self) -> Any:
        return self._graph.tensors[self.node.inputs[2]]

    def _data(self, tensor: Any) -> npt.NDArray[np.uint8]:
        return np.asarray(self.model.buffers[tensor.buffer].data, np.uint8)

    def _put(self, tensor: Any, values: npt.NDArray[Any]) -> None:
        data = np.frombuffer(values.tobytes(), np.uint8)
        self.model.buffers[tensor.buffer].data = data


def _layers(model: Any) -> Iterator[_Layer]:
    for node in model.subgraphs[0].operators:
        if _is_layer(model, node):
            yield _Layer(model, node)


def _is_layer(model: Any, node: Any) -> bool:
    from ai_edge_litert.schema_py_generated import BuiltinOperator

    return bool(model.operatorCodes[node.opcodeIndex].builtinCode == BuiltinOperator.CONV_2D)


def _read(file: Path | bytes) -> Any:
    from ai_edge_quantizer.utils.tfl_flatbuffer_utils import read_model

    return read_model(file)


def _written(model: Any) -> bytes:
    from ai_edge_litert.tools import flatbuffer_utils

    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def _runs(file: Path, frames: Sequence[Frame]) -> Iterator[Callable[[int], npt.NDArray[Any]]]:
    """Run a file on each frame, and give what tells a tensor by its number: H x W x channels."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(file), experimental_preserve_all_tensors=True)
    interpreter.allocate_tensors()
    given = interpreter.get_input_details()[0]["index"]
    for frame in frames:
        interpreter.set_tensor(given, rgb_of(frame[None]))
        interpreter.invoke()
        yield lambda number: interpreter.get_tensor(int(number))[0]


def _inputs(file: Path, layers: Sequence[_Layer], frames: Sequence[Frame]) -> dict[bytes, Inputs]:
    """Look at what convolutions read at some places of each frame."""
    rng = np.random.default_rng(0)
    samples: dict[bytes, list[npt.NDArray[np.float32]]] = {layer.name: [] for layer in layers}
    for read in _runs(file, frames):
        for layer in layers:
            samples[layer.name].append(_windows(layer, read(layer.node.inputs[0]), rng))
    return {name: Inputs.of(np.concatenate(parts)) for name, parts in samples.items()}


def _windows(
    layer: _Layer, read: npt.NDArray[np.float32], rng: np.random.Generator
) -> npt.NDArray[np.float32]:
    """Give what a convolution reads at random places: samples x (rows * columns * channels)."""
    from ai_edge_litert.schema_py_generated import Padding

    options = layer.options
    height, width = layer.weights.shape[1:3]
    if options.padding == Padding.SAME:
        read = np.pad(read, ((height // 2,) * 2, (width // 2,) * 2, (0, 0)))
    windows = sliding_window_view(read, (height, width), (0, 1))
    windows = windows[:: options.strideH, :: options.strideW]
    rows, columns = windows.shape[:2]
    places = rng.integers(rows * columns, size=min(PLACES, rows * columns))
    picked = windows[places // columns, places % columns].transpose(0, 2, 3, 1)
    return np.reshape(picked, (len(places), -1))
