"""ovsharp's own students: a larger one begins where a smaller one stopped."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from ovsharp.errors import UsageError
from ovsharp.models.reparameterize import MultiBranch, collapse
from ovsharp.models.student import BOUND, Residual, Student, Upscaler


def drawn(network: nn.Module) -> nn.Module:
    """Give a network all of whose weights matter."""
    torch.manual_seed(3)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(0.1 * torch.randn_like(parameter))
    return network


@pytest.mark.parametrize(("channels", "depth"), [(12, 4), (8, 6), (20, 6), (8, 4)])
def test_a_larger_student_computes_at_first_what_the_smaller_one_does(
    channels: int, depth: int
) -> None:
    small = drawn(Student(8, 4, 2, residual=True))
    large = Student(channels, depth, 2, residual=True)
    assert large.grow_from(small.state_dict())
    frame = torch.rand(1, 3, 24, 16)
    torch.testing.assert_close(large(frame), small(frame))


@pytest.mark.parametrize(("before", "after"), [(0, 6), (6, 6)])
def test_a_coarse_branch_is_grown_and_kept(before: int, after: int) -> None:
    small = drawn(Student(8, 4, 2, residual=True, coarse=before))
    large = Student(12, 6, 2, residual=True, coarse=after)
    assert large.grow_from(small.state_dict())
    frame = torch.rand(1, 3, 24, 16)
    torch.testing.assert_close(large(frame), small(frame))


@pytest.mark.parametrize("residual", [True, False], ids=["pairs", "plain"])
def test_a_coarse_branch_reaches_farther(residual: bool) -> None:
    def reach(coarse: int) -> int:
        network = drawn(Student(8, 2, 2, residual=residual, coarse=coarse))
        frame = torch.zeros(1, 3, 128, 128, requires_grad=True)
        network(frame)[0, :, 64, 64].sum().backward()
        assert frame.grad is not None
        touched = frame.grad[0].abs().amax((0, 1)).nonzero()
        return int(touched.max() - touched.min())

    assert reach(0) < 20
    assert reach(6) > 70


def test_a_plain_coarse_branch_adds_nothing_at_first_and_collapses() -> None:
    network = Student(8, 2, 2, branches=True, coarse=6)
    assert network.coarse is not None
    nn.init.normal_(network.tail.weight, std=0.1)
    frame = torch.rand(1, 3, 24, 16)
    before = network(frame)
    for layer in (network.coarse.down, *network.coarse.body):
        conv = layer.square if isinstance(layer, MultiBranch) else layer
        nn.init.normal_(conv.weight, std=0.1)
    assert torch.equal(network(frame), before)

    nn.init.normal_(network.coarse.up.weight, std=0.1)
    single, blocks = collapse(network)

    assert blocks == 1 + 2 + 4
    assert not torch.allclose(network(frame), before, atol=1e-3)
    torch.testing.assert_close(single(frame), network(frame), atol=1e-5, rtol=1e-4)


def test_what_8_bits_hold_of_a_plain_student_with_a_coarse_branch_is_positive() -> None:
    network = drawn(Student(8, 3, 2, coarse=6))
    assert network.coarse is not None
    read: list[torch.Tensor] = []
    for layer in (*network.body, network.coarse.down, *network.coarse.body, network.coarse.up):
        layer.register_forward_pre_hook(lambda _, features: read.append(features[0]))
    network(torch.rand(1, 3, 24, 16))
    assert len(read) == 3 + 1 + 4 + 1
    assert all(features.min() >= 0 for features in read)


def test_a_plain_coarse_branch_needs_a_body() -> None:
    with pytest.raises(UsageError, match="has a body: add depth = 1 or more"):
        Student(8, 0, 2, coarse=6)


def test_a_bounded_student_cuts_what_it_reads_and_nothing_else() -> None:
    plain = drawn(Student(8, 4, 2, residual=True, coarse=6))
    with torch.no_grad():
        for parameter in plain.parameters():
            parameter.mul_(0.2)
    bounded = Student(8, 4, 2, residual=True, coarse=6, bounded=True)
    assert bounded.grow_from(plain.state_dict())
    assert bounded.coarse is not None
    reads: list[torch.Tensor] = []
    for layer in (bounded.body[0], bounded.coarse.down, bounded.tail):
        conv = layer.enter if isinstance(layer, Residual) else layer
        conv.register_forward_pre_hook(lambda _, read: reads.append(read[0]))
    frame = torch.rand(1, 3, 24, 16)
    with torch.no_grad():
        torch.testing.assert_close(bounded(frame), plain(frame))
        assert not torch.allclose(bounded(frame * 50), plain(frame * 50))
    assert [float(read.abs().max()) < BOUND for read in reads[:3]] == [True] * 3
    assert [float(read.abs().max()) for read in reads[3:]] == [BOUND] * 3


def test_a_bounded_student_is_residual() -> None:
    with pytest.raises(UsageError, match="that is bounded is residual: add residual = true"):
        Student(8, 4, 2, bounded=True)


def test_what_is_new_learns() -> None:
    large = Student(12, 6, 2, residual=True)
    large.grow_from(drawn(Student(8, 4, 2, residual=True)).state_dict())
    optimizer = torch.optim.SGD(large.parameters(), 0.1)
    for _ in range(2):
        large(torch.rand(1, 3, 24, 16)).square().mean().backward()
        optimizer.step()
    for name, parameter in large.named_parameters():
        assert parameter.grad is not None
        if name.endswith("weight"):
            assert parameter.grad[:, -1].abs().max() > 0, name


def test_upscalers_grow_too() -> None:
    small = drawn(Upscaler(8, 2, 1, 2, residual=True))
    large = Upscaler(12, 4, 1, 2, residual=True)
    assert large.grow_from(small.state_dict())
    frame, base = torch.rand(1, 3, 12, 8), torch.rand(1, 3, 24, 16)
    torch.testing.assert_close(large(frame, base), small(frame, base))


@pytest.mark.parametrize(
    "smaller",
    [
        Student(16, 4, 2, residual=True),
        Student(8, 8, 2, residual=True),
        Student(8, 4, 4, residual=True),
        Student(8, 4, 2),
        Student(8, 4, 2, residual=True, coarse=6),
        Student(8, 4, 2, residual=True, bounded=True),
        Upscaler(8, 4, 1, 2, residual=True),
        nn.Conv2d(3, 3, 3),
    ],
    ids=[
        "wider",
        "deeper",
        "other cells",
        "plain",
        "with a branch",
        "bounded",
        "an upscaler",
        "another network",
    ],
)
def test_what_is_no_smaller_student_changes_nothing(smaller: nn.Module) -> None:
    large = Student(12, 6, 2, residual=True)
    before = {key: value.clone() for key, value in large.state_dict().items()}
    assert not large.grow_from(smaller.state_dict())
    assert all(torch.equal(before[key], value) for key, value in large.state_dict().items())
