"""The published sizes, and what each network does to a frame."""

from __future__ import annotations

import pytest
import torch

from ovsharp import UsageError
from ovsharp.models import ARCHITECTURES


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("dynamic-duo", 758_755),
        ("dynamic-duo-teacher", 906_915),
        ("visionarv", 112_593),
        ("visionarv-teacher", 41_187),
        ("gla", 334_147),
        ("edsr", 372_803),
        ("edsr-teacher", 19_486_723),
        ("rrdbnet", 16_697_987),
    ],
)
def test_published_parameter_count(name: str, parameters: int) -> None:
    with torch.device("meta"):
        network = ARCHITECTURES.build(name)

    assert sum(parameter.numel() for parameter in network.parameters()) == parameters


def test_the_synergy_student_fits_its_file_limit() -> None:
    network = ARCHITECTURES.build("synergy")

    assert 4 * sum(parameter.numel() for parameter in network.parameters()) < 5e6


SMALL = {
    "rrdbnet": {"channels": 8, "blocks": 1, "growth": 4},
    "edsr-teacher": {"channels": 8, "blocks": 1},
    "srresnet": {"channels": 8, "blocks": 1},
    "dynamic-duo": {"channels": 8, "blocks": 1, "growth": 4},
    "dynamic-duo-teacher": {"channels": 8},
}


@pytest.mark.parametrize("name", ARCHITECTURES.names())
@torch.no_grad()
def test_scale_of_the_output(name: str) -> None:
    network = ARCHITECTURES.build(name, **SMALL.get(name, {})).eval()
    scale = 4 if name in ("dynamic-duo", "rrdbnet", "srresnet", "upscaler") else 1
    large = (2, 3, 12 * scale, 20 * scale)
    base = [torch.rand(large)] if name == "upscaler" else []

    assert network(torch.rand(2, 3, 12, 20), *base).shape == large


@pytest.mark.parametrize("name", ["gla", "edsr", "dynamic-duo", "dynamic-duo-teacher"])
@torch.no_grad()
def test_bounded_networks_stay_in_range(name: str) -> None:
    network = ARCHITECTURES.build(name, **SMALL.get(name, {}))
    for parameter in network.parameters():
        parameter.mul_(20)
    sharp = network(torch.rand(1, 3, 8, 8))

    assert sharp.min() >= 0
    assert sharp.max() <= 1


@torch.no_grad()
def test_the_readings_of_a_plain_chain() -> None:
    direct = ARCHITECTURES.build("plain", channels=[5])
    frame = torch.rand(1, 3, 9, 7)
    drawn = direct(frame)
    for name, expected in (("plain-residual", frame - drawn), ("plain-skip", frame + drawn)):
        network = ARCHITECTURES.build(name, channels=[5])
        network.load_state_dict(direct.state_dict())

        torch.testing.assert_close(network(frame), expected)


@pytest.mark.parametrize("name", ["student", "synergy"])
@torch.no_grad()
def test_a_silent_correction_leaves_the_frame_as_it_is(name: str) -> None:
    network = ARCHITECTURES.build(name)
    for parameter in network.get_submodule("tail").parameters():
        parameter.zero_()
    frame = torch.rand(1, 3, 16, 16)

    assert torch.equal(network(frame), frame)


@pytest.mark.parametrize(("unshuffle", "scale"), [(1, 4), (2, 2), (4, 2)])
@torch.no_grad()
def test_a_silent_upscaler_gives_its_base(unshuffle: int, scale: int) -> None:
    network = ARCHITECTURES.build("upscaler", depth=1, unshuffle=unshuffle, scale=scale)
    for parameter in network.get_submodule("tail").parameters():
        parameter.zero_()
    base = torch.rand(1, 3, 8 * scale, 16 * scale)

    assert torch.equal(network(torch.rand(1, 3, 8, 16), base), base)


@torch.no_grad()
def test_a_student_starts_as_a_network_through_which_signals_pass() -> None:
    torch.manual_seed(0)
    for branches in (False, True):
        network = ARCHITECTURES.build("student", depth=9, branches=branches)
        correction = network(torch.rand(1, 3, 64, 64)) - network(torch.zeros(1, 3, 64, 64))

        assert 0.1 < correction.std() < 10


@torch.no_grad()
def test_a_residual_student_starts_with_the_picture_in_its_features() -> None:
    torch.manual_seed(0)
    network = ARCHITECTURES.build("student", channels=16, depth=4, unshuffle=2, residual=True)
    seen: list[torch.Tensor] = []
    network.get_submodule("tail").register_forward_pre_hook(lambda _, inputs: seen.append(*inputs))
    frame = torch.rand(1, 3, 32, 32) - 0.5  # the sign passes too
    network(frame)
    cells = torch.nn.functional.pixel_unshuffle(frame, 2)
    carried = torch.corrcoef(torch.cat((seen[0][0, :12].flatten(1), cells[0].flatten(1))))
    assert carried[:12, 12:].diagonal().min() > 0.8


@pytest.mark.parametrize("wrong", [{"depth": 3}, {"depth": 2, "branches": True}])
def test_a_residual_student_has_pairs_of_plain_convolutions(wrong: dict[str, int]) -> None:
    with pytest.raises(UsageError, match="even depth and no branches"):
        ARCHITECTURES.build("student", residual=True, **wrong)
