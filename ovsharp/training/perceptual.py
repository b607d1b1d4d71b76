"""Features of VGG, whose distance is a perceptual loss; the weights are the user's file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

from ovsharp.errors import UsageError
from ovsharp.models import read_weights

_WIDTHS: Mapping[str, tuple[int | None, ...]] = {
    "vgg16_relu2_2": (64, 64, None, 128, 128),
    "vgg19_relu3_1": (64, 64, None, 128, 128, None, 256),
}
"""Convolutions up to the layer, by their widths; None is a max-pooling."""

VGG_LAYERS = tuple(_WIDTHS)

_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class VggFeatures(nn.Module):
    """L1 between features of two pictures (Johnson et al. 2016, "Perceptual Losses").

    Args:
        layer: one of `VGG_LAYERS`: network and layer.
        weights: a checkpoint with torchvision's keys, `features.0.weight` and so on.

    Shape:
        picture and target, N x 3 x H x W float, RGB, 0..1 -> a scalar.

    Raises:
        UsageError: there is no file, or it is of another network.
        ModelLoadError: the file cannot be read.
    """

    mean: torch.Tensor
    std: torch.Tensor

    def __init__(self, layer: str, weights: Path | None) -> None:
        super().__init__()
        if weights is None:
            raise UsageError(
                f"the loss {layer} compares features of a trained VGG network: give its weights "
                f"with --vgg FILE, or train without the term with --without {layer}"
            )
        layers: list[nn.Module] = []
        inputs = 3
        for width in _WIDTHS[layer]:
            if width is None:
                layers.append(nn.MaxPool2d(2))
                continue
            layers += [nn.Conv2d(inputs, width, 3, padding=1), nn.ReLU()]
            inputs = width
        self.layers = nn.Sequential(*layers)
        tensors = read_weights(weights)
        try:
            self.layers.load_state_dict(
                {key: tensors[f"features.{key}"] for key in self.layers.state_dict()}
            )
        except (KeyError, RuntimeError) as error:
            raise UsageError(
                f"{weights} does not hold the weights of {layer.split('_')[0]}: expected "
                f"torchvision's keys features.0.weight, features.0.bias and so on"
            ) from error
        self.register_buffer("mean", torch.tensor(_MEAN).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(_STD).view(1, 3, 1, 1))
        self.requires_grad_(requires_grad=False)

    def forward(self, picture: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            expected = self.layers((target - self.mean) / self.std)
        return functional.l1_loss(self.layers((picture - self.mean) / self.std), expected)
