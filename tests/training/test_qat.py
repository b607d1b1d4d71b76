"""Fine-tuning with NNCF's quantizers: the weights that come out are plain ones."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from ovsharp import UsageError
from ovsharp.models import ARCHITECTURES, load_network
from ovsharp.training import TrainingRecipe, finetune, train
from ovsharp.training.recipe import Stage


@pytest.fixture(autouse=True)
def no_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    """NNCF compiles its operations at their first use, for minutes; its plain ones are equal."""
    extensions = pytest.importorskip("nncf.torch.quantization.extensions")
    functions = extensions.ReferenceQuantizedFunctions
    monkeypatch.setattr(extensions.QuantizedFunctionsCPU, "_loaded_namespace", functions)


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
    assert "NNCF" in done.device
    before, after = (load_network(path) for path in (first, done.student.weights))
    assert before.arguments == after.arguments
    pairs = zip(before.module.parameters(), after.module.parameters(), strict=True)
    changes = [float((a - b).abs().max()) for a, b in pairs]
    assert any(change > 0 for change in changes)
    assert max(changes) < 0.01, "a tenth of the rate, for four steps"


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
