"""The plain training loop: L1 loss, Adam, cosine learning rate, bfloat16 autocast."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, Subset

from ovsharp.degrade import parse
from ovsharp.errors import CalibrationError, UsageError
from ovsharp.files import staged
from ovsharp.media import Frame
from ovsharp.models import ARCHITECTURES, collapse
from ovsharp.quality import capped_psnr, ssim
from ovsharp.runtime import upscale
from ovsharp.training.patches import Patches, read_images

_CENTRE = 384
"""Side of the validation crops."""


@dataclass(frozen=True)
class Plan:
    """Everything that decides the weights."""

    data: Path
    """Folder of sharp images to train on."""
    val: Path
    """Folder of other sharp images; every fourth is used."""
    out: Path
    """Folder of `checkpoint.pth` while it runs and `student.pth` when it is done."""
    recipe: str = "gla"
    channels: int = 48
    depth: int = 6
    cell: int = 4
    """Output pixels per side of what one position of the body makes; a multiple of the scale."""
    branches: bool = False
    """Whether the student is trained in its multi-branch form; the weights are collapsed."""
    steps: int = 20_000
    batch: int = 16
    patch: int = 192
    rate: float = 4e-4
    """Learning rate at the start; plain ReLU stacks die at 1e-3."""
    init: str = ""
    """`checkpoint.pth` of another run of the same design to start from, for a curriculum."""
    seed: int = 1
    every: int = 500
    """Steps between checkpoints."""


class _Run:
    """The state that a checkpoint holds."""

    def __init__(self, plan: Plan) -> None:
        torch.manual_seed(plan.seed)
        self.network = _student(plan)
        if plan.init:
            self._start_from(Path(plan.init))
        # torch's stubs lack this overload of Module.to.
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.optimizer = torch.optim.Adam(self.network.parameters(), lr=plan.rate)
        self.schedule = torch.optim.lr_scheduler.CosineAnnealingLR(self.optimizer, plan.steps)
        self.step = 0

    def _start_from(self, path: Path) -> None:
        state = torch.load(path, map_location="cpu", weights_only=True)
        try:
            self.network.load_state_dict(state["model"])
        except (KeyError, TypeError, RuntimeError) as error:
            raise UsageError(
                f"{path} does not fit this design: expected the checkpoint.pth of a run with the "
                f"same channels, depth, cell and branches"
            ) from error

    def learn(self, damaged: torch.Tensor, base: torch.Tensor, sharp: torch.Tensor) -> float:
        """Take one step on a batch of uint8 patches and give its loss."""
        frames = (damaged.float() / 255).contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16):
            restored = _restored(self.network, frames, base.float() / 255)
        loss = functional.l1_loss(restored.float(), sharp.float() / 255)
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        self.schedule.step()
        self.step += 1
        return loss.item()

    def save(self, path: Path) -> None:
        """Replace the checkpoint; the old one survives a full disk or a kill."""
        state = {
            "model": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "step": self.step,
        }
        with staged(path.parent) as staging:
            torch.save(state, staging / path.name)

    def resume(self, path: Path) -> None:
        """Go back to what `save` wrote."""
        state = torch.load(path, map_location="cpu", weights_only=True)
        self.network.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.schedule.load_state_dict(state["schedule"])
        self.step = state["step"]


def train(plan: Plan) -> Path:
    """Train a `student`, or go on from `plan.out`/checkpoint.pth where there is one.

    Prints one line of JSON per checkpoint: step, mean loss, and SSIM and PSNR (dB) of the
    damaged (`in`) and the restored (`out`) validation crops.

    Returns:
        Path of the finished weights.

    Raises:
        CalibrationError: no usable image, or the loss is no longer finite.
        UsageError: `plan.init` is of another design.
        MediaError: a folder is missing or has no image.
    """
    run = _Run(plan)
    checkpoint = plan.out / "checkpoint.pth"
    if checkpoint.exists():
        run.resume(checkpoint)
        print(json.dumps({"resumed": run.step}), flush=True)
    pairs = _validation_pairs(plan)
    started, losses = time.monotonic(), []
    for batch in _batches(plan, first=run.step):
        losses.append(run.learn(*batch))
        if not math.isfinite(losses[-1]):
            raise CalibrationError(f"the loss is {losses[-1]} at step {run.step}; lower the rate")
        if run.step % plan.every == 0 or run.step == plan.steps:
            run.save(checkpoint)
            minutes = round((time.monotonic() - started) / 60, 1)
            report = {"step": run.step, "loss": round(float(np.mean(losses)), 5)}
            print(
                json.dumps({**report, **_score(run.network, pairs), "minutes": minutes}), flush=True
            )
            losses.clear()
    weights = plan.out / "student.pth"
    with staged(plan.out) as staging:
        torch.save(collapse(run.network.eval())[0].state_dict(), staging / weights.name)
    return weights


def _student(plan: Plan) -> nn.Module:
    scale = parse(plan.recipe).scale
    size: dict[str, Any] = {"channels": plan.channels, "depth": plan.depth}
    size |= {"unshuffle": plan.cell // scale, "branches": plan.branches}
    if plan.cell % scale:
        raise UsageError(f"a cell of {plan.cell} pixels cannot be made at scale {scale}")
    if scale == 1:
        return ARCHITECTURES.build("student", **size)
    return ARCHITECTURES.build("upscaler", **size, scale=scale)


def _restored(network: nn.Module, frames: torch.Tensor, base: torch.Tensor) -> torch.Tensor:
    enlarges = base.shape != frames.shape
    restored: torch.Tensor = network(frames, base) if enlarges else network(frames)
    return restored


def _batches(plan: Plan, *, first: int) -> Iterator[tuple[torch.Tensor, ...]]:
    count = plan.steps * plan.batch
    patches = Patches(plan.data, parse(plan.recipe), patch=plan.patch, count=count, seed=plan.seed)
    rest = Subset(patches, range(first * plan.batch, count))
    yield from DataLoader(rest, plan.batch, num_workers=1, prefetch_factor=8)


def _validation_pairs(plan: Plan) -> list[tuple[Frame, Frame]]:
    """(damaged, sharp) centres of every fourth image."""
    degrade = parse(plan.recipe)
    pairs = []
    for index, image in enumerate(read_images(plan.val, smallest=_CENTRE)[::4]):
        top, left = (image.shape[0] - _CENTRE) // 2, (image.shape[1] - _CENTRE) // 2
        sharp = np.ascontiguousarray(image[top : top + _CENTRE, left : left + _CENTRE])
        pairs.append((degrade(sharp, seed=index), sharp))
    return pairs


@torch.no_grad()
def _score(network: nn.Module, pairs: list[tuple[Frame, Frame]]) -> dict[str, float]:
    rows = []
    for damaged, sharp in pairs:
        base = upscale(damaged, sharp.shape[0] // damaged.shape[0])
        restored = _restored(network, _picture(damaged), _picture(base))[0]
        levels = restored.clamp(0, 1).mul(255).round().byte().permute(1, 2, 0).numpy()
        out = np.ascontiguousarray(levels[:, :, ::-1])
        rows.append(
            [measure(image, sharp) for measure in (ssim, capped_psnr) for image in (base, out)]
        )
    names = ("ssim_in", "ssim_out", "psnr_in", "psnr_out")
    return dict(zip(names, np.mean(rows, axis=0).round(4).tolist(), strict=True))


def _picture(frame: Frame) -> torch.Tensor:
    rgb = torch.from_numpy(np.ascontiguousarray(frame[:, :, ::-1]))
    return rgb.permute(2, 0, 1)[None].float() / 255
