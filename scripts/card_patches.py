"""Patches for scripts/train_on_card.py: made by processes, kept in the memory of a device."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt
import torch

from ovsharp.degrade import parse
from ovsharp.errors import OvsharpError
from ovsharp.frames import upscale
from ovsharp.media import Frame
from ovsharp.training import Course
from ovsharp.training.clips import CUT, Job, Moving, cut
from ovsharp.training.images import Images
from ovsharp.training.patches import Batch, Patches, border
from ovsharp.training.validation import Score, Validation

if TYPE_CHECKING:
    from ovsharp.training.feed import Material

STORED = 24_000
"""Patches that are made for a recipe that keeps none on disk."""
DRAWS = 4
"""Random numbers that `Store.batch` needs for a patch."""

Arrays = tuple[npt.NDArray[np.uint8], ...]


def _sources(
    course: Course, photos: Sequence[Path], clips: tuple[Path, ...], screens: tuple[Path, ...]
) -> tuple[tuple[Path, ...], Moving | None]:
    if course.moving:
        return (), Moving(clips, screens, tuple(photos), course.shares)
    return tuple(photos), None


@dataclass(frozen=True)
class Source:
    """What patches are made of, and how. Networks whose sources are equal share them."""

    photos: tuple[Path, ...]
    moving: Moving | None
    """In place of photos."""
    recipe: str
    """Text of the damage."""
    patch: int
    count: int
    seed: int

    @classmethod
    def of(cls, course: Course, material: Material) -> Source:
        """Give what a course of one stage learns from."""
        photos, moving = _sources(course, material.train, material.clips, material.screens)
        count = -(-(course.stored or STORED) // CUT) * CUT
        return cls(photos, moving, course.stages[0].degrade, course.patch, count, course.seed)

    @property
    def scale(self) -> int:
        """How much larger the sharp patches are."""
        return parse(self.recipe).scale


@dataclass(frozen=True)
class Held:
    """What networks are judged by. Those whose damage is the same share it."""

    photos: tuple[Path, ...]
    moving: Moving | None
    recipe: str

    @classmethod
    def of(cls, course: Course, material: Material) -> Held:
        """Give what a course is validated on."""
        photos, moving = _sources(course, material.val, material.val_clips, material.screens)
        return cls(photos, moving, course.validation)


def one_thread() -> None:
    """Begin a process that is one of many."""
    cv2.setNumThreads(1)
    torch.set_num_threads(1)


def held_pairs(held: Held) -> Validation:
    """Make what networks are judged by; in a process of its own."""
    if held.moving is not None:
        return Validation.of_clips(held.moving, held.recipe)
    return Validation(held.photos, held.recipe)


def scored(validation: Validation, results: list[Frame]) -> Score:
    """Judge what a network made; in a process of its own."""
    return validation.score(results)


def made(source: Source, number: int) -> Arrays:
    """Make `CUT` patches; in a process of its own.

    Returns:
        Damaged, base and sharp ones, uint8, N x 3 x H x W RGB each; at scale 1 there is no base.
    """
    scale = source.scale
    if source.moving is None:
        smallest = source.patch + 2 * border(scale)
        patches = Patches(
            _images(source.photos, smallest),
            parse(source.recipe),
            patch=source.patch,
            count=source.count,
            seed=source.seed,
        )
        items = [patches[number * CUT + place] for place in range(CUT)]
        damaged, base, sharp = (
            np.stack([getattr(item, name).numpy() for item in items])
            for name in ("damaged", "base", "sharp")
        )
    else:
        job = Job(number, source.moving, source.recipe, source.patch, source.seed)
        small, large = cut(job)
        enlarged = np.stack([upscale(one, scale) for one in small])
        damaged, base, sharp = (
            np.ascontiguousarray(stack[..., ::-1].transpose(0, 3, 1, 2))
            for stack in (small, enlarged, large)
        )
    return (damaged, base, sharp) if scale > 1 else (damaged, sharp)


@lru_cache(maxsize=8)
def _images(photos: tuple[Path, ...], smallest: int) -> Images:
    return Images(photos, smallest=smallest)


class Store:
    """Patches of a source, in the memory of a device.

    Args:
        source: of what.
        device: where.
    """

    def __init__(self, source: Source, device: torch.device) -> None:
        self.source, self.filled = source, 0
        large, small = source.patch, source.patch // source.scale
        sides = (small, large, large) if source.scale > 1 else (small, large)
        self._parts = [
            torch.empty((source.count, 3, side, side), dtype=torch.uint8, device=device)
            for side in sides
        ]
        # On the device, so that a graph that was captured sees it grow.
        self._count = torch.zeros((), device=device)

    def add(self, arrays: Arrays) -> None:
        """Put in what `made` gave."""
        end = self.filled + len(arrays[0])
        for part, array in zip(self._parts, arrays, strict=True):
            part[self.filled : end].copy_(torch.from_numpy(array))
        self.filled = end
        self._count.fill_(end)

    def batch(self, draws: torch.Tensor) -> Batch:
        """Draw patches, turned and mirrored.

        Args:
            draws: N x `DRAWS` numbers of 0..1, on the device.
        """
        # The product of a number just below 1 may round up to the count itself.
        place = torch.minimum(draws[:, 0] * self._count, self._count - 1).long()
        parts = [_turned(part.index_select(0, place), draws[:, 1:]) for part in self._parts]
        return Batch(place, parts[0], parts[-2] if len(parts) > 2 else parts[0], parts[-1])


def _turned(pictures: torch.Tensor, draws: torch.Tensor) -> torch.Tensor:
    """Give squares as they are or mirrored, along both sides and along the diagonal: 8 ways."""
    across, down, diagonal = (draws < 0.5).T[..., None, None, None]
    pictures = torch.where(across, pictures.flip(3), pictures)
    pictures = torch.where(down, pictures.flip(2), pictures)
    return torch.where(diagonal, pictures.transpose(2, 3), pictures)


class Supply:
    """Keeps processes busy with patches for all stores in turn, until each is full.

    Args:
        pool: of processes.
        stores: to fill.
        ahead: how many jobs wait or run at a time. Few, so that other work has its turn soon.
    """

    def __init__(self, pool: Executor, stores: Iterable[Store], ahead: int) -> None:
        self._pool, self._ahead = pool, ahead
        self._jobs = _in_turn([*stores])
        self._running: dict[Future[Arrays], Store] = {}
        self.lost = 0
        """Jobs that failed."""

    def pump(self) -> None:
        """Take in what is made, and order more."""
        for future in [future for future in self._running if future.done()]:
            store = self._running.pop(future)
            try:
                store.add(future.result())
            except OvsharpError as error:
                self.lost += 1
                print(f"{CUT} patches are missing: {error}", flush=True)
        while len(self._running) < self._ahead:
            job = next(self._jobs, None)
            if job is None:
                return
            store, number = job
            self._running[self._pool.submit(made, store.source, number)] = store


def _in_turn(stores: list[Store]) -> Iterator[tuple[Store, int]]:
    jobs = max((store.source.count // CUT for store in stores), default=0)
    for number in range(jobs):
        yield from ((store, number) for store in stores if number * CUT < store.source.count)
