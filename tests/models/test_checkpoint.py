"""Every kind of file that is taken for a checkpoint."""

from __future__ import annotations

import argparse
import os
import pickle
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from ovsharp.errors import ModelLoadError
from ovsharp.models import checkpoint, read_weights


def weights() -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    return {"a.weight": torch.rand(2, 3), "a.bias": torch.rand(2)}


def assert_equal_weights(found: dict[str, torch.Tensor]) -> None:
    assert list(found) == list(weights())
    for key, tensor in weights().items():
        assert torch.equal(found[key], tensor)


def test_the_three_formats(tmp_path: Path) -> None:
    torch.save(weights(), tmp_path / "new.pt")
    torch.save(weights(), tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    save_file(weights(), tmp_path / "safe.safetensors")

    assert_equal_weights(read_weights(tmp_path / "new.pt"))
    assert_equal_weights(read_weights(tmp_path / "old.pth"))
    safe = read_weights(tmp_path / "safe.safetensors")
    assert_equal_weights({key: safe[key] for key in weights()})


@pytest.mark.parametrize("wrapper", checkpoint.WRAPPERS)
def test_wrappers_are_taken_off(wrapper: str, tmp_path: Path) -> None:
    state = {"epoch": 3, wrapper: weights(), "optimizer": {"state": {}, "param_groups": []}}
    torch.save(state, tmp_path / "state.pth")

    assert_equal_weights(read_weights(tmp_path / "state.pth"))


def test_wrappers_in_wrappers_and_averaged_weights_first(tmp_path: Path) -> None:
    raw = {key: tensor + 1 for key, tensor in weights().items()}
    torch.save({"model": {"params": raw, "params_ema": weights()}}, tmp_path / "state.pth")

    assert_equal_weights(read_weights(tmp_path / "state.pth"))


@pytest.mark.parametrize(
    "prefix", ["module.", "_orig_mod.", "module._orig_mod.", "_orig_mod.module.module."]
)
def test_prefixes_are_stripped(prefix: str, tmp_path: Path) -> None:
    torch.save({prefix + key: value for key, value in weights().items()}, tmp_path / "p.pth")

    assert_equal_weights(read_weights(tmp_path / "p.pth"))


def test_a_submodule_called_module_keeps_its_name(tmp_path: Path) -> None:
    torch.save({"module.a": torch.ones(1), "b": torch.ones(1)}, tmp_path / "m.pth")

    assert list(read_weights(tmp_path / "m.pth")) == ["module.a", "b"]


def test_entries_that_are_no_tensors_are_left_out(tmp_path: Path) -> None:
    torch.save({**weights(), "epoch": 3, "best": None}, tmp_path / "mixed.pth")

    assert_equal_weights(read_weights(tmp_path / "mixed.pth"))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_precisions_become_float32(dtype: torch.dtype, tmp_path: Path) -> None:
    torch.save(
        {"w": torch.tensor([0.5, 2.0], dtype=dtype), "n": torch.tensor(7)}, tmp_path / "h.pth"
    )
    found = read_weights(tmp_path / "h.pth")

    assert found["w"].dtype == torch.float32
    assert found["w"].tolist() == [0.5, 2.0]
    assert found["n"].dtype == torch.int64


def test_a_pickle_that_contains_itself_ends(tmp_path: Path) -> None:
    state: dict[str, Any] = {}
    state["model"] = state
    torch.save(state, tmp_path / "loop.pth")
    with pytest.raises(ModelLoadError, match="holds no weights"):
        read_weights(tmp_path / "loop.pth")


def scripted(path: Path) -> None:
    torch.jit.trace(nn.Conv2d(1, 1, 1), torch.zeros(1, 1, 2, 2)).save(str(path))


def whole_network(path: Path) -> None:
    torch.save(nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()), path)


def whole_network_old(path: Path) -> None:
    torch.save(nn.Conv2d(3, 4, 3), path, _use_new_zipfile_serialization=False)


def network_in_a_state(path: Path) -> None:
    torch.save({"epoch": 1, "model": nn.Conv2d(3, 4, 3)}, path)


def foreign_objects(path: Path) -> None:
    torch.save({"state_dict": weights(), "options": argparse.Namespace(rate=1)}, path)


def foreign_objects_old(path: Path) -> None:
    state = {"net": weights(), "options": argparse.Namespace(rate=1)}
    torch.save(state, path, _use_new_zipfile_serialization=False)


def pickled_optimizer(path: Path) -> None:
    network = nn.Conv2d(3, 4, 3)
    optimizer = torch.optim.Adam(network.parameters())  # holds "params" of its own
    torch.save({"optimizer": optimizer, "model": weights()}, path)


def truncated(path: Path) -> None:
    torch.save(weights(), path)
    path.write_bytes(path.read_bytes()[:-200])


def truncated_old(path: Path) -> None:
    torch.save(weights(), path, _use_new_zipfile_serialization=False)
    path.write_bytes(path.read_bytes()[:-10])


def truncated_safetensors(path: Path) -> None:
    save_file(weights(), path)
    path.write_bytes(path.read_bytes()[:-10])


def plain_zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", "{}")


def diverged(path: Path) -> None:
    torch.save({**weights(), "b.weight": torch.tensor([1.0, float("nan")])}, path)


