"""The baseline row: the same network in eager PyTorch, f32, on the same frames."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np

from ovsharp.benchmarks.variants import Candidate
from ovsharp.engine import Frame, pad, upscale
from ovsharp.spec import ModelSpec

if TYPE_CHECKING:
    import torch

    from ovsharp.models import Network


class Eager:
    """A network in eager PyTorch, frame in, frame out.

    Its output is taken to be in the range of its input.

    Args:
        network: takes one colour picture, and its base if the spec says so; gives one.
        spec: of the same model as IR: how frames are written for the network.
        threads: of PyTorch, process-wide; None for its own choice.
    """

    def __init__(self, network: Network, spec: ModelSpec, *, threads: int | None = None) -> None:
        import torch

        self._torch = torch
        self._module, self._spec = network.module, spec
        if threads is not None:
            torch.set_num_threads(threads)

    def __call__(self, frame: Frame) -> Frame:
        """Sharpen one uint8 H x W x 3 BGR frame of any size."""
        height, width = frame.shape[:2]
        padded = pad(frame, *self._spec.padded(height, width))
        height, width = height * self._spec.scale, width * self._spec.scale
        with self._torch.inference_mode():
            output = self._module(*self.inputs(padded))
        low, high = self._spec.value_range
        levels = output[0, :, :height, :width].permute(1, 2, 0).sub(low).mul(255 / (high - low))
        pixels = levels.round().clamp(0, 255).byte().numpy()
        return np.ascontiguousarray(pixels[..., ::-1] if self._spec.colour == "rgb" else pixels)

    def inputs(self, frame: Frame) -> tuple[torch.Tensor, ...]:
        """Make what the network takes: float, 1 x 3 x H x W; then the base, if it takes one."""
        base = (upscale(frame, self._spec.scale),) if self._spec.base else ()
        return tuple(self._tensor(picture) for picture in (frame, *base))

    def _tensor(self, frame: Frame) -> torch.Tensor:
        spec = self._spec
        low, high = spec.value_range
        ordered = np.ascontiguousarray(frame[..., ::-1] if spec.colour == "rgb" else frame)
        values = self._torch.from_numpy(ordered).permute(2, 0, 1)[None].float()
        mean = self._torch.tensor(spec.mean or (0.0,)).view(1, -1, 1, 1)
        std = self._torch.tensor(spec.std or (1.0,)).view(1, -1, 1, 1)
        return values.mul((high - low) / 255).add(low).sub(mean).div(std).contiguous()

    def bare(self, height: int, width: int) -> Callable[[], int]:
        """Give a call of the network alone, on a tensor of random pixels made beforehand."""
        pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
        tensors = self.inputs(pixels)

        def run() -> int:
            with self._torch.inference_mode():
                self._module(*tensors)
            return 1

        return run

    @property
    def threads(self) -> int:
        """What PyTorch runs with."""
        return self._torch.get_num_threads()


def load_eager(candidate: Candidate, threads: int | None) -> Eager | str:
    """Load a candidate's PyTorch network, or say why there is no such row."""
    if candidate.spec.colour == "luma":
        return "a frame has colours, and it works on luma alone"
    if find_spec("torch") is None:
        return "torch is not installed"
    network = candidate.network
    if network is None:
        if candidate.checkpoint is None:
            return "there is no PyTorch checkpoint"
        from ovsharp.models import load_network

        network = load_network(candidate.checkpoint)
    return Eager(network, candidate.spec, threads=threads)
