"""TFLite files: what LiteRT makes of them is what torch computes."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ovsharp.convert import LiteModel, Options, convert
from ovsharp.errors import MissingExtraError, UnsupportedModelError, UsageError
from ovsharp.models import ARCHITECTURES
from ovsharp.models.student import Student
from tests.convert.drawn_students import coarse_student, write_student
from tests.photos import crop

HAS_LITERT = find_spec("litert_torch") is not None
SEEDS = ("gla", "edsr", "synergy", "dynamic-duo", "visionarv")
"""Students of the systems that ovsharp learned from; docs/systems."""


def by_torch(network: torch.nn.Module, frame: Any) -> Any:
    """Give levels, BGR, as `LiteModel` does."""
    planes = frame[None, ..., ::-1].transpose(0, 3, 1, 2).astype(np.float32) / np.float32(255)
    with torch.inference_mode():
        return network(torch.from_numpy(planes)).numpy().transpose(0, 2, 3, 1)[..., ::-1] * 255


@pytest.mark.skipif(HAS_LITERT, reason="litert-torch is installed")
def test_without_its_extra_it_is_named(tmp_path: Path) -> None:
    path, _ = write_student(tmp_path, Student(channels=16, depth=2, unshuffle=2))
    with pytest.raises(MissingExtraError, match=r"ovsharp\[tflite\]"):
        convert(path, tmp_path / "out", form="tflite", options=Options(size=(32, 48)))
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.skipif(not HAS_LITERT, reason="litert-torch (extra tflite, 2 GB) is not installed")
class TestWithLiteRT:
    """Slow."""

    def test_a_size_has_to_be_named_and_colours_be_rgb(self, tmp_path: Path) -> None:
        path, _ = write_student(tmp_path, Student(channels=16, depth=2, unshuffle=2))
        with pytest.raises(UsageError, match="--size"):
            convert(path, tmp_path / "out", form="tflite")
        with pytest.raises(UnsupportedModelError, match="bgr"):
            options = Options(colour="bgr", size=(32, 32))
            convert(path, tmp_path / "out", form="tflite", options=options)
        assert not (tmp_path / "out").exists()

    def test_a_student(self, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
        path, network = write_student(tmp_path, Student(channels=16, depth=2, unshuffle=2))
        convert(path, tmp_path / "out", form="tflite", options=Options(size=(48, 64)))
        assert "LiteRT" not in capfd.readouterr().out
        (file,) = (tmp_path / "out").iterdir()
        assert file.name == "mine-48x64.tflite"
        photo = crop(80, 190, 48, 64)
        got, expected = LiteModel(file)(photo[None]), by_torch(network, photo)
        np.testing.assert_allclose(got, expected, atol=0.02)

    def test_a_branch_with_more_reach_goes_along(self, tmp_path: Path) -> None:
        path, network = coarse_student(tmp_path)
        options = Options(size=(64, 96))
        (file,) = convert(path, tmp_path / "out", form="tflite", options=options).files
        photo = crop(80, 190, 64, 96)
        got, expected = LiteModel(file)(photo[None]), by_torch(network, photo)
        np.testing.assert_allclose(got, expected, atol=0.02)

    @pytest.mark.parametrize("name", SEEDS)
    def test_a_student_of_the_seed_systems(self, name: str, tmp_path: Path) -> None:
        torch.manual_seed(0)
        network = ARCHITECTURES.build(name).eval()
        torch.save(network.state_dict(), tmp_path / "seed.pth")
        options = Options(architecture=name, size=(32, 48))
        (file,) = convert(tmp_path / "seed.pth", tmp_path, form="tflite", options=options).files
        photo = crop(80, 190, 32, 48)
        got, expected = LiteModel(file)(photo[None]), by_torch(network, photo)
        assert got.shape == expected.shape
        np.testing.assert_allclose(got, expected, atol=0.25)  # of 255: what `convert` allows