def sparse(path: Path) -> None:
    torch.save({"w": torch.eye(3).to_sparse()}, path)


def repeated(path: Path) -> None:
    torch.save({"w": torch.zeros(1).expand(1 << 40)}, path)


BAD = [
    (scripted, r"TorchScript archive.*torch\.jit\.load\('bad\.pth'.*state_dict\(\)"),
    (whole_network, r"whole pickled network.*weights_only=False\)\.state_dict\(\), 'bad-weights"),
    (whole_network_old, r"whole pickled network \(torch\.nn\.modules\.conv\.Conv2d\)"),
    (network_in_a_state, r"weights_only=False\)\['model'\]\.state_dict\(\), 'bad-weights"),
    (foreign_objects, r"argparse\.Namespace.*weights_only=False\)\['state_dict'\], 'bad-weights"),
    (foreign_objects_old, r"argparse\.Namespace.*weights_only=False\)\['net'\], 'bad-weights"),
    (pickled_optimizer, r"torch\.optim\.adam\.Adam.*\['model'\], 'bad-weights"),
    (truncated, "truncated or damaged"),
    (truncated_old, "truncated or damaged"),
    (truncated_safetensors, "truncated or damaged"),
    (plain_zip, r"zip archive without a checkpoint.*config\.json"),
    (diverged, r"'b\.weight' has values that are not finite"),
    (sparse, "'w' is no plain tensor"),
    (repeated, "holds .* MB of weights; OVSHARP_MAX_MODEL_MB"),
    (lambda path: path.write_bytes(b""), "is empty"),
    (lambda path: path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(64)), "Keras.*ONNX"),
    (lambda path: path.write_text("\n<!DOCTYPE html><html></html>"), "HTML page"),
    (lambda path: path.write_text("version https://git-lfs.github.com/spec/v1\n"), "git lfs pull"),
    (lambda path: path.write_bytes(b"GIF89a" + bytes(64)), "no checkpoint.*GIF89a"),
    (
        lambda path: path.write_bytes(pickle.dumps({"a": [1.0]})),
        r"\(Unsupported operand.*save",
    ),
    (lambda path: torch.save({"epoch": 3}, path), "holds no weights.*epoch"),
    (lambda path: torch.save([torch.zeros(1)], path), "holds no weights.*list"),
    (lambda path: path.mkdir(), "is a folder"),
    (lambda path: None, "does not exist"),
]


@pytest.mark.parametrize(("write", "reason"), BAD)
def test_bad_file(write: Any, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.pth"
    write(path)
    with pytest.raises(ModelLoadError, match=reason) as caught:
        read_weights(path)
    assert "bad.pth" in str(caught.value)


@pytest.mark.parametrize("zipped", [True, False])
def test_wrong_bytes_are_never_more_than_a_damaged_file(zipped: bool, tmp_path: Path) -> None:
    path = tmp_path / "changed.pth"
    torch.save({"model": weights()}, path, _use_new_zipfile_serialization=zipped)
    whole = path.read_bytes()
    refused = 0
    for position in range(0, min(len(whole), 800), 2):
        path.write_bytes(whole[:position] + b"\x17" + whole[position + 1 :])
        try:
            read_weights(path)
        except ModelLoadError:
            refused += 1
    assert refused > 50


def test_size_is_checked_before_the_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.pth"
    with path.open("wb") as file:
        file.truncate(3 << 30)  # a sparse file: it takes no room on the disk
    with pytest.raises(ModelLoadError, match=r"3221 MB: .* OVSHARP_MAX_MODEL_MB .* now 2048"):
        read_weights(path)


class _Bomb:
    """Would make a file if it were ever unpickled."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.target,))


@pytest.mark.parametrize("zipped", [True, False])
def test_a_call_into_the_system_is_named(zipped: bool, tmp_path: Path) -> None:
    path = tmp_path / "bomb.pth"
    torch.save({"model": os.system}, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(ModelLoadError, match=r"system\): to open it would run code"):
        read_weights(path)


@pytest.mark.parametrize("zipped", [True, False])
def test_code_in_a_file_is_never_run(zipped: bool, tmp_path: Path) -> None:
    target = tmp_path / "ran"
    path = tmp_path / "bomb.pth"
    torch.save({"model": _Bomb(target)}, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(ModelLoadError, match="which ovsharp never does"):
        read_weights(path)
    assert not target.exists()


def test_the_advice_in_the_message_works(tmp_path: Path) -> None:
    foreign_objects(tmp_path / "state.pth")
    with pytest.raises(ModelLoadError) as caught:
        read_weights(tmp_path / "state.pth")
    snippet = str(caught.value).split('python -c "')[1].rstrip('"')
    subprocess.run([sys.executable, "-c", snippet], cwd=tmp_path, check=True)

    assert_equal_weights(read_weights(tmp_path / "state-weights.pth"))


def test_a_folder_and_a_keras_file_are_named(tmp_path: Path) -> None:
    with pytest.raises(ModelLoadError, match="is a folder: expected a"):
        read_weights(tmp_path)
    keras = tmp_path / "model.h5"
    keras.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(99))
    with pytest.raises(ModelLoadError, match=r"an HDF5 file, as Keras writes it.* to ONNX"):
        read_weights(keras)
