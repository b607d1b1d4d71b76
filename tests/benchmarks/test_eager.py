from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from ovsharp.benchmarks import eager as room
from ovsharp.benchmarks.eager import Eager, load_eager
from ovsharp.benchmarks.variants import find_candidates
from ovsharp.engine import write_ir
from ovsharp.models import Network
from ovsharp.spec import ModelSpec
from tests.convert import torch_networks
from tests.networks import frame_model, frame_spec, write_frame_model

FRAME = np.random.default_rng(0).integers(0, 256, (10, 14, 3), np.uint8)


class Recorder(nn.Module):
    """Gives its input back, enlarged by repetition, and remembers it."""

    def __init__(self, scale: int = 1) -> None:
        super().__init__()
        self.scale = scale
        self.seen = torch.empty(0)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        self.seen = image
        return functional.interpolate(image, scale_factor=self.scale, mode="nearest")


def _eager(module: nn.Module, spec: ModelSpec, **options: int) -> Eager:
    return Eager(Network(module, "test"), spec, **options)


@pytest.mark.parametrize("colour", ["rgb", "bgr"])
@pytest.mark.parametrize("value_range", [(0.0, 1.0), (-1.0, 1.0), (0.0, 255.0)])
def test_the_network_sees_its_colours_and_its_range(
    colour: str, value_range: tuple[float, float]
) -> None:
    network = Recorder()
    output = _eager(network, frame_spec(colour=colour, value_range=value_range))(FRAME)
    np.testing.assert_array_equal(output, FRAME)
    low, high = value_range
    ordered = FRAME[..., ::-1] if colour == "rgb" else FRAME
    expected = ordered.transpose(2, 0, 1) / 255 * (high - low) + low
    np.testing.assert_allclose(network.seen[0].numpy(), expected, atol=1e-4)


def test_mean_and_std_are_applied_after_the_range() -> None:
    network = Recorder()
    spec = frame_spec(colour="bgr", mean=(0.1, 0.2, 0.3), std=(0.5, 0.6, 0.7))
    _eager(network, spec)(FRAME)
    expected = (FRAME / 255 - np.array(spec.mean)) / np.array(spec.std)
    np.testing.assert_allclose(
        network.seen[0].permute(1, 2, 0).numpy(), expected, rtol=1e-5, atol=1e-6
    )


def test_frames_are_padded_and_the_output_cropped() -> None:
    network = Recorder(scale=2)
    output = _eager(network, frame_spec(scale=2, unshuffle=4))(FRAME)
    assert network.seen.shape == (1, 3, 12, 16)
    np.testing.assert_array_equal(output, FRAME.repeat(2, axis=0).repeat(2, axis=1))


def test_the_output_is_rounded_and_clamped() -> None:
    class Overshoot(nn.Module):
        def forward(self, image: torch.Tensor) -> torch.Tensor:
            return image * 3 - 1 + 0.4 / 255

    output = _eager(Overshoot(), frame_spec())(FRAME)
    expected = np.clip(FRAME.astype(int) * 3 - 255, 0, 255)
    np.testing.assert_array_equal(output, expected)


def test_of_several_outputs_the_picture_is_taken(tmp_path: Path) -> None:
    torch.save(torch_networks.TwiceWithFeatures().state_dict(), tmp_path / "net.pth")
    architecture = f"{torch_networks.__file__}:TwiceWithFeatures"
    text = f"{tmp_path / 'net.pth'},arch={architecture},output=1,range=0:1"
    (candidate,) = find_candidates([text], tmp_path / "scratch")
    eager = load_eager(candidate, None)
    assert isinstance(eager, Eager)
    assert eager(FRAME).shape == (20, 28, 3)


def test_a_network_of_luma_is_no_row(tmp_path: Path) -> None:
    path = write_ir(frame_model(), frame_spec(colour="luma"), tmp_path)
    (candidate,) = find_candidates([str(path)], tmp_path / "scratch")
    assert "luma" in str(load_eager(candidate, None))


def test_no_torch_is_a_reason_and_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (candidate,) = find_candidates([str(write_frame_model(tmp_path))], tmp_path / "scratch")
    assert load_eager(candidate, None) == "there is no PyTorch checkpoint"
    monkeypatch.setattr(room, "find_spec", lambda name: None)
    assert load_eager(candidate, None) == "torch is not installed"
