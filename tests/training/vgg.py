"""Weights of the network that perceptual losses look through, at random."""

from __future__ import annotations

from pathlib import Path

import torch


def vgg_weights(folder: Path, *, widths: tuple[int, ...] = (64, 64, 128, 128, 256)) -> Path:
    """A file in torchvision's layout of VGG19, with random weights."""
    places, tensors, inputs = (0, 2, 5, 7, 10), {}, 3
    generator = torch.Generator().manual_seed(0)
    for place, width in zip(places, widths, strict=True):
        tensors[f"features.{place}.weight"] = torch.randn(
            width, inputs, 3, 3, generator=generator
        ) / (3 * inputs**0.5)
        tensors[f"features.{place}.bias"] = torch.zeros(width)
        inputs = width
    tensors["classifier.0.weight"] = torch.zeros(1)
    path = folder / "vgg.pth"
    torch.save(tensors, path)
    return path
