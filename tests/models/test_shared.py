"""Checkpoints that others trained, where there are some: set OVSHARP_SHARED to their folder."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import openvino as ov
import pytest
import torch

from ovsharp.engine.ir import read_openvino
from ovsharp.errors import UnsupportedModelError
from ovsharp.models import ARCHITECTURES, load_network


@pytest.fixture
def checkpoints() -> Path:
    folder = os.environ.get("OVSHARP_SHARED")
    if not folder:
        pytest.skip("OVSHARP_SHARED is not set")
    return Path(folder) / "checkpoints"


@pytest.mark.parametrize(
    ("file", "name", "parameters"),
    [
        ("gla_student.pth", "gla", 334_147),
        ("visionarv_student.pth", "visionarv", 112_593),
        ("visionarv_teacher.pth", "visionarv-teacher", 41_187),
    ],
)
def test_recognised(file: str, name: str, parameters: int, checkpoints: Path) -> None:
    network = load_network(checkpoints / file)

    assert (network.architecture, network.parameters) == (name, parameters)


@pytest.mark.parametrize(
    ("file", "parts"),
    [
        ("plain64_direct.pth", ("f(x)", "x - f(x)", "--arch plain-residual")),
        ("plain64_residual.pth", ("f(x)", "x - f(x)", "--arch plain-residual")),
        ("training_state.pth", ("  enc1.depthwise.weight  3x1x3x3", "and 4 more", "--arch NAME")),
        ("module_prefix_x2.pth", ("  gamma  1", "  head.0.weight  24x12x3x3", "--arch NAME")),
    ],
)
def test_refused(file: str, parts: tuple[str, ...], checkpoints: Path) -> None:
    with pytest.raises(UnsupportedModelError) as caught:
        load_network(checkpoints / file)
    for part in parts:
        assert part in str(caught.value)


@torch.no_grad()
def test_the_visionarv_student_leaves_the_range_slightly(checkpoints: Path) -> None:
    torch.manual_seed(0)
    sharp = load_network(checkpoints / "visionarv_student.pth").module(torch.rand(1, 3, 32, 32))

    assert -0.5 < sharp.min() < 0
    assert 1 < sharp.max() < 1.5


@torch.no_grad()
def test_dynamic_duo_computes_what_its_published_ir_computes(checkpoints: Path) -> None:
    core = ov.Core()
    model = read_openvino(checkpoints / "dynamic_duo_student.xml", core)
    network = ARCHITECTURES.build("dynamic-duo").eval()
    layers = [layer for layer in network.modules() if isinstance(layer, torch.nn.Conv2d)]
    names = {layer: name for name, layer in network.named_modules()}
    convolutions = [
        node for node in model.get_ordered_ops() if node.get_type_name() == "Convolution"
    ]
    for layer, node in zip(layers, convolutions, strict=True):
        bias = next(iter(node.output(0).get_target_inputs())).get_node()
        # The converter folded the residual factor 0.2 of each dense block into its last layer.
        folded = 0.2 if names[layer].endswith("conv5") else 1.0
        layer.weight.copy_(torch.from_numpy(_constant(node) / folded))
        layer.bias.copy_(torch.from_numpy(_constant(bias).ravel() / folded))
    frame = torch.rand(1, 3, 16, 24)
    compiled = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})

    # The file keeps its slopes and factors in 16 bits.
    assert np.abs(compiled(frame.numpy())[0] - network(frame).numpy()).max() < 1e-3


def _constant(node: ov.Node) -> np.ndarray:
    value = node.input_value(1).get_node()
    while value.get_type_name() == "Convert":
        value = value.input_value(0).get_node()
    return value.get_data().astype(np.float32)
