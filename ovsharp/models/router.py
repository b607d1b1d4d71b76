"""The network behind a router: what is wrong with a frame, from a few crops of it."""

from __future__ import annotations

from typing import cast

import torch
from torch import nn
from torch.nn import functional


class RouterNetwork(nn.Module):
    """Expected gains of several models on a frame.

    Four convolutions see each crop. What they find is summed up over all places of all crops: the
    mean, and the largest and the smallest values, because noise shows where a picture is flat and
    blur where it is not. Two layers make gains of that.

    Args:
        models: number of gains.

    Shape:
        frames x crops x 3 x side x side float, BGR, 0..1 -> frames x models, dB.
    """

    def __init__(self, models: int) -> None:
        super().__init__()
        widths, strides = (3, 16, 16, 32, 32), (1, 2, 2, 2)
        self.convolutions = nn.ModuleList(
            nn.Conv2d(before, after, 3, stride)
            for before, after, stride in zip(widths, widths[1:], strides, strict=False)
        )
        self.mix = nn.Linear(3 * widths[-1], 64)
        self.gains = nn.Linear(64, models)

    def forward(self, crops: torch.Tensor) -> torch.Tensor:
        frames, count = crops.shape[:2]
        features = crops.flatten(0, 1) - 0.5
        for convolution in self.convolutions:
            features = functional.relu(convolution(features))
        # crops x channels x rows x columns -> frames x channels x all places
        places = features.view(frames, count, features.shape[1], -1).transpose(1, 2).flatten(2)
        found = torch.cat((places.mean(2), places.amax(2), places.amin(2)), 1)
        return cast("torch.Tensor", self.gains(functional.relu(self.mix(found))))


class RouterOnFrames(nn.Module):
    """A trained router as it is deployed: bytes of one frame in, its gains out.

    Shape:
        crops x side x side x 3 uint8, BGR -> models, dB.
    """

    def __init__(self, network: RouterNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, crops: torch.Tensor) -> torch.Tensor:
        values = crops.permute(0, 3, 1, 2).float() / 255
        return cast("torch.Tensor", self.network(values[None])[0])
