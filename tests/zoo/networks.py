"""About sixty small networks, as people build them; also the file of `--arch FILE.py:Zoo`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn import functional

WIDTH = 12

Layer = Callable[..., nn.Module]


class Block(nn.Module):
    """Anything, added to its input."""

    def __init__(self, *parts: nn.Module) -> None:
        super().__init__()
        self.parts = nn.Sequential(*parts)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return features + self.parts(features)


class Gated(nn.Module):
    """Two halves, one the gate of the other."""

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        left, right = features.chunk(2, 1)
        return left * right


class Squeeze(nn.Module):
    """Weighs channels by their mean over the picture."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.down, self.up = nn.Conv2d(width, 4, 1), nn.Conv2d(4, width, 1)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        mean = functional.adaptive_avg_pool2d(features, 1)
        return features * torch.sigmoid(self.up(torch.relu(self.down(mean))))


class Spatial(nn.Module):
    """Weighs pixels by the mean and the maximum of their channels."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 1, 5, padding=2)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        sides = [features.mean(1, keepdim=True), features.amax(1, keepdim=True)]
        return features * torch.sigmoid(self.conv(torch.cat(sides, 1)))


class Transposed(nn.Module):
    """Attention between channels, as in Restormer."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.qkv, self.out = nn.Conv2d(width, 3 * width, 1), nn.Conv2d(width, width, 1)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        n, c, h, w = features.shape
        q, k, v = (part.reshape(n, c, h * w) for part in self.qkv(features).chunk(3, 1))
        q, k = functional.normalize(q, dim=-1), functional.normalize(k, dim=-1)
        mixed = torch.softmax(q @ k.transpose(1, 2), -1) @ v
        return features + self.out(mixed.reshape(n, c, h, w))


class LayerNorm(nn.Module):
    """Over the channels of each pixel."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width, 1, 1))
        self.bias = nn.Parameter(torch.zeros(width, 1, 1))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        centred = features - features.mean(1, keepdim=True)
        scale = torch.sqrt(centred.pow(2).mean(1, keepdim=True) + 1e-6)
        return centred / scale * self.weight + self.bias


class UNet(nn.Module):
    """Down by `down`, up by `up`, with a skip inside."""

    def __init__(self, width: int, levels: int, down: str, up: str) -> None:
        super().__init__()
        self.levels, self.down, self.up = levels, down, up
        self.enter = nn.ModuleList(conv(width, width) for _ in range(levels))
        self.leave = nn.ModuleList(conv(2 * width, width) for _ in range(levels))
        if down == "stride":
            self.shrink = nn.ModuleList(conv(width, width, stride=2) for _ in range(levels))
        if up == "transposed":
            self.grow = nn.ModuleList(nn.ConvTranspose2d(width, width, 2, 2) for _ in range(levels))
        if up == "shuffle":
            self.grow = nn.ModuleList(
                nn.Sequential(nn.Conv2d(width, 4 * width, 1), nn.PixelShuffle(2))
                for _ in range(levels)
            )

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        kept = []
        for level in range(self.levels):
            features = torch.relu(self.enter[level](features))
            kept.append(features)
            if self.down == "stride":
                features = self.shrink[level](features)
            elif self.down == "max":
                features = functional.max_pool2d(features, 2)
            else:
                features = functional.avg_pool2d(features, 2)
        for level in reversed(range(self.levels)):
            if self.up in ("nearest", "bilinear"):
                features = functional.interpolate(features, scale_factor=2, mode=self.up)
            else:
                features = self.grow[level](features)
            features = torch.relu(self.leave[level](torch.cat([features, kept[level]], 1)))
        return features


class Distilled(nn.Module):
    """A part of the channels leaves after each layer, as in IMDN."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.kept, self.rest = width // 4, width - width // 4
        self.first, self.second = conv(width, width), conv(self.rest, width)
        self.third = conv(self.rest, self.kept)
        self.fuse = nn.Conv2d(3 * self.kept, width, 1)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        sizes = [self.kept, self.rest]
        one, rest = functional.leaky_relu(self.first(features), 0.05).split(sizes, 1)
        two, rest = functional.leaky_relu(self.second(rest), 0.05).split(sizes, 1)
        return features + self.fuse(torch.cat([one, two, self.third(rest)], 1))


class Dense(nn.Module):
    """Each layer reads all before it."""

    def __init__(self, width: int, grown: int = 8) -> None:
        super().__init__()
        self.layers = nn.ModuleList(conv(width + i * grown, grown) for i in range(3))
        self.fuse = nn.Conv2d(width + 3 * grown, width, 1)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        seen = [features]
        for layer in self.layers:
            seen.append(functional.leaky_relu(layer(torch.cat(seen, 1)), 0.2))
        return features + 0.2 * self.fuse(torch.cat(seen, 1))


class Fourier(nn.Module):
    """To frequencies and back."""

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return torch.fft.irfft2(torch.fft.rfft2(features), s=features.shape[-2:])


