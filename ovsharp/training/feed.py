"""What a course is fed with: the patches that are trained on, and what is validated on."""

from __future__ import annotations

import gc
import hashlib
import multiprocessing
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from lightning_fabric import Fabric
from torch.utils.data import DataLoader, Dataset, Subset

from ovsharp.degrade import parse
from ovsharp.errors import TrainingError
from ovsharp.training.clips import ClipPatches, Moving
from ovsharp.training.images import Images
from ovsharp.training.patches import Batch, Patches, StoredPatches, border
from ovsharp.training.recipe import Course, Stage
from ovsharp.training.validation import Validation


@dataclass(frozen=True)
class Material:
    """Image files to train on and others to validate on."""

    train: list[Path]
    val: list[Path]
    clips: tuple[Path, ...] = ()
    """Videos to train on."""
    val_clips: tuple[Path, ...] = ()
    screens: tuple[Path, ...] = ()
    """Pictures of screens, which are made to move."""
    patches: Path | None = None
    """Where patches of clips are kept, for several trainings; in the run's folder if left out."""

    @property
    def digest(self) -> str:
        """Tell one choice of files from another."""
        groups = (self.train, [Path()], self.val, self.clips, self.screens)
        names = "\n".join(path.name for group in groups for path in group)
        return hashlib.sha256(names.encode()).hexdigest()


@contextmanager
def frozen() -> Iterator[None]:
    """Keep what is here from the garbage collector of processes that are forked meanwhile.

    What libraries hold may wait for threads when it is freed, as FFmpeg's scaler does, and a forked
    process has none of them: it would wait for ever.
    """
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def check_processes() -> None:
    """Try what the processes that prepare batches talk by.

    Without it PyTorch's loader fails half made, and its end is one more traceback, as it was where
    workers had not started: https://github.com/pytorch/pytorch/pull/23761

    Raises:
        TrainingError: this system lends no semaphore.
    """
    try:
        multiprocessing.Lock()
    except OSError as error:
        raise TrainingError(
            f"training prepares its batches in processes of their own, and these cannot talk to it "
            f"here: /dev/shm: {error.strerror}; give the container one that can be written to, as "
            f"by docker's --tmpfs /dev/shm"
        ) from error


class Feed:
    """Images, clips and screens of a course, read and cut.

    Args:
        course: what is learned.
        material: of what.
        folder: of the run, where patches are stored.
        fabric: whose devices the batches go to.
        taught: of how many patches a teacher's answers are kept; 0 for none.

    Attributes:
        skipped: images that could not be used, and why.
        validation: what the weights are judged by.
    """

    def __init__(
        self, course: Course, material: Material, folder: Path, fabric: Fabric, taught: int
    ) -> None:
        check_processes()
        self.course, self.material = course, material
        self.folder, self.fabric, self.taught = folder, fabric, taught
        if course.moving:
            self.images: Any = None
            self.skipped: dict[Path, str] = {}
            stills = self._usable(material.val), self._usable(material.train)
            screens = self._usable(material.screens)
            held = Moving(material.val_clips, screens, stills[0], course.shares)
            self.moving = Moving(material.clips, screens, stills[1], course.shares)
            self.validation = Validation.of_clips(held, course.validation)
        else:
            smallest = course.patch + 2 * border(parse(course.validation).scale)
            self.images = Images(material.train, smallest=smallest)
            self.validation = Validation(material.val, course.validation)
            self.skipped = {**self.images.skipped, **self.validation.skipped}

    def _usable(self, paths: Sequence[Path]) -> tuple[Path, ...]:
        """Leave out images that cannot be read or are smaller than a patch, and note them."""
        if not paths:
            return ()
        self.skipped |= Images(paths, smallest=self.course.patch, memory=0).skipped
        return tuple(path for path in paths if path not in self.skipped)

    def batches(self, stage: Stage, *, first: int, number: int) -> Iterator[Batch]:
        """Give the batches of a stage that are left.

        Args:
            stage: what is learned in it.
            first: steps of it that are done.
            number: of the stage, counted from 1.
        """
        count = stage.steps * self.course.batch
        source = self._moving(stage, count, number) or self._photos(stage, count, number)
        rest = Subset(source, range(first * self.course.batch, count))
        loader = DataLoader(
            rest,
            self.course.batch // self.fabric.world_size,
            num_workers=max(1, min(8, (os.cpu_count() or 2) - 1)),
            prefetch_factor=4,
            collate_fn=_collate,
        )
        arrays: Any = self.fabric.setup_dataloaders(loader)
        with frozen():
            for parts in arrays:
                yield Batch(*(torch.from_numpy(part).to(self.fabric.device) for part in parts))

    def _moving(self, stage: Stage, count: int, number: int) -> ClipPatches | None:
        course, material = self.course, self.material
        if not course.moving:
            return None
        return ClipPatches(
            self.moving,
            stage.degrade,
            (material.patches or self.folder) / f"clips-{number}",
            patch=course.patch,
            different=course.stored,
            count=count,
            seed=course.seed + 1000 * (number - 1),
            workers=os.cpu_count() or 1,
        )

    def _photos(self, stage: Stage, count: int, number: int) -> Dataset[Batch]:
        patches = Patches(
            self.images,
            parse(stage.degrade),
            patch=self.course.patch,
            count=count,
            # Another stage sees other patches, unless the teacher's answers to them are kept.
            seed=self.course.seed + (0 if self.taught else 1000 * (number - 1)),
            different=self.taught or self.course.stored,
        )
        source: Dataset[Batch] = patches
        if self.course.stored:
            folder = self._patch_folder(number)
            self.forget(but=folder)
            source = StoredPatches(patches, folder)
        return source

    def _patch_folder(self, stage: int | str) -> Path:
        return self.folder / f"patches-{stage}-{self.fabric.global_rank}"

    def forget(self, but: Path | None = None) -> None:
        """Delete patches that were stored for stages that are over."""
        for folder in self.folder.glob(self._patch_folder("*").name):
            if folder != but:
                shutil.rmtree(folder)


def _collate(items: list[Batch]) -> tuple[npt.NDArray[Any], ...]:
    # Arrays cross from a worker as bytes; tensors would cross as open files, which fail noisily
    # when the run is interrupted, and where a container has little shared memory.
    return tuple(np.stack([part.numpy() for part in parts]) for parts in zip(*items, strict=True))
