"""Training patches from clips: consecutive frames go through a real encoder, once, and are kept.

Photos that pan are not video: a student that learned on them loses on real clips (docs/TRAINING).
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import torch
from torch.utils.data import Dataset

from ovsharp.degrade import pan, parse
from ovsharp.errors import MediaError, TrainingError
from ovsharp.files import staged
from ovsharp.frames import upscale
from ovsharp.media import Frame, read_frame, read_video
from ovsharp.progress import silent
from ovsharp.training.patches import Batch
from ovsharp.training.screens import screen_clip
from ovsharp.training.stored import stored

LENGTH = 24
"""Consecutive frames that are coded together."""
CUT = 12
"""Patches that are cut from them."""
HELD = 0.1
"""Share of the clips that is validated on."""
LARGEST = 1.6
"""Clips are made smaller by up to this factor first: what is softer than a pixel is no truth."""
SCREEN = (360, 640)
"""Height and width of the clips of screens."""
SHARED = 2.0
"""Every second screen is made smaller by up to this factor, as programs share large ones."""


@dataclass(frozen=True)
class Moving:
    """What clips are made of."""

    clips: tuple[Path, ...] = ()
    """Video files, sharp and hardly compressed."""
    screens: tuple[Path, ...] = ()
    """Images of screens and pages, of `SCREEN` or more."""
    stills: tuple[Path, ...] = ()
    """Photos, which pan."""
    shares: tuple[float, float, float] = (1.0, 0.0, 0.0)
    """Of the patches, in this order."""


@dataclass(frozen=True)
class Job:
    """One clip to be coded, and patches to be cut from it."""

    number: int
    """Among those of its seed."""
    moving: Moving
    recipe: str
    """Text of the damage."""
    patch: int
    """Side of the sharp patches in pixels."""
    seed: int


class ClipPatches(Dataset[Batch]):
    """Patches of coded clips, made once and kept in a folder; turned and mirrored anew each time.

    Args:
        moving: what they are made of.
        recipe: text of the damage.
        folder: where they are kept: 6 bytes a pixel of a patch.
        patch: side of the sharp patches in pixels.
        different: how many are kept.
        count: number of items.
        seed: of everything that is drawn.
        workers: processes that make them.
        progress: told of the patches made, and of all.

    Raises:
        TrainingError: the folder holds other patches.
        MediaError: a clip cannot be read, or is smaller than a patch.
    """

    def __init__(
        self,
        moving: Moving,
        recipe: str,
        folder: Path,
        *,
        patch: int,
        different: int,
        count: int,
        seed: int,
        workers: int = 1,
        progress: Callable[[int, int], None] = silent,
    ) -> None:
        self.count, self.seed = count, seed
        self.scale = parse(recipe).scale
        jobs = -(-different // CUT)
        self.different = jobs * CUT
        # Those that were cut from one clip do not stand side by side.
        self._places = np.random.default_rng(seed).permutation(self.different)
        folder.mkdir(parents=True, exist_ok=True)
        identity = json.dumps(
            [recipe, patch, self.different, seed, moving.shares]
            + [[path.name for path in paths] for paths in (moving.clips, moving.screens)]
        )
        note = folder / "patches.json"
        if note.exists() and note.read_text() != identity:
            raise TrainingError(f"{folder} holds patches of another training: name another folder")
        fresh = not note.exists()
        sides = {"damaged": patch // self.scale, "sharp": patch}
        self._arrays = {
            name: stored(
                folder / f"{name}.npy", np.uint8, (self.different, side, side, 3), fresh=fresh
            )
            for name, side in sides.items()
        }
        done = stored(folder / "done.npy", np.uint8, (jobs,), fresh=fresh)
        with staged(folder) as staging:
            (staging / note.name).write_text(identity)
        left = [Job(n, moving, recipe, patch, seed) for n in range(jobs) if not done[n]]
        if not left:
            return
        # Not forked: the libraries that code and compute have threads by now.
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(workers, mp_context=context) as pool:
            for job, (damaged, sharp) in zip(left, pool.map(cut, left), strict=True):
                places = self._places[job.number * CUT : (job.number + 1) * CUT]
                self._arrays["damaged"][places] = damaged
                self._arrays["sharp"][places] = sharp
                done[job.number] = 1
                progress(int(done.sum()) * CUT, self.different)

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, item: int) -> Batch:
        turn, index = divmod(item, self.different)
        rng = np.random.default_rng((self.seed, turn, index))
        damaged, sharp = self._arrays["damaged"][index], self._arrays["sharp"][index]
        base = upscale(damaged, self.scale) if self.scale > 1 else damaged
        mirrored, turns = rng.random() < 0.5, int(rng.integers(4))
        parts = []
        for picture in (damaged, base, sharp):
            turned = np.rot90(picture[:, ::-1] if mirrored else picture, turns)
            rgb = np.ascontiguousarray(turned[..., ::-1].transpose(2, 0, 1))
            parts.append(torch.from_numpy(rgb))
        return Batch(torch.tensor(index), *parts)


def validation_pairs(
    moving: Moving, recipe: str, *, side: int, count: int
) -> list[tuple[Frame, Frame]]:
    """Give pairs of a damaged and a sharp picture: late frames of coded clips, in their middle."""
    pairs = []
    for number in range(count):
        truth, damaged = _coded(Job(number, moving, recipe, 64, 10_000), number)
        height, width = (min(length, side) // 16 * 16 for length in truth[-1].shape[:2])
        top, left = (
            (length - kept) // 32 * 16
            for length, kept in zip(truth[-1].shape[:2], (height, width), strict=True)
        )
        inner = slice(top, top + height), slice(left, left + width)
        pairs.append((np.ascontiguousarray(damaged[-1][inner]), truth[-1][inner].copy()))
    return pairs


def cut(job: Job) -> tuple[np.ndarray, np.ndarray]:
    """Give `CUT` damaged patches of a clip and the sharp ones, uint8, N x H x W x 3 BGR each.

    Raises:
        TrainingError: there are no clips or screens, and the job asks for them.
        MediaError: a clip cannot be read, or is smaller than a patch.
    """
    cv2.setNumThreads(1)
    rng = np.random.default_rng((job.seed, job.number, 1))
    truth, damaged = _coded(job)
    scale = len(truth[0]) // len(damaged[0])
    pairs = []
    height, width = truth[0].shape[:2]
    for _ in range(CUT):
        index = int(rng.integers(len(truth)))
        y, x = (int(rng.integers((n - job.patch) // (2 * scale) + 1)) * 2 for n in (height, width))
        small = job.patch // scale
        pairs.append(
            (
                damaged[index][y : y + small, x : x + small],
                truth[index][y * scale : y * scale + job.patch, x * scale : x * scale + job.patch],
            )
        )
    first, second = zip(*pairs, strict=True)
    return np.stack(first), np.stack(second)


def _coded(job: Job, number: int | None = None) -> tuple[list[Frame], list[Frame]]:
    """Give consecutive sharp frames and the same ones damaged."""
    rng = np.random.default_rng((job.seed, job.number, 0))
    kind = int(rng.choice(3, p=np.array(job.moving.shares) / sum(job.moving.shares)))
    material = (job.moving.clips, job.moving.screens, job.moving.stills)[kind]
    if not material:
        raise TrainingError("the recipe asks for clips or screens, and none were given")
    path = material[number % len(material) if number is not None else rng.integers(len(material))]
    recipe = parse(job.recipe)
    if kind == 0:
        truth = sharp_clip(path, rng, least=job.patch + 32)
    elif kind == 1:
        truth = moving_screen(path, material[int(rng.integers(len(material)))], rng)
    else:
        truth = _still(path, rng)
    truth = [frame[: len(frame) // 16 * 16, : frame.shape[1] // 16 * 16].copy() for frame in truth]
    damaged = recipe.on_clip(truth, seed=int(rng.integers(2**63)))
    if kind == 2:  # only the last frame of a pan is where the picture is sharp
        return truth[-1:], damaged[-1:]
    return truth, damaged


def sharp_clip(path: Path, rng: np.random.Generator, *, least: int) -> list[Frame]:
    """Give consecutive frames of a video, made smaller by a factor that is drawn.

    Args:
        path: of the video.
        rng: draws the place and the factor.
        least: pixels that the shorter side keeps.

    Raises:
        MediaError: the video is smaller, has a single frame, or cannot be read.
    """
    frames = _frames(path)
    if len(frames) < 2:
        raise MediaError(f"{path} has a single frame: expected clips, whose frames follow another")
    start = int(rng.integers(max(1, len(frames) - LENGTH + 1)))
    part = frames[start : start + LENGTH]
    height, width = part[0].shape[:2]
    factor = min(rng.uniform(1, LARGEST), min(height, width) / least)
    if factor < 1:
        raise MediaError(f"{path} is {width}x{height}: expected clips of {least} pixels a side")
    size = (round(width / factor), round(height / factor))
    return [cv2.resize(f, size, interpolation=cv2.INTER_AREA).astype(np.uint8) for f in part]


def moving_screen(path: Path, other: Path, rng: np.random.Generator) -> list[Frame]:
    """Give a clip of a shared screen, made from two pictures: as it is, or made smaller."""
    image, second = _picture(path), _picture(other)
    small = tuple(min(a, b) for a, b in zip(SCREEN, image.shape[:2], strict=True))
    factor = rng.uniform(1, SHARED) if rng.random() < 0.5 else 1.0
    height, width = (min(round(a * factor), b) for a, b in zip(small, image.shape[:2], strict=True))
    clip = screen_clip(image, second, rng, frames=LENGTH // 2, height=height, width=width)
    return [cv2.resize(f, small[::-1], interpolation=cv2.INTER_AREA).astype(np.uint8) for f in clip]


def split_clips(paths: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """Divide videos into those to train on and a tenth to validate on, by a hash of the name."""
    order = sorted(paths, key=lambda path: hashlib.sha256(path.name.encode()).digest())
    held = max(1, round(HELD * len(paths)))
    return sorted(order[held:]), sorted(order[:held])


def _still(path: Path, rng: np.random.Generator) -> list[Frame]:
    image = _picture(path)
    height, width = (min(400, length) for length in image.shape[:2])
    top, left = (
        int(rng.integers(n - m + 1)) for n, m in zip(image.shape[:2], (height, width), strict=True)
    )
    return pan(np.ascontiguousarray(image[top : top + height, left : left + width]), rng, 4)


@lru_cache(maxsize=64)
def _frames(path: Path) -> Sequence[Frame]:
    with read_video(path) as reader:
        return [shot.frame for shot in reader]


@lru_cache(maxsize=64)
def _picture(path: Path) -> Frame:
    return read_frame(path)
