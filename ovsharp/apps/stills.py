"""`sharpen_files`: image files in, image files out; reading, sharpening and writing overlap."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

from ovsharp.errors import InferenceError, MediaError, MissingExtraError
from ovsharp.media import Picture, Size, read_picture, write_picture
from ovsharp.runtime import Session, Sharpener

BUDGET = 256 << 20
"""Bytes of pictures in work, from which on reading waits. One picture may be larger."""
_AHEAD = 4
"""Pictures that are read ahead, and that wait to be written, at most."""
_WRITERS = 2

Failure = MediaError | MissingExtraError | InferenceError | OSError | MemoryError
"""What may be wrong with one picture while the others are fine."""


@dataclass(frozen=True)
class Outcome:
    """What became of one image file."""

    source: Path
    target: Path
    size: tuple[int, int] = (0, 0)
    """Height and width of the source."""
    notes: tuple[str, ...] = ()
    """What was converted or left out, a sentence each."""
    error: Failure | None = None
    """Why nothing was written."""
    made_by: str = ""
    """Name of the model that made it, or of what a router did instead."""
    sharpened: bool = False
    """Whether a model made it: not where a router left the picture alone."""
    why: str = ""
    """What a router expected; empty without one."""
    gains: Mapping[str, float] = field(default_factory=dict)
    """What it expected of each model, in dB."""
    factor: float = 1
    """What it was asked to grow by."""
    resampled: str = ""
    """How the size that was asked for was reached, where no model reaches it by itself."""


def sharpen_files(
    jobs: Mapping[Path, Path],
    sharpener: Sharpener | Callable[[float], Session],
    *,
    size: Size | None = None,
    side_by_side: bool = False,
    reduce: bool = False,
    quality: int | None = None,
) -> Iterator[Outcome]:
    """Sharpen image files; what fails is told and the rest goes on.

    A thread reads ahead and two write, so that the model need not wait for them; the pictures
    between them are bounded in number and in bytes. Closing the iterator completes the files that
    are being written and begins no other.

    Args:
        jobs: source -> target.
        sharpener: stays open. Or what gives one, or a session of one, by the factor that a picture
            shall grow by, such as `Upscalers`.
        size: what pictures shall have; the output of the model is resampled to it by Lanczos'
            filter. None for what the model makes.
        side_by_side: write before | after, in 8-bit colour.
        reduce: drop what the target's format cannot hold, as `write_picture` says.
        quality: 1..100, of JPEG and WebP; None for that of the source.

    Yields:
        An outcome per job, in order.

    Raises:
        DeviceError: the model cannot run at all.
    """
    budget = _Budget(BUDGET)
    scale = sharpener.spec.scale if isinstance(sharpener, Sharpener) else 4
    choose: Callable[[float], Session]
    choose = (lambda _: sharpener) if isinstance(sharpener, Sharpener) else sharpener

    def read(source: Path) -> tuple[Picture, int]:
        picture = read_picture(source)
        weight = picture.pixels.nbytes * (1 + scale * scale)
        budget.take(weight)
        return picture, weight

    def write(target: Path, picture: Picture, weight: int) -> tuple[str, ...]:
        try:
            return write_picture(target, picture, reduce=reduce, quality=quality)
        finally:
            budget.give(weight)

    def work(source: Path, target: Path, reading: Future[tuple[Picture, int]]) -> _Writing:
        try:
            picture, weight = reading.result()
        except (MediaError, MissingExtraError, OSError, MemoryError) as error:
            return _Writing(Outcome(source, target, error=error))
        height, width = picture.pixels.shape[:2]
        try:
            wanted = None if size is None else size.of(width, height)
            factor = 1 if wanted is None else max(wanted[0] / width, wanted[1] / height)
            chosen = choose(factor)
            sharp = chosen(picture.frame)
            result = picture.beside(sharp) if side_by_side else picture.sharpened(sharp)
            resampled = ""
            if wanted is not None and sharp.shape[1::-1] != wanted:
                result = result.resized(2 * wanted[0] + 4 if side_by_side else wanted[0], wanted[1])
                resampled = f"x{chosen.spec.scale}, then Lanczos to {wanted[0]}x{wanted[1]}"
        except (MediaError, InferenceError, MemoryError) as error:
            budget.give(weight)
            return _Writing(Outcome(source, target, error=error))
        squeezed = size is not None and size.distorts(width, height)
        outcome = Outcome(
            source,
            target,
            (height, width),
            (*picture.notes, *(["its proportions were changed by --size"] if squeezed else [])),
            made_by=chosen.variant,
            sharpened=chosen.sharpened,
            why=chosen.why,
            gains=dict(chosen.gains),
            factor=factor,
            resampled=resampled,
        )
        return _Writing(outcome, writers.submit(write, target, result, weight))

    reader = ThreadPoolExecutor(1, thread_name_prefix="ovsharp-read")
    writers = ThreadPoolExecutor(_WRITERS, thread_name_prefix="ovsharp-write")
    try:
        sources = iter(jobs)
        reading = deque(reader.submit(read, source) for source in islice(sources, _AHEAD))
        writing: deque[_Writing] = deque()
        for source, target in jobs.items():
            writing.append(work(source, target, reading.popleft()))
            reading.extend(reader.submit(read, following) for following in islice(sources, 1))
            while len(writing) > _AHEAD or (writing and writing[0].done):
                yield writing.popleft().outcome()
        while writing:
            yield writing.popleft().outcome()
    finally:
        budget.open()
        reader.shutdown(cancel_futures=True)
        writers.shutdown(cancel_futures=True)


class _Writing:
    """A picture that is being written, or that failed before."""

    def __init__(self, outcome: Outcome, future: Future[tuple[str, ...]] | None = None) -> None:
        self._outcome, self._future = outcome, future

    @property
    def done(self) -> bool:
        return self._future is None or self._future.done()

    def outcome(self) -> Outcome:
        """Wait for the end."""
        if self._future is None:
            return self._outcome
        try:
            notes = self._future.result()
        except (MediaError, OSError, MemoryError) as error:
            return Outcome(self._outcome.source, self._outcome.target, error=error)
        return replace(self._outcome, notes=(*self._outcome.notes, *notes))


class _Budget:
    """Bytes that may be in use at once."""

    def __init__(self, limit: int) -> None:
        self._limit, self._used = limit, 0
        self._opened = False
        self._changed = threading.Condition()

    def take(self, size: int) -> None:
        """Wait until that much is free, or everything."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._opened or not self._used or self._used + size <= self._limit
            )
            self._used += size

    def give(self, size: int) -> None:
        with self._changed:
            self._used -= size
            self._changed.notify_all()

    def open(self) -> None:
        """Let everybody pass: the end."""
        with self._changed:
            self._opened = True
            self._changed.notify_all()
