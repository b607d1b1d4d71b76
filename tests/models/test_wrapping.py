"""What training programs wrap around weights: taken off, named, and never guessed at."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torch.optim.swa_utils import AveragedModel

from ovsharp.errors import ModelLoadError, UnsupportedModelError, UsageError
from ovsharp.models import ARCHITECTURES, load_network, read_weights

State = dict[str, Any]


def state(seed: int = 0, **arguments: Any) -> State:
    torch.manual_seed(seed)
    return ARCHITECTURES.build("gla", **{"blocks": 1, **arguments}).state_dict()


def under(prefix: str, weights: State) -> State:
    return {prefix + key: tensor for key, tensor in weights.items()}


def save(content: Any, folder: Path) -> Path:
    torch.save(content, folder / "state.ckpt")
    return folder / "state.ckpt"


STUDENT = state()
TEACHER = state(1, blocks=2)
OTHER = state(2)
CRITIC = {"0.weight": torch.rand(4, 3, 3, 3)}
LOSS = {"vgg.features.0.weight": torch.rand(4, 3, 3, 3)}
LIGHTNING = {
    "epoch": 3,
    "pytorch-lightning_version": "2.5.0",
    "callbacks": {"ModelCheckpoint": {"best_model_score": torch.tensor(0.9)}},
    "optimizer_states": [{"state": {0: {"exp_avg": torch.rand(3)}}, "param_groups": []}],
}


def averaged() -> State:
    network = ARCHITECTURES.build("gla", blocks=1)
    network.load_state_dict(STUDENT)
    return AveragedModel(network).state_dict()


def counted() -> State:
    one = torch.tensor([7.0], dtype=torch.float64)
    names = ("total_ops", "total_params", "body.0.total_ops", "body.0.total_params")
    return {**STUDENT, **dict.fromkeys(names, one)}


WRAPPED: dict[str, Callable[[], State]] = {
    "lightning, model.": lambda: {**LIGHTNING, "state_dict": under("model.", STUDENT)},
    "lightning, a name of its own": lambda: {**LIGHTNING, "state_dict": under("sr.", STUDENT)},
    "lightning, student. beside a teacher and a loss": lambda: {
        **LIGHTNING,
        "state_dict": {
            **under("teacher.", TEACHER),
            **under("student.", STUDENT),
            **under("loss_fn.", LOSS),
        },
    },
    "lightning, net. compiled": lambda: {
        **LIGHTNING,
        "state_dict": under("net._orig_mod.", STUDENT),
    },
    "ema": lambda: {"ema": STUDENT, "epoch": 3},
    "generator": lambda: {"generator": STUDENT, "discriminator": CRITIC},
    "generator in keys": lambda: {
        **under("generator.", STUDENT),
        **under("discriminator.", CRITIC),
    },
    "weights": lambda: {"weights": STUDENT},
    "student_sd": lambda: {"student_sd": STUDENT, "teacher_sd": TEACHER},
    "thop": counted,
    "averaged": averaged,
    "averaged, in an entry": lambda: {"ema": averaged(), "optimizer": {"param_groups": []}},
    "averaged, in keys": lambda: under("model.", averaged()),
    "a name of its own": lambda: {"sharpener": STUDENT, "step": 5},
    "compiled, in entries": lambda: {"model": {"net": under("module._orig_mod.", STUDENT)}},
    "the same weights twice": lambda: {"model": STUDENT, "ema": {**STUDENT}},
}


@pytest.mark.parametrize("wrapping", WRAPPED)
def test_weights_are_found_in_their_wrapping(wrapping: str, tmp_path: Path) -> None:
    network = load_network(save(WRAPPED[wrapping](), tmp_path))
    assert network.architecture == "gla"
    for key, tensor in network.module.state_dict().items():
        assert torch.equal(tensor, STUDENT[key])


@pytest.mark.parametrize(
    "tensors",
    [
        under("student.", STUDENT) | under("teacher.", TEACHER),
        counted(),
        averaged(),
        under("model._orig_mod.", STUDENT),
    ],
    ids=["prefixes", "thop", "averaged", "compiled"],
)
def test_safetensors_are_unwrapped_alike(tensors: State, tmp_path: Path) -> None:
    copies = {key: tensor.clone().contiguous() for key, tensor in tensors.items()}
    save_file(copies, tmp_path / "s.safetensors")
    assert load_network(tmp_path / "s.safetensors").arguments["blocks"] == 1


def test_what_was_unwrapped_and_left_out_is_told(tmp_path: Path) -> None:
    network = load_network(
        save(WRAPPED["lightning, student. beside a teacher and a loss"](), tmp_path)
    )
    assert network.unwrapped == ("state_dict", "student")
    assert set(network.left_out) == {*LIGHTNING, "teacher.*", "loss_fn.*"}
    plain = load_network(save(STUDENT, tmp_path))
    assert (plain.unwrapped, plain.left_out) == ((), ())


@pytest.mark.parametrize(
    ("content", "names"),
    [
        ({"model": OTHER, "ema": STUDENT}, ("model", "ema")),
        ({"state_dict": {"generator": OTHER, "student": STUDENT}}, ("generator", "student")),
        (under("net.", OTHER) | under("ema.", STUDENT), ("net", "ema")),
    ],
)
def test_two_candidates_are_named_and_one_is_chosen(
    content: State, names: tuple[str, str], tmp_path: Path
) -> None:
    path = save(content, tmp_path)
    with pytest.raises(UnsupportedModelError, match="2 sets of weights") as caught:
        load_network(path)
    assert f"choose one with --weights {names[0]} or --weights {names[1]}" in str(caught.value)
    for name, weights in zip(names, (OTHER, STUDENT), strict=True):
        loaded = load_network(path, weights=name).module.state_dict()
        assert all(torch.equal(loaded[key], tensor) for key, tensor in weights.items())


def test_averages_of_basicsr_go_first_and_the_others_can_be_had(tmp_path: Path) -> None:
    path = save({"params": OTHER, "params_ema": STUDENT}, tmp_path)
    key = next(iter(STUDENT))
    assert torch.equal(load_network(path).module.state_dict()[key], STUDENT[key])
    chosen = load_network(path, weights="params").module.state_dict()
    assert torch.equal(chosen[key], OTHER[key])


def test_a_teacher_is_taken_only_when_it_is_named(tmp_path: Path) -> None:
    path = save({"student": STUDENT, "teacher": TEACHER}, tmp_path)
    assert load_network(path).arguments["blocks"] == 1
    assert load_network(path, weights="teacher").arguments["blocks"] == 2


def test_a_name_that_is_not_there_is_refused_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has no weights 'swa': it holds model, ema"):
        load_network(save({"model": OTHER, "ema": STUDENT}, tmp_path), weights="swa")


def test_half_of_a_network_is_not_taken_for_all_of_it(tmp_path: Path) -> None:
    path = save(under("model.", STUDENT) | {"head.weight": torch.rand(3, 3, 1, 1)}, tmp_path)
    with pytest.raises(UnsupportedModelError, match="no registered network"):
        load_network(path)
    assert load_network(path, weights="model").left_out == ("head.*",)


def test_a_class_with_a_submodule_called_model_keeps_it(tmp_path: Path) -> None:
    code = (
        "import torch\nclass Net(torch.nn.Module):\n    def __init__(self):\n"
        "        super().__init__()\n        self.model = torch.nn.Conv2d(3, 3, 3)\n"
    )
    (tmp_path / "own.py").write_text(code)
    convolution = nn.Conv2d(3, 3, 3).state_dict()
    for content in (under("model.", convolution), under("net.model.", convolution)):
        network = load_network(
            save({**LIGHTNING, "state_dict": content}, tmp_path),
            architecture=f"{tmp_path / 'own.py'}:Net",
        )
        assert torch.equal(network.module.model.weight, convolution["weight"])


def test_without_a_network_in_mind_a_teacher_beside_it_shows_the_wrapping(tmp_path: Path) -> None:
    inner = {"a": torch.ones(1)}
    path = save(under("student.", inner) | under("teacher.", inner), tmp_path)
    assert list(read_weights(path)) == ["a"]
    assert list(read_weights(save(under("model.", inner), tmp_path))) == ["model.a"]


def test_a_mask_of_minus_infinity_is_no_divergence(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(
        "import torch\nclass Net(torch.nn.Module):\n    def __init__(self):\n"
        "        super().__init__()\n        self.scale = torch.nn.Parameter(torch.ones(2))\n"
        "        self.register_buffer('mask', torch.zeros(2))\n"
    )
    minus = torch.tensor([0.0, float("-inf")])
    code = f"{tmp_path / 'own.py'}:Net"
    good = save({"scale": torch.ones(2), "mask": minus}, tmp_path)
    assert load_network(good, architecture=code).module.mask.tolist() == [0, float("-inf")]
    with pytest.raises(ModelLoadError, match="'scale' has values that are not finite"):
        load_network(save({"scale": minus, "mask": minus}, tmp_path), architecture=code)


def test_an_exported_program_is_refused_with_the_way_to_its_weights(tmp_path: Path) -> None:
    program = torch.export.export(nn.Conv2d(3, 3, 3), (torch.rand(1, 3, 8, 8),))
    torch.export.save(program, tmp_path / "net.pt2")
    with pytest.raises(ModelLoadError, match=r"torch\.export wrote.*unpickles") as caught:
        read_weights(tmp_path / "net.pt2")
    snippet = str(caught.value).split("save the weights alone: ")[1].split(", or export")[0]
    here = snippet.replace("'net", f"'{tmp_path}/net")
    exec(here, {"torch": torch})
    assert set(read_weights(tmp_path / "net-weights.pth")) == {"weight", "bias"}
