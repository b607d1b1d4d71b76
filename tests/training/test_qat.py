"""Fine-tuning for 8 bits: the weights that come out are plain ones, and bear rounding."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from ovsharp import UsageError
from ovsharp.models import ARCHITECTURES, load_network
from ovsharp.training import TrainingRecipe, finetune, train
from ovsharp.training.eight_bits import LEVELS, WARM_UP, RoundedInput, to_eight_bits
from ovsharp.training.recipe import Stage


def test_the_range_is_that_of_the_values_and_rounding_is_by_its_levels() -> None:
    rounded = RoundedInput()
    values = torch.linspace(-1, 3, 4001)
    for _ in range(WARM_UP):
        assert torch.equal(rounded(values), values)
    result = rounded.eval()(values)
    step = rounded.width.exp().item() / LEVELS
    assert step == pytest.approx(4 / LEVELS, rel=0.01)
    assert len(result.unique()) <= LEVELS + 1
    assert float((result - values)[10:-10].abs().max()) <= 0.51 * step
    assert float(rounded(torch.zeros(1))) == 0
    assert float(rounded(torch.tensor([9.0]))) == pytest.approx(3, rel=0.01)


def test_a_range_that_is_too_wide_becomes_narrower() -> None:
    torch.manual_seed(0)
    rounded = RoundedInput()
    wide = torch.cat((torch.rand(5000), torch.full((5000,), 60.0)))
    for _ in range(WARM_UP):
        rounded(wide)
    optimizer, before = torch.optim.Adam(rounded.parameters(), 0.05), rounded.width.item()
    for _ in range(60):
        values = torch.rand(2000)
        loss = ((rounded(values) - values) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert rounded.width.item() < before - 0.5


@pytest.mark.parametrize("signed", [True, False])
def test_a_layer_is_rounded_as_what_it_reads_demands(signed: bool) -> None:
    torch.manual_seed(0)
    between = nn.Identity() if signed else nn.ReLU()
    network = to_eight_bits(nn.Sequential(nn.Conv2d(3, 8, 3), between, nn.Conv2d(8, 8, 3)))
    network.train()
    for _ in range(WARM_UP + 1):
        network(torch.rand(1, 3, 16, 16))
    weights = network[2].weight.detach().flatten(1)
    most = weights.abs().amax(1)
    pairs = weights.reshape(8, 4, 2, 9)
    sides = [side.clamp(min=0).sum(2).flatten(1).amax(1) for side in (pairs, -pairs)]
    together = torch.maximum(*sides) if signed else most
    assert (together > most).any() == signed
    steps = weights / (together / (LEVELS // 2))[:, None]
    assert torch.allclose(steps, steps.round(), atol=1e-3)


def test_the_first_layer_is_rounded_as_it_will_be() -> None:
    torch.manual_seed(0)
    network = to_eight_bits(nn.Sequential(nn.Conv2d(3, 8, 3), nn.Conv2d(8, 8, 3)))
    first = network[0].weight.detach().flatten(1)
    together = first.clamp(min=0).topk(2).values.sum(1), (-first).clamp(min=0).topk(2).values.sum(1)
    step = torch.maximum(*together) / (LEVELS // 2)  # what `calibration.overflow` allows
    assert torch.allclose(first / step[:, None], (first / step[:, None]).round(), atol=1e-3)
    picture = torch.rand(1, 3, 16, 16)
    network.train()
    for _ in range(WARM_UP):
        network(picture)
    assert not hasattr(network[0], "eight_bits"), "bytes are not rounded again"
    assert int(network[1].eight_bits.seen) == WARM_UP


@pytest.mark.parametrize("scale", [1, 2])
def test_finetuned_weights_are_plain_and_changed(
    small: TrainingRecipe, photos: Path, tmp_path: Path, scale: int
) -> None:
    if scale == 2:
        arguments = {"channels": 8, "depth": 0, "unshuffle": 1, "scale": 2}
        stages = (Stage("x2", 4, 1e-3),)
        student = replace(small.student, architecture="upscaler", arguments=arguments)
        small = replace(small, student=replace(student, stages=stages))
    first = train(small, photos, tmp_path / "one").student.weights
    done = finetune(first, small, photos, tmp_path / "two", every=2)
    assert "8 bits" in done.device
    before, after = (load_network(path) for path in (first, done.student.weights))
    assert before.arguments == after.arguments
    pairs = zip(before.module.parameters(), after.module.parameters(), strict=True)
    changes = [float((a - b).abs().max().detach()) for a, b in pairs]
    assert any(change > 0 for change in changes)
    assert max(changes) < 0.01, "a third of the rate, for four steps"


def test_branches_are_collapsed_first(small: TrainingRecipe, photos: Path, tmp_path: Path) -> None:
    arguments = {"channels": 8, "depth": 0, "unshuffle": 2, "branches": True}
    network = ARCHITECTURES.build("student", **arguments)
    torch.save(network.state_dict(), tmp_path / "branched.pth")
    recipe = replace(small, student=replace(small.student, arguments=arguments))
    done = finetune(tmp_path / "branched.pth", recipe, photos, tmp_path / "run")
    assert load_network(done.student.weights).collapsed == 0


def test_a_folder_with_a_run_is_not_overwritten(
    small: TrainingRecipe, photos: Path, tmp_path: Path
) -> None:
    weights = train(small, photos, tmp_path / "one").student.weights
    with pytest.raises(UsageError, match="holds a run already"):
        finetune(weights, small, photos, tmp_path / "one")
