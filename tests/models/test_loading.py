"""From a file to a network: what is recognised, what is refused, and with which words."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from ovsharp.errors import UnsupportedModelError, UsageError
from ovsharp.models import ARCHITECTURES, load_network, parse_arguments

CODE = """
import torch
from layers import activation

class Sharpen(torch.nn.Module):
    def __init__(self, channels, sign: float = -1.0):
        super().__init__()
        self.sign = sign
        self.layers = torch.nn.Sequential(
            torch.nn.Conv2d(3, channels, 3, padding=1),
            activation(),
            torch.nn.Conv2d(channels, 3, 3, padding=1),
        )

    def forward(self, x):
        return x + self.sign * self.layers(x)

class Strict(torch.nn.Module):
    def __init__(self):
        raise KeyError("no such preset")

def helper():
    return Sharpen(4)
"""


@pytest.fixture
def chain(tmp_path: Path) -> Path:
    """A checkpoint of two convolutions, and the code of one network that it may belong to."""
    torch.manual_seed(1)
    network = ARCHITECTURES.build("plain", channels=[6], kernels=[3, 3])
    torch.save(network.state_dict(), tmp_path / "chain.pth")
    (tmp_path / "layers.py").write_text("from torch.nn import ReLU as activation\n")
    (tmp_path / "code.py").write_text(CODE)
    return tmp_path / "chain.pth"


def refusal(path: Path, **options: Any) -> str:
    with pytest.raises(UnsupportedModelError) as caught:
        load_network(path, **options)
    return str(caught.value)


def test_a_plain_chain_is_refused_with_all_readings(chain: Path) -> None:
    message = refusal(chain)

    for part in (
        "layers.0.weight  6x3x3x3",
        "--arch plain ",
        "--arch plain-residual",
        "f(x)",
        "x - f(x)",
        "x + f(x)",
        "model.py:Class",
        "--arch-args",
    ):
        assert part in message


@torch.no_grad()
def test_a_plain_chain_is_what_the_user_says(chain: Path) -> None:
    frame = torch.rand(1, 3, 5, 5)
    drawn = load_network(chain, architecture="plain").module(frame)
    taken = load_network(chain, architecture="plain-residual").module(frame)

    torch.testing.assert_close(taken, frame - drawn)


def test_a_chain_with_names_of_its_own_is_refused_with_all_readings(tmp_path: Path) -> None:
    state = {"conv1.weight": torch.zeros(8, 3, 3, 3), "conv2.weight": torch.zeros(3, 8, 3, 3)}
    torch.save(state, tmp_path / "chain.pth")
    message = refusal(tmp_path / "chain.pth")

    assert "plain chain of convolutions (3-8-3)" in message
    assert "f(x), x + f(x) or x - f(x)" in message


def test_an_unknown_layout_lists_its_keys_and_the_registered_names(tmp_path: Path) -> None:
    state = {f"part{index}.weight": torch.zeros(2, 5) for index in range(20)}
    torch.save({"model": state}, tmp_path / "unknown.pth")
    message = refusal(tmp_path / "unknown.pth")

    assert "part11.weight  2x5" in message
    assert "part12" not in message
    assert "... and 8 more" in message
    assert all(name in message for name in ARCHITECTURES.names())
    assert "--arch path/to/model.py:Class" in message


def test_a_relative_of_a_registered_network_is_told_what_differs(tmp_path: Path) -> None:
    state = ARCHITECTURES.build("gla").state_dict()
    state["norm.weight"] = torch.zeros(3)
    del state["conv4.bias"]
    torch.save(state, tmp_path / "relative.pth")
    message = refusal(tmp_path / "relative.pth")

    assert "resembles 'gla'" in message
    assert "missing in the file (1):\n  conv4.bias  3" in message
    assert "unexpected in the file (1):\n  norm.weight  3" in message


def test_a_named_architecture_that_does_not_fit(chain: Path) -> None:
    message = refusal(chain, architecture="gla")

    assert "does not fit 'gla'" in message
    assert "missing in the file (24):\n  conv1.weight  32x3x3x3" in message
    assert "unexpected in the file (4):\n  layers.0.weight  6x3x3x3" in message


@torch.no_grad()
def test_given_arguments_override_the_deduced_ones(tmp_path: Path) -> None:
    network = ARCHITECTURES.build("edsr", channels=4, blocks=1)
    torch.save(network.state_dict(), tmp_path / "edsr.pth")
    frame = torch.rand(1, 3, 8, 8)
    deduced = load_network(tmp_path / "edsr.pth")
    given = load_network(tmp_path / "edsr.pth", arguments={"residual_scale": 1.0})

    assert given.arguments == {"channels": 4, "blocks": 1, "residual_scale": 1.0}
    assert not torch.equal(given.module(frame), deduced.module(frame))


def test_a_loaded_network_is_ready_to_run(tmp_path: Path) -> None:
    network = ARCHITECTURES.build("srresnet", channels=4, blocks=1).half()
    torch.save(network.state_dict(), tmp_path / "half.pth")
    loaded = load_network(tmp_path / "half.pth")

    assert not loaded.module.training
    assert {parameter.dtype for parameter in loaded.module.parameters()} == {torch.float32}


@torch.no_grad()
def test_a_network_from_a_file_of_the_user(chain: Path) -> None:
    code = f"{chain.with_name('code.py')}:Sharpen"
    loaded = load_network(chain, architecture=code, arguments={"channels": 6})
    residual = load_network(chain, architecture="plain-residual")
    frame = torch.rand(1, 3, 5, 5)

    assert loaded.architecture == "code.py:Sharpen"
    assert loaded.arguments == {"channels": 6}
    torch.testing.assert_close(loaded.module(frame), residual.module(frame))


def test_a_network_of_the_user_that_does_not_fit(chain: Path) -> None:
    code = f"{chain.with_name('code.py')}:Sharpen"
    message = refusal(chain, architecture=code, arguments={"channels": 8})

    assert "wrongly shaped (3):" in message
    assert "layers.0.weight  6x3x3x3 in the file, 8x3x3x3 in the network" in message


@pytest.mark.parametrize(
    ("location", "arguments", "reason"),
    [
        ("missing.py:Sharpen", {}, "there is no Python file"),
        ("chain.pth:Sharpen", {}, "there is no Python file"),
        ("code.py:Sharp", {}, "has no 'Sharp'; its networks: Sharpen, Strict"),
        ("code.py:helper", {}, r"something else than a torch\.nn\.Module as 'helper'"),
        ("code.py:Sharpen", {}, r"TypeError.*'channels'.*it takes channels, sign=-1"),
        ("code.py:Sharpen", {"width": 3}, "unexpected keyword argument 'width'"),
        ("code.py:Strict", {}, "KeyError: 'no such preset'"),
        ("broken.py:Sharpen", {}, r"broken\.py fails to run \(ImportError"),
        ("syntax.py:Sharpen", {}, r"syntax\.py fails to run \(SyntaxError"),
        ("train.py:Sharpen", {}, r"train\.py fails to run \(SystemExit: 2\).*can be imported"),
    ],
)
def test_code_of_the_user_that_fails(
    location: str, arguments: dict[str, Any], reason: str, chain: Path
) -> None:
    chain.with_name("broken.py").write_text("from layers import nothing\n")
    chain.with_name("syntax.py").write_text("class Sharpen(\n")
    chain.with_name("train.py").write_text("import sys\nsys.exit(2)\n")
    with pytest.raises(UsageError, match=reason):
        load_network(chain, architecture=str(chain.with_name(location)), arguments=arguments)


def test_code_of_the_user_leaves_no_trace_in_the_import_path(chain: Path) -> None:
    before = list(sys.path)
    load_network(
        chain, architecture=f"{chain.with_name('code.py')}:Sharpen", arguments={"channels": 6}
    )

    assert sys.path == before


def test_an_unknown_name_is_a_wrong_usage(chain: Path) -> None:
    with pytest.raises(UsageError, match="unknown architecture 'resnet'"):
        load_network(chain, architecture="resnet")


@pytest.mark.parametrize("text", ["channels=64", "[64]", "64", "{'channels': 64}"])
def test_arguments_must_be_a_json_object(text: str) -> None:
    with pytest.raises(UsageError, match="--arch-args"):
        parse_arguments(text)


def test_the_room_is_imported_without_torch() -> None:
    code = (
        "import sys, ovsharp.models; from ovsharp.models import parse_arguments; "
        "sys.exit('torch' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
