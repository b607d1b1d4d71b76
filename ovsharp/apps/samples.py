"""Still frames of a video at even times: each video a task for any process or machine."""

from __future__ import annotations

import glob
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from ovsharp.errors import MediaError
from ovsharp.media import Frame, difference_hash, read_video, write_picture
from ovsharp.runtime import check_origin, origin


@dataclass(frozen=True)
class Sampling:
    """What is taken out of one video."""

    video: Path
    every: float
    """Seconds between two."""
    output: Path
    """Where those are written that may be new; it exists."""
    threads: int
    origin: str
    """`ovsharp.runtime.origin` of where the work is split."""

    @property
    def inputs(self) -> tuple[Path, ...]:
        """All files that are read."""
        return (self.video,)

    def moved(self, inputs: Mapping[Path, Path], output: Path | None) -> Sampling:
        """Give the same with files in other places; see `ovsharp.cluster.Movable`."""
        return replace(self, video=inputs.get(self.video, self.video), output=output or self.output)


class Sample(NamedTuple):
    """A frame that was looked at."""

    seconds: float
    bits: bytes
    """Its `difference_hash`, packed."""
    file: str
    """Where it lies in the folder; empty where a frame of the same hash came before it."""


@dataclass(frozen=True)
class Samples:
    """What was taken out of one video."""

    samples: tuple[Sample, ...]
    error: str
    """Why it ends there; empty where it does not."""


def samples_of(video: Path, every: float, *, threads: int = 0) -> Iterator[tuple[float, Frame]]:
    """Give frames of a video with their seconds from its beginning, one for each `every`.

    Raises:
        MediaError: it is no video, or damaged.
        OSError: it cannot be read.
    """
    due = 0.0
    with read_video(video, threads=threads) as reader:
        for shot in reader:
            seconds = shot.seconds - reader.origin
            if seconds < due - 1e-9:
                continue
            # After a gap the next frame is due at the next multiple, not at once.
            due = (math.floor(seconds / every + 1e-9) + 1) * every
            yield seconds, shot.frame


def take_samples(sampling: Sampling) -> Samples:
    """Write the frames of a video that may be new: whether they are, only all videos tell.

    A frame whose hash an earlier one of its video has is not: where that was kept this one is
    near it, and where it was not, both are near what was kept.

    Raises:
        UsageError: on this machine, the pixels would not be those of where the work is split.
    """
    check_origin(sampling.origin, origin(coding=False))
    cv2.setNumThreads(sampling.threads)
    found: dict[bytes, Sample] = {}
    samples = []
    error = ""
    try:
        for seconds, frame in samples_of(sampling.video, sampling.every, threads=sampling.threads):
            bits = np.packbits(difference_hash(frame)).tobytes()
            sample = Sample(
                seconds, bits, "" if bits in found else sample_name(sampling.video, seconds)
            )
            if found.setdefault(bits, sample) is sample:
                write_picture(sampling.output / sample.file, frame)
            samples.append(sample)
    except (MediaError, OSError) as failure:
        error = sample_failure(sampling.video, failure)
    return Samples(tuple(samples), error)


def sample_name(video: Path, seconds: float) -> str:
    """Name a frame after its video and time.

    Example:
        >>> sample_name(Path("call.mp4"), 12.48)
        'call_00012.480s.png'
    """
    return f"{video.stem}_{seconds:09.3f}s.png"


def samples_there(video: Path, folder: Path) -> list[Path]:
    """Give the frames of videos of this name that a folder holds, by their names."""
    return sorted(folder.glob(f"{glob.escape(video.stem)}_[0-9]*[0-9].[0-9][0-9][0-9]s.png"))


def sample_failure(video: Path, error: MediaError | OSError) -> str:
    """Say why a video gave no more frames."""
    if isinstance(error, OSError):
        return f"{error.filename or video}: {error.strerror or error}"
    return str(error)