def conv(inputs: int, outputs: int, kernel: int = 3, **options: Any) -> nn.Conv2d:
    padding = options.pop("padding", options.get("dilation", 1) * (kernel // 2))
    return nn.Conv2d(inputs, outputs, kernel, padding=padding, **options)


def plain(act: Layer = nn.ReLU, layers: int = 2, **options: Any) -> list[nn.Module]:
    return [part for _ in range(layers) for part in (conv(WIDTH, WIDTH, **options), act())]


def separable(act: Layer = nn.ReLU) -> list[nn.Module]:
    return [conv(WIDTH, WIDTH, groups=WIDTH), nn.Conv2d(WIDTH, WIDTH, 1), act()]


def normed(norm: Callable[[], nn.Module], act: Layer = nn.ReLU) -> list[nn.Module]:
    return [conv(WIDTH, WIDTH, bias=False), norm(), act(), conv(WIDTH, WIDTH, bias=False), norm()]


class Zoo(nn.Module):
    """One of the zoo, by its name in `NETWORKS`."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.made = NETWORKS[name]()

    def forward(self, frame: torch.Tensor) -> torch.Tensor:
        return self.made(frame)


class Same(nn.Module):
    """Head, body, tail; what is added to the answer and how it ends.

    Args:
        body: takes and gives `WIDTH` channels.
        scale: of the answer.
        skip: what is added: "none", "frame", or how the frame is enlarged for it.
        end: "none", "clamp", "sigmoid", "tanh".
        cells: side of the squares that the picture is unshuffled to first.
        tail: "shuffle", "transposed" or "resize", for a scale over 1.
    """

    def __init__(
        self,
        *body: nn.Module,
        scale: int = 1,
        skip: str = "frame",
        end: str = "none",
        cells: int = 1,
        tail: str = "shuffle",
    ) -> None:
        super().__init__()
        self.scale, self.skip, self.end, self.cells, self.how = scale, skip, end, cells, tail
        self.head = conv(3 * cells * cells, WIDTH)
        self.body = nn.Sequential(*body)
        grown = scale * cells
        if tail == "transposed":
            self.tail: nn.Module = nn.ConvTranspose2d(WIDTH, 3, scale, scale)
        elif tail == "resize" or grown == 1:
            self.tail = conv(WIDTH, 3)
        else:
            self.tail = conv(WIDTH, 3 * grown * grown)

    def forward(self, frame: torch.Tensor) -> torch.Tensor:
        cells = functional.pixel_unshuffle(frame, self.cells) if self.cells > 1 else frame
        hidden = self.body(torch.relu(self.head(cells)))
        if self.how == "resize":
            hidden = functional.interpolate(hidden, scale_factor=self.scale, mode="nearest")
        answer = self.tail(hidden)
        if self.how == "shuffle" and self.scale * self.cells > 1:
            answer = functional.pixel_shuffle(answer, self.scale * self.cells)
        if self.end == "tanh":
            answer = torch.tanh(answer)
        if self.skip == "frame":
            answer = answer + frame
        elif self.skip != "none":
            answer = answer + functional.interpolate(frame, scale_factor=self.scale, mode=self.skip)
        if self.end == "sigmoid":
            answer = torch.sigmoid(answer)
        return answer.clamp(0, 1) if self.end == "clamp" else answer


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    # Activations.
    "relu": lambda: Same(*plain()),
    "relu6": lambda: Same(*plain(nn.ReLU6)),
    "leaky-relu": lambda: Same(*plain(lambda: nn.LeakyReLU(0.1))),
    "prelu": lambda: Same(*plain(lambda: nn.PReLU(WIDTH))),
    "prelu-shared": lambda: Same(*plain(nn.PReLU)),
    "silu": lambda: Same(*plain(nn.SiLU)),
    "gelu": lambda: Same(*plain(nn.GELU)),
    "gelu-tanh": lambda: Same(*plain(lambda: nn.GELU(approximate="tanh"))),
    "mish": lambda: Same(*plain(nn.Mish)),
    "elu": lambda: Same(*plain(nn.ELU)),
    "hardswish": lambda: Same(*plain(nn.Hardswish)),
    "softplus": lambda: Same(*plain(nn.Softplus)),
    "tanh-inside": lambda: Same(*plain(nn.Tanh)),
    # Convolutions.
    "depthwise": lambda: Same(*separable(), *separable()),
    "depthwise-gelu": lambda: Same(*separable(nn.GELU), *separable(nn.GELU)),
    "grouped": lambda: Same(*plain(groups=3)),
    "dilated": lambda: Same(*plain(dilation=2), *plain(dilation=4, layers=1)),
    "kernel-1": lambda: Same(*plain(kernel=1)),
    "kernel-5": lambda: Same(*plain(kernel=5)),
    "kernel-7-depthwise": lambda: Same(conv(WIDTH, WIDTH, 7, groups=WIDTH), nn.GELU()),
    "reflection": lambda: Same(*plain(padding_mode="reflect")),
    "replication": lambda: Same(*plain(padding_mode="replicate")),
    "reflection-layer": lambda: Same(nn.ReflectionPad2d(1), nn.Conv2d(WIDTH, WIDTH, 3), nn.ReLU()),
    "no-bias": lambda: Same(*plain(bias=False)),
    "deep": lambda: Same(*plain(layers=8)),
    # Norms.
    "batch-norm": lambda: Same(Block(*normed(lambda: nn.BatchNorm2d(WIDTH)))),
    "batch-norm-leaky": lambda: Same(
        *normed(lambda: nn.BatchNorm2d(WIDTH), lambda: nn.LeakyReLU(0.2))
    ),
    "instance-norm": lambda: Same(Block(*normed(lambda: nn.InstanceNorm2d(WIDTH)))),
    "group-norm": lambda: Same(Block(*normed(lambda: nn.GroupNorm(3, WIDTH)))),
    "layer-norm": lambda: Same(Block(LayerNorm(WIDTH), *plain(nn.GELU, 1))),
    "weight-norm": lambda: Same(
        nn.utils.parametrizations.weight_norm(conv(WIDTH, WIDTH)), nn.ReLU()
    ),
    # Blocks and attention.
    "residual": lambda: Same(Block(*plain()), Block(*plain())),
    "dense": lambda: Same(Dense(WIDTH)),
    "distilled": lambda: Same(Distilled(WIDTH), Distilled(WIDTH)),
    "squeeze": lambda: Same(*plain(layers=1), Squeeze(WIDTH)),
    "spatial": lambda: Same(*plain(layers=1), Spatial()),
    "channel-attention": lambda: Same(*plain(layers=1), Transposed(WIDTH)),
    "gated": lambda: Same(Block(nn.Conv2d(WIDTH, 2 * WIDTH, 1), Gated(), *plain(layers=1))),
    "nafnet": lambda: Same(
        Block(LayerNorm(WIDTH), conv(WIDTH, 2 * WIDTH), Gated(), Squeeze(WIDTH))
    ),
    # U-Nets.
    "unet-max-nearest": lambda: Same(UNet(WIDTH, 1, "max", "nearest")),
    "unet-mean-bilinear": lambda: Same(UNet(WIDTH, 1, "mean", "bilinear")),
    "unet-stride-transposed": lambda: Same(UNet(WIDTH, 2, "stride", "transposed")),
    "unet-stride-shuffle": lambda: Same(UNet(WIDTH, 2, "stride", "shuffle")),
    "unet-deep": lambda: Same(UNet(WIDTH, 3, "max", "nearest")),
    "unet-sigmoid": lambda: Same(UNet(WIDTH, 1, "max", "nearest"), skip="none", end="sigmoid"),
    # Ends.
    "no-skip": lambda: Same(*plain(), skip="none"),
    "no-skip-clamp": lambda: Same(*plain(), skip="none", end="clamp"),
    "no-skip-leaky": lambda: Same(*plain(lambda: nn.LeakyReLU(0.05)), skip="none"),
    "clamp": lambda: Same(*plain(), end="clamp"),
    "tanh": lambda: Same(*plain(), end="tanh"),
    "sigmoid": lambda: Same(*plain(), skip="none", end="sigmoid"),
    # Cells of pixels.
    "cells-2": lambda: Same(*plain(), cells=2),
    "cells-4": lambda: Same(*plain(), cells=4, end="clamp"),
    "cells-2-no-skip": lambda: Same(*plain(), cells=2, skip="none"),
    # Upscalers.
    "x2-shuffle": lambda: Same(*plain(), scale=2, skip="none"),
    "x2-shuffle-nearest": lambda: Same(*plain(), scale=2, skip="nearest"),
    "x2-shuffle-bilinear": lambda: Same(*plain(), scale=2, skip="bilinear"),
    "x2-transposed": lambda: Same(*plain(), scale=2, skip="nearest", tail="transposed"),
    "x2-resize": lambda: Same(*plain(), scale=2, skip="bilinear", tail="resize"),
    "x2-distilled": lambda: Same(Distilled(WIDTH), Distilled(WIDTH), scale=2, skip="none"),
    "x4-shuffle": lambda: Same(*plain(), scale=4, skip="nearest"),
    "x4-bicubic": lambda: Same(*plain(), scale=4, skip="bicubic"),
    # What few build.
    "fourier": lambda: Same(*plain(), Fourier()),
    "circular": lambda: Same(*plain(padding_mode="circular")),
}
"""By name."""
REFUSED = {"circular": "cannot run what the network computes (Pad: Unsupported padding mode"}
"""What is refused, and why."""


def scale_of(network: nn.Module) -> int:
    """How many times larger a network of the zoo gives a picture."""
    return int(getattr(network, "scale", 1))
