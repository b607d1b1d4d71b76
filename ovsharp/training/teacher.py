"""What a student learns from its teacher: the teacher's picture, and its features."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from ovsharp.errors import UsageError
from ovsharp.training.network import takes_base, unit
from ovsharp.training.patches import Batch
from ovsharp.training.recipe import Distillation, FeaturePair
from ovsharp.training.stored import stored


class View(nn.Module):
    """A network that is given something else than the student's input.

    Args:
        network: to train, or trained.
        sees: what it is given; see `Distillation.sees`.

    Shape:
        picture N x 3 x H x W and its base, 0..1 -> what the network makes of what it sees.
    """

    def __init__(self, network: nn.Module, sees: Literal["input", "base", "half"]) -> None:
        super().__init__()
        self.network = network
        self.sees = sees

    def forward(self, frame: torch.Tensor, base: torch.Tensor) -> torch.Tensor:
        if self.sees == "half":
            frame = functional.interpolate(frame, scale_factor=0.5, mode="area")
        seen = base if self.sees == "base" else frame
        picture = self.network(seen, base) if takes_base(self.network) else self.network(seen)
        return cast("torch.Tensor", picture)


class Teacher(View):
    """A trained network that is not trained any further; its pictures are clamped to 0..1."""

    def __init__(self, network: nn.Module, sees: Literal["input", "base", "half"]) -> None:
        super().__init__(network.eval().requires_grad_(requires_grad=False), sees)

    @torch.no_grad()
    def forward(self, frame: torch.Tensor, base: torch.Tensor) -> torch.Tensor:
        return super().forward(frame, base).clamp(0, 1)


@dataclass(frozen=True)
class Lessons:
    """A teacher, and what is learned from it."""

    teacher: Teacher
    plan: Distillation


class StoredAnswers:
    """The teacher's pictures of a fixed set of patches, computed once and kept in a file.

    Args:
        path: of the file; one of the same size is used again.
        count: number of patches.
        side: of a patch, in pixels. The file takes 3 * side^2 bytes per patch.
    """

    def __init__(self, path: Path, count: int, side: int) -> None:
        shape = (count, 3, side, side)
        known = path.with_suffix(".known.npy")
        whole = path.exists() and known.exists() and np.load(path, mmap_mode="r").shape == shape
        path.parent.mkdir(parents=True, exist_ok=True)
        self._pictures = stored(path, np.uint8, shape, fresh=not whole)
        self._known = stored(known, np.bool_, (count,), fresh=not whole)

    def __call__(self, batch: Batch, answer: Callable[[], torch.Tensor]) -> torch.Tensor:
        """Give the pictures for a batch, in 0..1; `answer` computes them where they are new."""
        places = batch.number.cpu().numpy()
        if not self._known[places].all():
            levels = answer().mul(255).round().byte().cpu().numpy()
            self._pictures[places] = levels
            self._known[places] = True
        return unit(torch.from_numpy(self._pictures[places])).to(batch.damaged.device)


class FeatureLoss(nn.Module):
    """Distance between features of the student, through learned adapters, and of the teacher.

    An adapter is a 1x1 convolution to the teacher's width (FitNets, Romero et al. 2015); features
    of another size are resampled to the teacher's.

    Args:
        pairs: layers by name, with weights.
        student: is listened to whenever it runs.
        teacher: likewise.
        run: runs both on a picture of the training's size, so that the widths are known.

    Raises:
        UsageError: no such layer, or one whose output is no stack of planes.
    """

    def __init__(
        self,
        pairs: tuple[FeaturePair, ...],
        student: nn.Module,
        teacher: nn.Module,
        run: Callable[[], None],
    ) -> None:
        super().__init__()
        self.pairs = pairs
        self._seen: dict[tuple[str, str], torch.Tensor] = {}
        for side, network, names in (
            ("student", student, [pair.student for pair in pairs]),
            ("teacher", teacher, [pair.teacher for pair in pairs]),
        ):
            for name in names:
                self._listen(side, name, dict(network.named_modules()))
        with torch.no_grad():
            run()
        for side, name in (key for pair in pairs for key in self._keys(pair)):
            if (side, name) not in self._seen:
                raise UsageError(f"layer '{name}' of the {side} is not run by itself: name another")
        self.adapters = nn.ModuleList(nn.Conv2d(*self._widths(pair), 1) for pair in pairs)

    def _listen(self, side: str, name: str, modules: Mapping[str, nn.Module]) -> None:
        if name not in modules:
            known = ", ".join(key for key in modules if key)
            raise UsageError(f"the {side} has no layer '{name}': expected one of {known}")

        def keep(_module: nn.Module, _inputs: object, output: torch.Tensor) -> None:
            if not isinstance(output, torch.Tensor) or output.dim() != 4:
                raise UsageError(f"layer '{name}' of the {side} gives no N x C x H x W tensor")
            self._seen[side, name] = output

        modules[name].register_forward_hook(keep)

    def _widths(self, pair: FeaturePair) -> tuple[int, int]:
        student, teacher = (self._seen[key].shape[1] for key in self._keys(pair))
        return student, teacher

    @staticmethod
    def _keys(pair: FeaturePair) -> tuple[tuple[str, str], tuple[str, str]]:
        return ("student", pair.student), ("teacher", pair.teacher)

    def forward(self) -> dict[str, torch.Tensor]:
        """Give the weighted losses of what both networks computed last, by layer."""
        losses = {}
        for pair, adapter in zip(self.pairs, self.adapters, strict=True):
            features, target = (self._seen[key].float() for key in self._keys(pair))
            adapted = adapter(features).float()
            if adapted.shape[2:] != target.shape[2:]:
                adapted = functional.interpolate(
                    adapted, target.shape[2:], mode="bilinear", antialias=True
                )
            distance = functional.l1_loss if pair.loss == "l1" else functional.mse_loss
            losses[f"feature {pair.student}"] = pair.weight * distance(adapted, target)
        return losses
