"""Multi-branch blocks and the single convolutions that replace them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from ovsharp.models import ARCHITECTURES, MultiBranch, collapse, expand, load_network


def drawn(network: nn.Module) -> nn.Module:
    """With all weights, statistics of batch norm too, away from their start."""
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for name, tensor in network.state_dict().items():
            if tensor.is_floating_point():
                low = 0.5 if name.endswith("running_var") else -0.3
                tensor.uniform_(low, 0.7, generator=generator)
    return network.eval()


@pytest.mark.parametrize("norm", [False, True])
@pytest.mark.parametrize("widths", [(6, 6), (6, 10)])
@torch.no_grad()
def test_one_convolution_equals_the_branches(widths: tuple[int, int], norm: bool) -> None:
    block = drawn(MultiBranch(*widths, norm=norm))
    assert isinstance(block, MultiBranch)
    picture = torch.randn(2, 6, 9, 11)

    single = block.collapsed()

    assert isinstance(single, nn.Conv2d)
    assert single.kernel_size == (3, 3)
    # The border too: zeros around the picture must mean the same to all branches.
    torch.testing.assert_close(single(picture), block(picture), rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("widths", [(6, 6), (6, 10)])
def test_branches_compute_and_learn_what_their_pictures_sum_to(widths: tuple[int, int]) -> None:
    block = drawn(MultiBranch(*widths))
    assert isinstance(block, MultiBranch)
    picture = torch.randn(2, 6, 9, 11)

    def summed() -> torch.Tensor:
        wide = block.narrow(block.widen(picture))
        total = block.square(picture) + block.point(picture) + wide
        return total + picture if widths[0] == widths[1] else total

    torch.testing.assert_close(block(picture), summed(), rtol=1e-5, atol=1e-4)
    parameters = list(block.parameters())
    ours, theirs = (
        torch.autograd.grad(made.square().sum(), parameters) for made in (block(picture), summed())
    )
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-2)


@torch.no_grad()
def test_a_collapsed_student_is_a_student_without_branches() -> None:
    wide = drawn(ARCHITECTURES.build("student", channels=8, depth=2, branches=True))
    frame = torch.rand(1, 3, 16, 24)

    single, count = collapse(wide)

    plain = ARCHITECTURES.build("student", channels=8, depth=2)
    plain.load_state_dict(single.state_dict())
    assert count == 3
    torch.testing.assert_close(plain(frame), wide(frame), rtol=1e-4, atol=1e-3)
    assert sum(isinstance(module, MultiBranch) for module in wide.modules()) == 3


@pytest.mark.parametrize("norm", [False, True])
@pytest.mark.parametrize("widths", [(6, 6), (6, 10)])
@torch.no_grad()
def test_branches_take_over_what_one_convolution_does(widths: tuple[int, int], norm: bool) -> None:
    block, single = drawn(MultiBranch(*widths, norm=norm)), nn.Conv2d(*widths, 3, padding=1)
    assert isinstance(block, MultiBranch)
    narrow = block.narrow.weight.clone()
    picture = torch.randn(2, 6, 9, 11)

    block.expand(single)

    torch.testing.assert_close(block(picture), single(picture), rtol=1e-4, atol=1e-4)
    assert torch.equal(block.narrow.weight, narrow)


@torch.no_grad()
def test_a_student_with_branches_begins_where_a_collapsed_one_stopped() -> None:
    stopped = drawn(ARCHITECTURES.build("student", channels=8, depth=2, unshuffle=2, coarse=6))
    network = ARCHITECTURES.build(
        "student", channels=8, depth=2, unshuffle=2, coarse=6, branches=True
    )
    frame = torch.rand(1, 3, 16, 24)

    assert expand(network, stopped.state_dict())

    torch.testing.assert_close(network(frame), stopped(frame), rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("branches", [False, True])
@torch.no_grad()
def test_weights_of_another_size_expand_to_nothing(branches: bool) -> None:
    other = ARCHITECTURES.build("student", channels=8, depth=2).state_dict()
    network = ARCHITECTURES.build("student", channels=8, depth=3, branches=branches)
    before = {key: value.clone() for key, value in network.state_dict().items()}

    assert not expand(network, other)

    assert all(torch.equal(before[key], value) for key, value in network.state_dict().items())


@torch.no_grad()
def test_a_checkpoint_in_training_form_is_loaded_collapsed(tmp_path: Path) -> None:
    wide = ARCHITECTURES.build("upscaler", channels=8, depth=2, branches=True).eval()
    torch.save(wide.state_dict(), tmp_path / "wide.pth")
    frame, base = torch.rand(1, 3, 8, 8), torch.rand(1, 3, 32, 32)

    network = load_network(tmp_path / "wide.pth")

    assert network.architecture == "upscaler"
    assert network.collapsed == 3
    assert network.parameters == sum(p.numel() for p in network.module.parameters())
    torch.testing.assert_close(network.module(frame, base), wide(frame, base))
