"""Small torch networks with the traps of real ones; also the file of `--arch FILE.py:Class`."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional


def correction(inputs: int, outputs: int) -> nn.Conv2d:
    layer = nn.Conv2d(inputs, outputs, 3, padding=1)
    nn.init.normal_(layer.weight, std=0.01)
    return layer


class Tanh(nn.Module):
    """Works on -1..1."""

    def __init__(self, channels: int = 8) -> None:
        super().__init__()
        self.head = nn.Conv2d(3, channels, 3, padding=1)
        self.tail = correction(channels, 3)

    def forward(self, frame: torch.Tensor) -> torch.Tensor:
        hidden = functional.relu(self.head(frame))
        return torch.clamp(frame + torch.tanh(self.tail(hidden)), -1, 1)


class UNet(nn.Module):
    """Fails at odd sizes; the correction is added and clamped."""

    def __init__(self) -> None:
        super().__init__()
        self.top = nn.Conv2d(3, 8, 3, padding=1)
        self.low = nn.Conv2d(8, 8, 3, padding=1)
        self.up = nn.ConvTranspose2d(8, 8, 2, 2)
        self.tail = correction(16, 3)

    def forward(self, frame: torch.Tensor) -> torch.Tensor:
        top = functional.relu(self.top(frame))
        low = self.up(functional.relu(self.low(functional.max_pool2d(top, 2))))
        return torch.clamp(frame + self.tail(torch.cat([top, low], 1)), 0, 1)


class TwiceWithFeatures(nn.Module):
    """x2 by a pixel shuffle; gives the picture, and features in a dictionary."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Conv2d(3, 8, 3, padding=1)
        self.tail = nn.Conv2d(8, 12, 3, padding=1)

    def forward(self, frame: torch.Tensor) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
        features = functional.leaky_relu(self.head(frame), 0.1)
        return {"features": features}, functional.pixel_shuffle(self.tail(features), 2)


class Attention(nn.Module):
    """Looks at the whole picture: instance norm, channel attention, max and mean of channels."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Conv2d(3, 8, 3, padding=1)
        self.norm = nn.InstanceNorm2d(8)
        self.squeeze = nn.Conv2d(8, 8, 1)
        self.spatial = nn.Conv2d(2, 1, 7, padding=3)
        self.tail = correction(8, 3)

    def forward(self, frame: torch.Tensor) -> torch.Tensor:
        hidden = functional.silu(self.norm(self.head(frame)))
        pooled = functional.adaptive_avg_pool2d(hidden, 1)
        hidden = hidden * torch.sigmoid(self.squeeze(pooled))
        sides = [hidden.max(1, keepdim=True)[0], hidden.mean(1, keepdim=True)]
        hidden = hidden * torch.sigmoid(self.spatial(torch.cat(sides, 1)))
        hidden = functional.interpolate(hidden, scale_factor=2, mode="nearest")
        return frame + self.tail(functional.avg_pool2d(hidden, 2))


class Guided(nn.Module):
    """Takes two inputs."""

    def forward(self, frame: torch.Tensor, guide: torch.Tensor) -> torch.Tensor:
        return frame + guide


class Branching(nn.Module):
    """Decides by the values of the picture."""

    def __init__(self) -> None:
        super().__init__()
        self.tail = nn.Conv2d(3, 3, 3, padding=1)

    def forward(self, frame: torch.Tensor) -> torch.Tensor:
        return self.tail(frame) if frame.mean() > 0.5 else frame


class Windows(nn.Module):
    """Flattens a picture of 32x48: runs at that size only."""

    def __init__(self) -> None:
        super().__init__()
        self.tail = correction(3, 3)

    def forward(self, frame: torch.Tensor) -> torch.Tensor:
        return self.tail(frame.reshape(1, 3, 32 * 48).reshape(1, 3, 32, 48)) + frame


class Filling(nn.Module):
    """Makes what is dark bright: black becomes white, a correction of 255 levels."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Conv2d(12, 12, 1)
        self.tail = nn.Conv2d(12, 12, 1)
        with torch.no_grad():
            self.head.weight.copy_(-torch.eye(12).reshape(12, 12, 1, 1))
            self.head.bias.fill_(0.25)
            self.tail.weight.copy_(4 * torch.eye(12).reshape(12, 12, 1, 1))
            self.tail.bias.zero_()

    def forward(self, frame: torch.Tensor) -> torch.Tensor:
        hidden = functional.relu(self.head(functional.pixel_unshuffle(frame, 2)))
        return frame + functional.pixel_shuffle(self.tail(hidden), 2)


class Circular(nn.Module):
    """Pads with the other side of the picture, which OpenVINO cannot."""

    def __init__(self) -> None:
        super().__init__()
        self.tail = nn.Conv2d(3, 3, 3, padding=1, padding_mode="circular")

    def forward(self, frame: torch.Tensor) -> torch.Tensor:
        return frame + self.tail(frame)


class Fourier(nn.Module):
    """Works on the spectrum, on complex numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Conv2d(6, 6, 1)

    def forward(self, frame: torch.Tensor) -> torch.Tensor:
        spectrum = torch.fft.rfft2(frame, norm="ortho")
        real, imaginary = self.mix(torch.cat([spectrum.real, spectrum.imag], 1)).chunk(2, 1)
        mixed = torch.complex(real, imaginary)
        return frame + torch.fft.irfft2(mixed, s=frame.shape[2:], norm="ortho")


class Frequencies(nn.Module):
    """Goes to the spectrum and back, and does nothing there."""

    def __init__(self) -> None:
        super().__init__()
        self.tail = nn.Conv2d(3, 3, 3, padding=1)

    def forward(self, frame: torch.Tensor) -> torch.Tensor:
        back = torch.fft.irfft2(torch.fft.rfft2(frame), s=frame.shape[2:])
        return frame + 0.1 * self.tail(back)


class Unpooling(nn.Module):
    """Puts values back to where max-pooling found them; onnx's own evaluator fails at it."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Conv2d(3, 4, 3, padding=1)
        self.tail = correction(4, 3)

    def forward(self, frame: torch.Tensor) -> torch.Tensor:
        hidden = functional.relu(self.head(frame))
        largest, places = functional.max_pool2d(hidden, 2, return_indices=True)
        return frame + self.tail(functional.max_unpool2d(largest, places, 2))
