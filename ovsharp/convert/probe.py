"""What a network does to sizes and to shifted pictures, found by trying."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ovsharp.convert.reach import margin_of
from ovsharp.engine import upscale
from ovsharp.errors import UnsupportedModelError
from ovsharp.passes import MAX_MULTIPLE, Body, Coding, Frames, Network, Values

_LARGE = 64
"""A side that is expected to be over the minimum of any network."""
_SAME = 1e-4
"""Largest difference, white = 1, between a pixel and the same pixel of the shifted picture."""


@dataclass(frozen=True)
class Geometry:
    """The sizes that a network takes, and how far its pixels reach."""

    multiple: int
    minimum: int
    margin: int | None

    def side(self, pixels: int) -> int:
        """Give the smallest side of a frame that the network takes, of `pixels` or more."""
        return -(-max(pixels, self.minimum) // self.multiple) * self.multiple


def probe_geometry(body: Body, coding: Coding, network: Network) -> Geometry:
    """Find size multiple, minimum and margin of a network.

    Args:
        body: the network as OpenVINO runs it.
        coding: how it reads and writes pictures.
        network: the network as its source runs it.

    Raises:
        UnsupportedModelError: no multiple up to 64 gives an output of `scale` times the size.
    """
    if body.size is not None:
        return Geometry(multiple=1, minimum=1, margin=None)
    if _stretches(body):
        # What a pixel becomes depends on the size of the picture: no shift leaves it as it is.
        multiple = next(_size_multiples(body))
        return Geometry(multiple, _minimum(body, coding, network, multiple), None)
    for multiple in _size_multiples(body):
        minimum = _minimum(body, coding, network, multiple)
        margin = margin_of(body, multiple, minimum)
        if margin is None:
            return Geometry(multiple, minimum, None)
        patch = _Patch(body, coding, multiple, minimum, margin)
        if patch.is_periodic():
            # Run on noise, the network should never reach farther than its structure says.
            return Geometry(multiple, minimum, margin if patch.reach() <= margin else None)
    multiple = next(_size_multiples(body))
    return Geometry(multiple, _minimum(body, coding, network, multiple), None)


def random_frames(height: int, width: int, seed: int) -> Frames:
    """Give one frame of noise, uint8, 1 x H x W x 3."""
    return np.random.default_rng(seed).integers(0, 256, (1, height, width, 3), np.uint8)


def network_inputs(
    body: Body, coding: Coding, frames: Frames, *, base_of: Frames | None = None
) -> list[Values]:
    """Write one frame, and its upscale if the network takes it, as the network reads them."""
    inputs = [coding.encode(frames)]
    if body.base:
        inputs.append(coding.encode(enlarged(frames if base_of is None else base_of, body.scale)))
    return inputs


def enlarged(frames: Frames, scale: int) -> Frames:
    """Give the bicubic upscale of one frame, uint8, 1 x sH x sW x 3."""
    return upscale(np.ascontiguousarray(frames[0]), scale)[None]


def _stretches(body: Body) -> bool:
    """Whether something inside is resized corner to corner (`align_corners=True`)."""
    return any(
        node.get_type_name() == "Interpolate"
        and node.get_attributes()["coordinate_transformation_mode"] == "align_corners"
        for node in body.model.get_ops()
    )


def _size_multiples(body: Body) -> Iterator[int]:
    """Yield the numbers whose multiples all are sizes of the network: M, 2M, 3M, ..."""
    if not body.multiple:
        raise UnsupportedModelError(
            f"the network's output is not {body.scale} times its input's size at the multiples of "
            f"any number up to {MAX_MULTIPLE}; if one size works, name it with --size HxW"
        )
    yield from range(body.multiple, MAX_MULTIPLE + 1, body.multiple)


def _minimum(body: Body, coding: Coding, network: Network, multiple: int) -> int:
    """Give the smallest square that both the source and OpenVINO run."""
    for side in range(multiple, _LARGE + multiple, multiple):
        inputs = network_inputs(body, coding, random_frames(side, side, seed=0))
        wanted = (1, body.channels, side * body.scale, side * body.scale)
        try:
            if body.network(inputs).shape == wanted == network(inputs).shape:
                return side
        except (RuntimeError, ValueError):
            # Too small, e.g. for reflective padding.
            continue
    return -(-_LARGE // multiple) * multiple


class _Patch:
    """Runs a network on strips of noise that are just long enough to have an inside."""

    def __init__(
        self, body: Body, coding: Coding, multiple: int, minimum: int, margin: int
    ) -> None:
        self._body, self._coding, self._multiple = body, coding, multiple
        self._network = body.network
        self._border = max(margin, multiple)
        self._length = max(2 * self._border + 4 * multiple, minimum)
        self._breadth = max(minimum, 2 * multiple)

    def is_periodic(self) -> bool:
        """Whether a picture shifted by `multiple` gives the picture shifted, inside.

        A stride of 2 does not need even sizes if the network pads them itself, but tiles of such
        a network match only if they start at even places.
        """
        low, high = self._coding.output_range
        for vertical in (True, False):
            noise = random_frames(self._length + self._multiple, self._breadth, seed=1)
            first = self._run(noise[:, : self._length], vertical=vertical)
            shifted = self._run(noise[:, self._multiple :], vertical=vertical)
            scale, step = self._body.scale, self._multiple
            inner = slice((self._border + step) * scale, (self._length - self._border) * scale)
            moved = slice(inner.start - step * scale, inner.stop - step * scale)
            difference = np.abs(first[:, :, inner] - shifted[:, :, moved]).max()
            if not difference <= _SAME * (high - low):
                return False
        return True

    def reach(self) -> int:
        """Give how many rows or columns away a change was seen; a lower bound of the radius."""
        farthest = 0
        for vertical in (True, False):
            for line in (self._length // 2, self._length // 2 + self._multiple - 1):
                noise = random_frames(self._length, self._breadth, seed=2)
                before = self._run(noise, vertical=vertical)
                changed = noise.copy()
                changed[:, line] = 255 - changed[:, line]
                after = self._run(changed, vertical=vertical, base_of=noise)
                touched = np.flatnonzero((before != after).any(axis=(0, 1, 3)))
                if len(touched):
                    distance = np.abs(touched // self._body.scale - line).max()
                    farthest = max(farthest, int(distance))
        return farthest

    def _run(self, noise: Frames, *, vertical: bool, base_of: Frames | None = None) -> Values:
        """Give the output, N x C x along x across, for a strip laid down or across."""
        base_of = noise if base_of is None else base_of
        if not vertical:
            noise, base_of = noise.swapaxes(1, 2), base_of.swapaxes(1, 2)
        inputs = network_inputs(self._body, self._coding, noise, base_of=base_of)
        result = self._network(inputs)
        return result if vertical else result.swapaxes(2, 3)
