"""PyTorch -> ONNX: one checked file, any height and width.

The exporter is torch's own, through `torch.export`. It keeps a pixel shuffle one DepthToSpace
(OpenVINO's PyTorch reader makes Reshape, Transpose, Reshape of it), and refuses a network whose
code branches on values, where the older tracing exporter bakes in the branch that it saw.
"""

from __future__ import annotations

import inspect
import io
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr
from typing import Any

import numpy as np
import onnx
import torch
from torch import nn

from ovsharp.convert.options import chosen_output
from ovsharp.errors import ConversionError, UnsupportedModelError
from ovsharp.passes import MAX_SCALE, TRIAL_SIZES, Network, Values

OPSET = 18

Pictures = tuple[torch.Tensor, ...]
"""One picture, or a picture and its base."""


class Picture(nn.Module):
    """One tensor of what a module gives."""

    def __init__(self, module: nn.Module, index: int) -> None:
        super().__init__()
        self.module = module
        self.index = index

    def forward(self, *pictures: torch.Tensor) -> torch.Tensor:
        """Give the one tensor."""
        return _tensors(self.module(*pictures))[self.index][1]


def picture_module(
    module: nn.Module, *, output_index: int | None, size: tuple[int, int] | None
) -> tuple[nn.Module, Pictures]:
    """Give a module that gives one picture, and inputs that it runs on.

    Args:
        module: in evaluation mode; takes a picture, or a picture and its enlargement `base`.
        output_index: which of its outputs is the picture.
        size: (height, width) of the input; any that works if None.

    Raises:
        UnsupportedModelError: it takes other inputs, has several outputs without an index, or runs
            on no colour or grey picture of any size tried.
        UsageError: an output index that it does not have.
    """
    example, outputs = _first_run(module, size, base=_takes_base(module))
    listed = [f"{name or 'output'} {tuple(tensor.shape)}" for name, tensor in outputs]
    chosen = chosen_output(output_index, listed, "the network gives", "tensors")
    return Picture(module, chosen).eval(), example


def export_onnx(module: nn.Module, example: Pictures, *, dynamic: bool) -> bytes:
    """Give a module as one ONNX file.

    Args:
        module: from `picture_module`, as is the example.
        example: its inputs, N x C x H x W each.
        dynamic: whether H and W are left open.

    Raises:
        ConversionError: torch cannot export the module, or ONNX's checker refuses the result.
    """
    hint = "; if the network runs at one size only, name it with --size HxW" if dynamic else ""
    open_sides = {2: torch.export.Dim.DYNAMIC, 3: torch.export.Dim.DYNAMIC}
    # One parameter, `*pictures`, that stands for all of them.
    shapes = ((open_sides,) * len(example),) if dynamic else None
    return exported(module, example, ("frame", "base"), "sharp", shapes=shapes, hint=hint)


def exported(
    module: nn.Module,
    example: Pictures,
    inputs: Sequence[str],
    output: str,
    *,
    shapes: tuple[object, ...] | None,
    hint: str = "",
) -> bytes:
    """Give any module as one ONNX file.

    Args:
        module: in evaluation mode; gives one tensor.
        example: its inputs.
        inputs: their names.
        output: that of what it gives.
        shapes: for each parameter of `forward` the axes whose length is left open, as
            `torch.export` takes them; None for none.
        hint: what a user may do where it fails.

    Raises:
        ConversionError: as `export_onnx`.
    """
    try:
        with _quiet():
            program = torch.onnx.export(
                module,
                example,
                input_names=list(inputs[: len(example)]),
                output_names=[output],
                opset_version=OPSET,
                dynamic_shapes=shapes,
                dynamo=True,
                verbose=False,
            )
        if program is None:
            raise ConversionError("torch gave no ONNX program")
        onnx_bytes: bytes = program.model_proto.SerializeToString()
        onnx.checker.check_model(onnx_bytes, full_check=True)
    except (
        torch.onnx.errors.OnnxExporterError,
        onnx.checker.ValidationError,
        onnx.shape_inference.InferenceError,
    ) as error:
        reason = str(error.__cause__ or error).strip().splitlines()[0]
        raise ConversionError(f"torch cannot export the network to ONNX: {reason}{hint}") from error
    return onnx_bytes


