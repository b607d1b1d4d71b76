"""The plain loop that trained the first shipped student.

::

    python -m ovsharp.training.student --data photos/ --val held-apart/ --out runs/sharp

L1 loss, Adam, cosine learning rate, bfloat16 autocast. An interrupted run resumes from
`OUT/checkpoint.pth`; the finished weights are `OUT/student.pth`.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import time
from pathlib import Path

import cv2
import numpy as np
import torch
from torch.nn import functional
from torch.utils.data import DataLoader, Subset

from ovsharp.degrade import parse
from ovsharp.models.student import Student
from ovsharp.quality import psnr, ssim
from ovsharp.training.patches import Patches


def train(arguments: argparse.Namespace) -> None:
    """Train until `steps`, writing a checkpoint and a line of JSON every `every` steps."""
    torch.manual_seed(arguments.seed)
    network = Student(arguments.channels, arguments.depth).to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(network.parameters(), lr=arguments.rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, arguments.steps)
    arguments.out.mkdir(parents=True, exist_ok=True)
    checkpoint = arguments.out / "checkpoint.pth"
    step = 0
    if checkpoint.exists():
        state = torch.load(checkpoint, map_location="cpu", weights_only=True)
        network.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        schedule.load_state_dict(state["schedule"])
        step = state["step"]
        print(f"resumed at step {step}", flush=True)

    recipe = parse(arguments.recipe)
    patches = Patches(
        arguments.data, recipe, patch=arguments.patch, count=arguments.steps * arguments.batch, seed=arguments.seed
    )
    rest = Subset(patches, range(step * arguments.batch, len(patches)))
    pairs = _validation(arguments.val, arguments.recipe)
    started, losses = time.monotonic(), []
    for damaged, sharp in DataLoader(rest, arguments.batch, num_workers=1, prefetch_factor=8):
        damaged = (damaged.float() / 255).contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16):
            restored = network(damaged)
        loss = functional.l1_loss(restored.float(), sharp.float() / 255)
        if not math.isfinite(loss.item()):
            raise SystemExit(f"the loss is {loss.item()} at step {step}; lower --rate")
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
        step += 1
        if step % arguments.every == 0 or step == arguments.steps:
            state = {
                "model": network.state_dict(),
                "optimizer": optimizer.state_dict(),
                "schedule": schedule.state_dict(),
                "step": step,
            }
            torch.save(state, checkpoint.with_suffix(".part"))
            os.replace(checkpoint.with_suffix(".part"), checkpoint)
            report = {"step": step, "loss": float(np.mean(losses)), **_score(network, pairs)}
            report["minutes"] = round((time.monotonic() - started) / 60, 1)
            print(json.dumps(report), flush=True)
            losses.clear()
    torch.save(network.state_dict(), arguments.out / "student.pth")


def _validation(folder: Path, recipe: str) -> list[tuple[np.ndarray, np.ndarray]]:
    """(damaged, sharp) 384x384 centres of every fourth image."""
    degrade, pairs = parse(recipe), []
    for index, path in enumerate(sorted(folder.iterdir())[::4]):
        image = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if image is None or min(image.shape[:2]) < 384:
            continue
        top, left = (image.shape[0] - 384) // 2, (image.shape[1] - 384) // 2
        sharp = np.ascontiguousarray(image[top : top + 384, left : left + 384])
        pairs.append((degrade(sharp, seed=index), sharp))
    return pairs


@torch.no_grad()
def _score(network: Student, pairs: list[tuple[np.ndarray, np.ndarray]]) -> dict[str, float]:
    """Mean SSIM and PSNR of the damaged and of the restored images."""
    rows = []
    for damaged, sharp in pairs:
        frame = torch.from_numpy(np.ascontiguousarray(damaged[None, :, :, ::-1])).permute(0, 3, 1, 2)
        out = network(frame.float() / 255).clamp(0, 1).mul(255).round().byte()
        restored = np.ascontiguousarray(out[0].permute(1, 2, 0).numpy()[:, :, ::-1])
        rows.append((ssim(damaged, sharp), ssim(restored, sharp), psnr(damaged, sharp), psnr(restored, sharp)))
    names = ("ssim_in", "ssim_out", "psnr_in", "psnr_out")
    return dict(zip(names, np.mean(rows, axis=0).round(4).tolist(), strict=True))


def main() -> None:
    """Read the command line and train."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of sharp images")
    parser.add_argument("--val", type=Path, required=True, help="folder of other sharp images")
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoint and weights")
    parser.add_argument("--recipe", default="gla", help="degradation (default: gla)")
    parser.add_argument("--steps", type=int, default=20_000)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--patch", type=int, default=192)
    parser.add_argument("--rate", type=float, default=4e-4)
    parser.add_argument("--channels", type=int, default=48)
    parser.add_argument("--depth", type=int, default=6)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--every", type=int, default=500, help="steps between checkpoints")
    train(parser.parse_args())


if __name__ == "__main__":
    main()
