"""Optimizers: what a recipe's choice does to a network."""

from typing import Any

import pytest
import torch
from torch import nn

from ovsharp.training.eight_bits import RoundedInput
from ovsharp.training.recipe import Course, Stage
from ovsharp.training.schedule import optimizer_of

COURSE = Course(architecture="student", stages=(Stage("clean", 60, 3e-3),), loss={"l1": 1.0})


def left_after(optimizer: str, rate: float) -> float:
    """Give the loss of a small network that has learned a blur's inverse for a hundred steps."""
    torch.manual_seed(0)
    network: Any = nn.Sequential(nn.Conv2d(3, 16, 3), nn.ReLU(), nn.Conv2d(16, 3, 3))
    nn.init.zeros_(network[2].weight)
    # Neighbours alike, as in pictures: what makes the plain gradient slow.
    sharp = nn.functional.interpolate(torch.rand(4, 3, 8, 8), scale_factor=3)
    soft = nn.functional.avg_pool2d(sharp, 3, stride=1, padding=1)
    course = Course(**{**vars(COURSE), "optimizer": optimizer})
    stepper = optimizer_of(course, Stage("clean", 60, rate), network.parameters())
    loss = torch.tensor(0.0)
    for _ in range(100):
        loss = (soft + nn.functional.pad(network(soft), (2, 2, 2, 2)) - sharp).abs().mean()
        stepper.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        stepper.step()
    return loss.item()


def test_soap_learns_more_than_adam_at_any_of_its_rates() -> None:
    adam = min(left_after("adam", rate) for rate in (1e-3, 3e-3, 1e-2, 3e-2))
    assert left_after("soap", 1e-2) < 0.9 * adam


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(6, 6, 3, groups=6),
        nn.Conv2d(6, 1, 3),
        nn.Conv2d(1, 6, 1),
        nn.ConvTranspose2d(6, 3, 2),
        nn.Linear(5, 7),
        nn.PReLU(4),
        RoundedInput(),
    ],
    ids=lambda layer: str(layer).split("(")[0],
)
def test_soap_moves_weights_of_all_shapes(layer: nn.Module) -> None:
    stepper = optimizer_of(
        Course(**{**vars(COURSE), "optimizer": "soap"}), COURSE.stages[0], layer.parameters()
    )
    before = [weight.detach().clone() for weight in layer.parameters()]
    for _ in range(15):  # beyond the first turn of the bases
        for weight in layer.parameters():
            weight.grad = torch.randn_like(weight) + weight.detach()
        stepper.step()
    for old, new in zip(before, layer.parameters(), strict=True):
        assert torch.isfinite(new).all()
        assert not torch.equal(old, new)
