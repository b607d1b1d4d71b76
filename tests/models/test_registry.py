"""Detection by keys and shapes, and hyper-parameters from shapes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from ovsharp.errors import UnsupportedModelError, UsageError
from ovsharp.models import ARCHITECTURES, load_network
from ovsharp.models.registry import Registry
from ovsharp.models.reparameterize import collapse

ODD: dict[str, dict[str, Any]] = {
    "student": {"channels": 7, "depth": 3, "unshuffle": 3},
    "upscaler": {"channels": 7, "depth": 3, "unshuffle": 2, "scale": 3},
    "gla": {"narrow": 5, "wide": 9, "blocks": 3},
    "rrdbnet": {"channels": 6, "blocks": 2, "growth": 3, "scale": 2},
    "visionarv": {"channels": 9, "blocks": 11, "squeezed": 3},
    "visionarv-teacher": {"channels": 5, "blocks": 11},
    "dynamic-duo": {"channels": 7, "blocks": 3, "growth": 5},
    "dynamic-duo-teacher": {"channels": 5},
    "edsr": {"channels": 7, "blocks": 11},
    "edsr-teacher": {"channels": 5, "blocks": 3},
    "synergy": {"channels": 10, "blocks": 3, "unshuffle": 1},
    "srresnet": {"channels": 5, "blocks": 2, "scale": 8},
    "plain": {"channels": [5, 4, 6], "kernels": [5, 1, 3, 9], "bias": False, "attribute": "net"},
    "plain-residual": {"channels": [7], "kernels": [9, 5], "bias": True, "attribute": "layers"},
    "plain-skip": {"channels": [7, 3], "kernels": [3, 3, 5], "bias": True, "attribute": "body"},
}


def odd_network(name: str) -> nn.Module:
    torch.manual_seed(3)
    network = ARCHITECTURES.build(name, **ODD[name])
    with torch.no_grad():
        for tensor in network.state_dict().values():
            if tensor.is_floating_point():
                tensor.uniform_(0.1, 0.3)
    return network.eval()


@pytest.mark.parametrize("name", ARCHITECTURES.names())
@torch.no_grad()
def test_round_trip(name: str, tmp_path: Path) -> None:
    network = odd_network(name)
    torch.save(network.state_dict(), tmp_path / "odd.pth")
    chosen = name if name.startswith("plain") else None

    loaded = load_network(tmp_path / "odd.pth", architecture=chosen)

    assert loaded.architecture == name
    assert loaded.arguments == ODD[name]
    assert loaded.parameters == sum(parameter.numel() for parameter in network.parameters())
    frames = [torch.rand(1, 3, 6, 12)]
    if name == "upscaler":
        frames.append(torch.rand(1, 3, 18, 36))
    assert torch.equal(loaded.module(*frames), network(*frames))


@pytest.mark.parametrize("name", ARCHITECTURES.names())
def test_every_architecture_is_told_from_all_others(name: str) -> None:
    shapes = {key: tuple(value.shape) for key, value in odd_network(name).state_dict().items()}
    found = [entry.name for entry, _ in ARCHITECTURES.candidates(shapes)]

    plain = [other for other in ARCHITECTURES.names() if other.startswith("plain")]
    assert found == (plain if name.startswith("plain") else [name])


@pytest.mark.parametrize(
    "more", [{}, {"coarse": 5}, {"bounded": True}, {"unshuffle": 1, "scale": 2}]
)
@torch.no_grad()
def test_round_trip_of_residual_students(more: dict[str, int], tmp_path: Path) -> None:
    arguments = {"channels": 7, "depth": 4, "unshuffle": 2, "residual": True, **more}
    name = "upscaler" if "scale" in more else "student"
    network = ARCHITECTURES.build(name, **arguments)
    torch.save(network.state_dict(), tmp_path / "residual.pth")

    loaded = load_network(tmp_path / "residual.pth")

    assert (loaded.architecture, loaded.arguments) == (name, arguments)


@torch.no_grad()
def test_round_trip_of_a_plain_student_with_a_coarse_branch(tmp_path: Path) -> None:
    arguments = {"channels": 7, "depth": 3, "unshuffle": 2, "branches": True, "coarse": 5}
    network = ARCHITECTURES.build("student", **arguments)
    torch.save(network.state_dict(), tmp_path / "plain.pth")
    torch.save(collapse(network)[0].state_dict(), tmp_path / "collapsed.pth")

    trained, deployed = (load_network(tmp_path / f"{name}.pth") for name in ("plain", "collapsed"))

    assert (trained.arguments, trained.collapsed) == (arguments, 1 + 3 + 4)
    del arguments["branches"]
    assert (deployed.arguments, deployed.collapsed) == (arguments, 0)
    assert deployed.parameters == sum(p.numel() for p in collapse(network)[0].parameters())


def test_srresnet_of_the_same_resolution_is_recognised(tmp_path: Path) -> None:
    network = ARCHITECTURES.build("srresnet", channels=4, blocks=1, scale=1)
    torch.save(network.state_dict(), tmp_path / "teacher.pth")

    assert load_network(tmp_path / "teacher.pth").arguments["scale"] == 1


def test_a_name_can_be_registered_once_only() -> None:
    entry = ARCHITECTURES.get("gla")
    with pytest.raises(ValueError, match="same name"):
        Registry(entry, entry)


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(UsageError, match=r"'glaa'.*gla, rrdbnet.*model\.py:Class"):
        ARCHITECTURES.build("glaa")


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("gla", {"width": 3}),
        ("gla", {"narrow": "wide"}),
        ("rrdbnet", {"scale": 3}),
        ("srresnet", {"scale": 3}),
        ("plain", {"channels": [4], "kernels": [3]}),
        ("plain", {"attribute": "forward"}),
    ],
)
def test_arguments_that_make_no_sense(name: str, arguments: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=f"cannot build '{name}'.*it takes"):
        ARCHITECTURES.build(name, **arguments)


def test_a_telltale_key_of_a_strange_shape_claims_nothing(tmp_path: Path) -> None:
    strange = {
        "head.weight": torch.zeros(3),
        "body.0.weight": torch.zeros(1),
        "tail.weight": torch.zeros(1),
        "forward.0.weight": torch.zeros(3, 3, 0, 3),
    }
    torch.save(strange, tmp_path / "strange.pth")
    with pytest.raises(UnsupportedModelError, match="no registered network"):
        load_network(tmp_path / "strange.pth")
