"""Pairs in batches: each a task for any process or machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import cv2

from ovsharp.batch import Batch
from ovsharp.degrade.pairs import Pair, write_pair
from ovsharp.degrade.recipe import Recipe
from ovsharp.errors import MediaError, UsageError


@dataclass(frozen=True)
class PairsJob:
    """How pairs are made; see `write_pair`."""

    folder: Path
    recipe: Recipe
    seed: int
    teacher: bool

    def make(self, name: str, source: Path) -> Pair | str:
        """Make one pair, or say why it cannot be made.

        Raises:
            OSError: it cannot be written.
        """
        try:
            return write_pair(
                source, name, self.folder, self.recipe, seed=self.seed, teacher=self.teacher
            )
        except (MediaError, UsageError) as error:
            return str(error) if str(source) in str(error) else f"{source}: {error}"


@dataclass(frozen=True)
class PairsBatch(Batch[tuple[str, Path]]):
    """Some pairs: name and source of each."""

    job: PairsJob

    @property
    def inputs(self) -> tuple[Path, ...]:
        """All files that are read."""
        return tuple(source for _, source in self.items)

    @property
    def output(self) -> Path:
        """The folder that all files go to."""
        return self.job.folder

    def moved(self, inputs: Mapping[Path, Path], output: Path | None) -> PairsBatch:
        """Give the same with files in other places; see `ovsharp.cluster.Movable`."""
        pairs = tuple((name, inputs.get(source, source)) for name, source in self.items)
        return replace(self, job=replace(self.job, folder=output or self.output), items=pairs)


def write_pairs(batch: PairsBatch) -> tuple[Pair | str, ...]:
    """Make pairs, in order; the same bytes wherever it is done. A sentence stands for a failure.

    Raises:
        UsageError: on this machine, the pixels would not be those of where the work is split.
        OSError: a file cannot be written.
    """
    from ovsharp.runtime import check_origin, origin  # with OpenVINO, which only workers need

    check_origin(batch.origin, origin())
    cv2.setNumThreads(batch.threads)
    return tuple(batch.job.make(name, source) for name, source in batch.items)