def torch_network(module: nn.Module) -> Network:
    """Give a module as a function of arrays."""

    def run(inputs: Sequence[Values]) -> Values:
        with torch.inference_mode():
            result: Values = module(*map(torch.from_numpy, inputs)).numpy()
        return result

    return run


def count_nodes(onnx_bytes: bytes) -> int:
    """Count the operations of an ONNX file, without constants."""
    nodes = onnx.load_from_string(onnx_bytes).graph.node
    return sum(node.op_type != "Constant" for node in nodes)


def _takes_base(module: nn.Module) -> bool:
    """Whether `forward` has a second parameter `base`, for the enlarged picture."""
    parameters = inspect.signature(module.forward).parameters.values()
    needed = [
        parameter.name
        for parameter in parameters
        if parameter.default is parameter.empty
        and parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
    ]
    if len(needed) > 1 and needed[1:] != ["base"]:
        raise UnsupportedModelError(
            f"the network's forward() needs {len(needed)} inputs ({', '.join(needed)}) and ovsharp "
            f"gives it one picture, and its bicubic upscale if the second input is called 'base'; "
            f"wrap it in a class whose forward() takes these, and pass that with --arch "
            f"file.py:Class"
        )
    return len(needed) == 2


def _first_run(
    module: nn.Module, size: tuple[int, int] | None, *, base: bool
) -> tuple[Pictures, list[tuple[str, torch.Tensor]]]:
    """Run the module on noise: in colour, else in grey; at the first size that works."""
    reasons = []
    for channels in (3, 1):
        for height, width in [size] if size else TRIAL_SIZES:
            for scale in range(2, MAX_SCALE + 1) if base else (None,):
                example = _noise(channels, height, width, scale)
                try:
                    outputs = _tensors(answer := _run_once(module, example))
                except UnsupportedModelError as error:
                    reasons.append(str(error))
                    continue
                if outputs:
                    return example, outputs
                reasons.append(f"its answer is no tensor but {type(answer).__name__}")
    raise UnsupportedModelError(
        f"the network runs on no picture of 3 or 1 channels that was tried: {reasons[0]}; "
        f"if it takes one size only, name it with --size HxW"
    )


def _noise(channels: int, height: int, width: int, base_scale: int | None) -> Pictures:
    random = np.random.default_rng(0)
    scales = [1] if base_scale is None else [1, base_scale]
    return tuple(
        torch.from_numpy(random.random((1, channels, height * scale, width * scale), np.float32))
        for scale in scales
    )


def _run_once(module: nn.Module, example: Pictures) -> Any:
    try:
        with torch.inference_mode():
            # Copies: what is made in inference mode cannot be exported.
            return module(*(picture.clone() for picture in example))
    except (Exception, SystemExit) as error:  # its forward() is code of the user
        reason = (str(error).splitlines() or ["no reason given"])[0]
        raise UnsupportedModelError(f"{type(error).__name__}: {reason}") from error


def _tensors(answer: Any, name: str = "") -> list[tuple[str, torch.Tensor]]:
    """List the tensors in nested tuples, lists and dictionaries, with a name each."""
    if isinstance(answer, torch.Tensor):
        return [(name, answer)]
    if isinstance(answer, Mapping):
        pairs = [(f"{name}.{key}".strip("."), value) for key, value in answer.items()]
    elif isinstance(answer, (tuple, list)):
        pairs = [(f"{name}[{number}]", value) for number, value in enumerate(answer)]
    else:
        return []
    return [found for key, value in pairs for found in _tensors(value, key)]


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what the exporter says about itself (torchvision is absent, ...) off the screen.

    Of a network that it cannot export it prints the whole graph, beside the error that it raises.
    """
    before = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        with warnings.catch_warnings(), redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
