"""The damages by the names that recipes call them, and what their parameters may be.

A damage is a plain function: a uint8 H x W x 3 BGR image gives another one. Its keyword arguments
arrive already drawn by `Recipe` (one value per image) and within what `OPERATIONS` declares;
`rng` is there for those that need randomness per pixel.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from ovsharp.degrade.codec_damage import (
    ENLARGERS,
    Codec,
    av1,
    clip_through,
    h264,
    image_through,
    jpeg,
    vp8,
    vp9,
)
from ovsharp.degrade.optics import blur, defocus, motion_blur
from ovsharp.degrade.resampling import RESAMPLERS, down, down_up
from ovsharp.degrade.sensor import jitter, noise, sensor_noise
from ovsharp.degrade.transmission import lost_blocks, lost_slices
from ovsharp.media import Frame


@dataclass(frozen=True)
class Number:
    """A parameter that is a number from `low` to `high`."""

    low: float
    high: float
    whole: bool = True
    odd: bool = False
    """Even numbers make no sense; so neither does a range."""

    @property
    def description(self) -> str:
        """What is expected, in words."""
        kind = "an odd number" if self.odd else "a whole number" if self.whole else "a number"
        return f"{kind} of {self.low:g}..{self.high:g}"

    def accepts(self, value: float | str) -> bool:
        """Tell whether a value is one of these numbers."""
        if isinstance(value, str) or (self.whole and not isinstance(value, int)):
            return False
        return self.low <= value <= self.high and (not self.odd or value % 2 == 1)


@dataclass(frozen=True)
class Name:
    """A parameter that is one of some names."""

    names: tuple[str, ...]

    @property
    def description(self) -> str:
        """What is expected, in words."""
        return f"one of {', '.join(self.names)}"

    def accepts(self, value: float | str) -> bool:
        """Tell whether a value is one of these names."""
        return value in self.names


@dataclass(frozen=True)
class Operation:
    """A damage and what its parameters may be."""

    apply: Callable[..., Frame]
    parameters: Mapping[str, Number | Name]
    resizes: bool = False
    """Whether the result has another size, which must then be the same for every image."""
    clip: Callable[..., list[Frame]] | None = None
    """What is done to consecutive frames, where that is more than `apply` to each of them."""


_METHOD = Name(RESAMPLERS)
_FACTOR = Number(0, 4, whole=False)
_SHARE = {"share": Number(0, 1, whole=False), "shift": Number(0, 64)}
_SENT: Mapping[str, Number | Name] = {
    "kbps": Number(0, 100_000, whole=False),
    "scale": Number(1, 8, whole=False),
    "enlarge": Name(tuple(ENLARGERS)),
    "frames": Number(1, 32),
}
_AV1: Mapping[str, Number | Name] = {"quantizer": Number(0, 63), **_SENT}
_VPX: Mapping[str, Number | Name] = {"speed": Number(0, 8), **_AV1}


def _sent_by(codec: Codec, parameters: Mapping[str, Number | Name]) -> Operation:
    return Operation(partial(image_through, codec), parameters, clip=partial(clip_through, codec))


OPERATIONS: Mapping[str, Operation] = {
    "blur": Operation(
        blur, {"sigma": Number(0.01, 100, whole=False), "kernel": Number(1, 99, odd=True)}
    ),
    "defocus": Operation(defocus, {"radius": Number(0, 50, whole=False)}),
    "motion_blur": Operation(
        motion_blur,
        {"length": Number(1, 99, whole=False), "angle": Number(-360, 360, whole=False)},
    ),
    "down": Operation(down, {"scale": Number(1, 16), "method": _METHOD}, resizes=True),
    "down_up": Operation(down_up, {"scale": Number(1, 64, whole=False), "method": _METHOD}),
    "noise": Operation(noise, {"sigma": Number(0, 255, whole=False)}),
    "sensor_noise": Operation(
        sensor_noise,
        {"shot": Number(0, 100, whole=False), "read": Number(0, 255, whole=False)},
    ),
    "jitter": Operation(
        jitter, {"brightness": _FACTOR, "contrast": _FACTOR, "saturation": _FACTOR}
    ),
    "jpeg": Operation(jpeg, {"quality": Number(1, 100)}),
    "h264": _sent_by(h264, {"crf": Number(0, 51), **_SENT}),
    "vp8": _sent_by(vp8, _VPX),
    "vp9": _sent_by(vp9, _VPX),
    "av1": _sent_by(av1, _AV1),
    "lost_blocks": Operation(lost_blocks, _SHARE),
    "lost_slices": Operation(lost_slices, _SHARE),
}
