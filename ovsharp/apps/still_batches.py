"""Pictures in batches: each a task for any process or machine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import cv2

from ovsharp.apps.choice import Choice
from ovsharp.apps.stills import Outcome, sharpen_files
from ovsharp.apps.upscalers import Upscalers
from ovsharp.batch import Batch
from ovsharp.media import Size
from ovsharp.runtime import check_origin, origin


@dataclass(frozen=True)
class StillsJob:
    """What is done to pictures; each is treated in the same way."""

    choice: Choice
    models: tuple[str, ...]
    """All that may run."""
    size: Size | None
    side_by_side: bool
    reduce: bool
    encoder_quality: int | None

    def origin(self) -> str:
        """Name what this machine has, and results depend on."""
        choice = self.choice
        return origin(self.models, choice.device, choice.precision, choice.quality, coding=False)

    def run(self, pictures: Mapping[Path, Path], upscalers: Upscalers) -> Iterator[Outcome]:
        """Sharpen pictures in this process; see `sharpen_files`.

        Args:
            pictures: source -> target.
            upscalers: of the choice.
        """
        return sharpen_files(
            pictures,
            upscalers,
            size=self.size,
            side_by_side=self.side_by_side,
            reduce=self.reduce,
            quality=self.encoder_quality,
        )


@dataclass(frozen=True)
class StillsBatch(Batch[tuple[Path, Path]]):
    """Some pictures: source and target of each."""

    job: StillsJob
    output: Path
    """The folder that all targets lie below."""

    @property
    def inputs(self) -> tuple[Path, ...]:
        """All files that are read."""
        return (*(source for source, _ in self.items), *self.job.choice.files)

    def moved(self, inputs: Mapping[Path, Path], output: Path | None) -> StillsBatch:
        """Give the same with files in other places; see `ovsharp.cluster.Movable`."""
        folder = output or self.output
        pictures = tuple(
            (inputs.get(source, source), folder / target.relative_to(self.output))
            for source, target in self.items
        )
        models = tuple(str(inputs.get(Path(model), model)) for model in self.job.models)
        job = replace(self.job, choice=self.job.choice.moved(inputs), models=models)
        return replace(self, job=job, output=folder, items=pictures)


def sharpen_batch(batch: StillsBatch) -> tuple[Outcome, ...]:
    """Sharpen pictures, in order; the same bytes wherever it is done.

    Raises:
        UsageError: on this machine, the pixels would not be those of where the work is split.
        OvsharpError: as `sharpen_files`.
    """
    job = batch.job
    check_origin(batch.origin, job.origin())
    cv2.setNumThreads(batch.threads)
    return tuple(job.run(dict(batch.items), _upscalers(job.choice)))


@lru_cache(maxsize=1)
def _upscalers(choice: Choice) -> Upscalers:
    """Give the sharpeners of this process: kept from batch to batch."""
    return choice.upscalers()
