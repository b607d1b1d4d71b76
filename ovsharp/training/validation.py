"""How good a network is while it is trained: SSIM and PSNR on images of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from ovsharp.degrade import parse
from ovsharp.frames import upscale
from ovsharp.media import Frame
from ovsharp.models import MultiBranch
from ovsharp.quality import capped_psnr, ssim
from ovsharp.spread import spread
from ovsharp.training.clips import Moving, validation_pairs
from ovsharp.training.images import Images
from ovsharp.training.network import to_frame, to_tensor, unit

SIDE = 384
"""Side of the validation crops in pixels; smaller images are taken whole, to a multiple of 16."""

IMAGES = 32
"""Images that are validated on at most, evenly spread."""

Apply = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""Takes a picture and its base, both in 0..1, and gives the result."""


@dataclass(frozen=True)
class Score:
    """Means over the validation images; PSNR in dB, capped at 100."""

    ssim_in: float
    """Of the damaged images, or of their bicubic enlargement."""
    ssim_out: float
    psnr_in: float
    psnr_out: float
    better: float
    """Share of the images whose SSIM rose."""


def validated(paths: Sequence[Path]) -> list[Path]:
    """Give those of many images that are validated on: `IMAGES` of them, evenly spread."""
    return spread(paths, IMAGES)


class Validation:
    """Damaged and sharp centres of images.

    Args:
        paths: of image files; `IMAGES` of them are used.
        degrade: text of the degradation.

    Raises:
        TrainingError: no image can be used.
    """

    def __init__(self, paths: Sequence[Path], degrade: str) -> None:
        recipe = parse(degrade)
        images = Images(validated(paths), smallest=16 * recipe.scale)
        self.skipped = images.skipped
        self.pairs: list[tuple[Frame, Frame]] = []
        for index, image in enumerate(images):
            height, width = (min(side, SIDE) // 16 * 16 for side in image.shape[:2])
            top, left = (image.shape[0] - height) // 2, (image.shape[1] - width) // 2
            sharp = np.ascontiguousarray(image[top : top + height, left : left + width])
            self.pairs.append((recipe(sharp, seed=index), sharp))
        self._judge_inputs()

    @classmethod
    def of_clips(cls, moving: Moving, degrade: str) -> Validation:
        """Take late frames of coded clips.

        Args:
            moving: what the clips are made of.
            degrade: text of the degradation.
        """
        made = cls.__new__(cls)
        made.skipped = {}
        made.pairs = validation_pairs(moving, degrade, side=SIDE, count=IMAGES)
        made._judge_inputs()
        return made

    def _judge_inputs(self) -> None:
        self._before = [
            (ssim(base, sharp), capped_psnr(base, sharp))
            for base, sharp in ((_enlarged(*pair), pair[1]) for pair in self.pairs)
        ]

    def __call__(self, apply: Apply, device: torch.device) -> Score:
        """Score a network."""
        return self.score(self.results(apply, device))

    @torch.no_grad()
    def results(self, apply: Apply, device: torch.device) -> list[Frame]:
        """Give what a network makes of the images, uint8, H x W x 3 BGR each."""
        made = []
        for damaged, sharp in self.pairs:
            pictures = (damaged, _enlarged(damaged, sharp))
            frame, base = (unit(to_tensor(picture)).to(device) for picture in pictures)
            made.append(to_frame(apply(frame, base)))
        return made

    def score(self, results: Sequence[Frame]) -> Score:
        """Score what a network made of the images."""
        rows = [
            (*before, ssim(result, sharp), capped_psnr(result, sharp))
            for result, (_, sharp), before in zip(results, self.pairs, self._before, strict=True)
        ]
        table = np.array(rows)
        ssim_in, psnr_in, ssim_out, psnr_out = table.mean(axis=0).tolist()
        better = float(np.mean(table[:, 2] > table[:, 0]))
        return Score(ssim_in, ssim_out, psnr_in, psnr_out, better)

    @torch.no_grad()
    def live_units(self, network: nn.Module, apply: Apply, device: torch.device) -> float:
        """Give the share of convolution channels that are above 0 anywhere in one image.

        What is never above 0 has died where ReLU follows: it learns nothing any more.
        """
        found: list[torch.Tensor] = []

        def look(_module: nn.Module, _inputs: object, output: torch.Tensor) -> None:
            found.append((output.amax((0, 2, 3)) > 0).float().cpu())

        # The convolutions inside of a block of branches are never run: it is one itself.
        kinds = (nn.Conv2d, MultiBranch)
        convolutions = [m for m in network.modules() if isinstance(m, kinds)]
        hooks = [module.register_forward_hook(look) for module in convolutions]
        damaged, sharp = self.pairs[0]
        pictures = (damaged, _enlarged(damaged, sharp))
        apply(*(unit(to_tensor(picture)).to(device) for picture in pictures))
        for hook in hooks:
            hook.remove()
        return float(torch.cat(found).mean()) if found else 1.0


def _enlarged(damaged: Frame, sharp: Frame) -> Frame:
    return upscale(damaged, sharp.shape[0] // damaged.shape[0])
