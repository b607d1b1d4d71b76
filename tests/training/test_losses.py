from pathlib import Path

import numpy as np
import pytest
import skimage.data
import torch
from torch import nn
from torch.nn import functional

from ovsharp import UsageError
from ovsharp.quality import ssim
from ovsharp.quality.pixels import brightness
from ovsharp.training.losses import PLAIN, Losses
from ovsharp.training.perceptual import VggFeatures
from tests.training.vgg import vgg_weights


@pytest.fixture
def pictures() -> tuple[torch.Tensor, torch.Tensor]:
    image = torch.from_numpy(skimage.data.astronaut()[:192, :192].copy()).permute(2, 0, 1)[None]
    sharp = image.float() / 255
    return 0.98 * functional.avg_pool2d(sharp, 5, 1, 2, count_include_pad=False), sharp


@pytest.mark.parametrize("name", PLAIN)
def test_equal_pictures_cost_nothing_and_others_do(
    name: str, pictures: tuple[torch.Tensor, torch.Tensor]
) -> None:
    blurred, sharp = pictures
    assert abs(float(PLAIN[name](sharp, sharp))) < 1e-6
    assert float(PLAIN[name](blurred, sharp)) > 1e-4


@pytest.mark.parametrize("name", PLAIN)
def test_following_the_slope_brings_pictures_together(
    name: str, pictures: tuple[torch.Tensor, torch.Tensor]
) -> None:
    blurred, sharp = pictures
    picture = blurred.clone().requires_grad_()
    before = PLAIN[name](picture, sharp)
    before.backward()
    assert picture.grad is not None
    assert torch.isfinite(picture.grad).all()
    step = 1e-3 * picture.grad / picture.grad.abs().max()
    assert PLAIN[name](picture.detach() - step, sharp) < before.detach()


def test_ssim_is_the_one_of_the_reports(pictures: tuple[torch.Tensor, torch.Tensor]) -> None:
    frames = [
        np.ascontiguousarray((p[0].permute(1, 2, 0) * 255).round().byte().numpy()) for p in pictures
    ]
    whole = [torch.from_numpy(f).permute(2, 0, 1)[None].float() / 255 for f in frames]
    assert 1 - float(PLAIN["ssim"](*whole)) == pytest.approx(ssim(*frames), abs=1e-5)


def test_luma_is_the_one_of_the_reports_and_blind_to_colour(
    pictures: tuple[torch.Tensor, torch.Tensor],
) -> None:
    blurred, sharp = pictures
    planes = [brightness((p[0].permute(1, 2, 0) * 255).numpy()[..., ::-1]) for p in pictures]
    expected = np.abs(planes[0] - planes[1]).mean() / 255
    assert float(PLAIN["luma"](blurred, sharp)) == pytest.approx(expected, rel=1e-4)
    yellower = sharp + torch.tensor([0.05, 0.05, -0.05 * 0.886 / 0.114])[:, None, None]
    assert float(PLAIN["luma"](yellower, sharp)) < 1e-6


def test_contrast_sees_softness_and_not_what_is_wrong(
    pictures: tuple[torch.Tensor, torch.Tensor],
) -> None:
    blurred, sharp = pictures
    inverse = sharp.mean((2, 3), keepdim=True) * 2 - sharp
    assert float(PLAIN["contrast"](inverse, sharp)) < 1e-5
    assert float(PLAIN["contrast"](blurred, sharp)) > 0.01


def test_gradient_sees_edges_only(pictures: tuple[torch.Tensor, torch.Tensor]) -> None:
    _, sharp = pictures
    # Away from the border, which padding would make an edge.
    assert float(PLAIN["gradient"](sharp, sharp + 0.1)) < 1e-6
    ramp = torch.linspace(0, 1, 11).expand(1, 3, 11, 11)
    # One step of .1 per pixel across and none down: the mean of both directions is .05... of 2
    # pixels' distance, at unit gain.
    assert float(PLAIN["gradient"](ramp, ramp * 0)) == pytest.approx(0.05, abs=1e-6)


def test_fft_does_not_see_where_things_are() -> None:
    picture = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    assert float(PLAIN["fft"](picture, picture.roll((5, 7), (2, 3)))) < 1e-5
    assert float(PLAIN["l1"](picture, picture.roll((5, 7), (2, 3)))) > 0.1


def test_terms_are_weighted_and_reported_one_by_one(
    pictures: tuple[torch.Tensor, torch.Tensor],
) -> None:
    terms = Losses({"l1": 2.0, "mse": 0.5, "ssim": 0.0})(*pictures)
    assert set(terms) == {"l1", "mse"}
    assert torch.equal(terms["l1"], 2 * functional.l1_loss(*pictures))
    assert torch.equal(terms["mse"], 0.5 * functional.mse_loss(*pictures))


@pytest.mark.parametrize("layer", ["vgg16_relu2_2", "vgg19_relu3_1"])
def test_perceptual_terms_compare_features(
    layer: str, tmp_path: Path, pictures: tuple[torch.Tensor, torch.Tensor]
) -> None:
    blurred, sharp = pictures
    losses = Losses({layer: 1.0}, vgg=vgg_weights(tmp_path))
    assert float(losses(sharp, sharp)[layer]) == 0
    picture = blurred.clone().requires_grad_()
    losses(picture, sharp)[layer].backward()
    assert picture.grad is not None
    assert not any(parameter.requires_grad for parameter in losses.parameters())


def test_perceptual_layer_is_computed_as_torchvision_does(
    tmp_path: Path, pictures: tuple[torch.Tensor, torch.Tensor]
) -> None:
    features = VggFeatures("vgg16_relu2_2", vgg_weights(tmp_path))
    kinds = [type(layer) for layer in features.layers]
    # torchvision's vgg16().features[:9]
    conv, relu, pool = nn.Conv2d, nn.ReLU, nn.MaxPool2d
    assert kinds == [conv, relu, conv, relu, pool, conv, relu, conv, relu]
    mean = features.mean.expand(1, 3, 8, 8)
    assert features.layers[0]((mean - features.mean) / features.std).abs().max() == 0


def test_missing_and_wrong_weights_are_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--vgg FILE"):
        Losses({"vgg16_relu2_2": 1.0})
    wrong = vgg_weights(tmp_path, widths=(8, 8, 8, 8, 8))
    with pytest.raises(UsageError, match=r"torchvision's keys features\.0\.weight"):
        Losses({"vgg16_relu2_2": 1.0}, vgg=wrong)


def test_colour_sees_a_tint_and_no_detail() -> None:
    picture = torch.rand(2, 3, 16, 16)
    assert float(PLAIN["colour"](picture, picture.flip(2))) < 1e-6
    tinted = picture + torch.tensor([0.1, 0.0, -0.2])[:, None, None]
    assert float(PLAIN["colour"](tinted, picture)) == pytest.approx(0.1, abs=1e-6)


def test_features_need_the_weights_of_their_network() -> None:
    with pytest.raises(UsageError, match="give its weights with --vgg FILE, or train without"):
        VggFeatures("relu2_2", None)
