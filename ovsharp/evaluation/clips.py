"""What is evaluated of videos: sharp clips, sent through an encoder as a call would send them."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from ovsharp.degrade import Sending, send_clip
from ovsharp.engine import Frame
from ovsharp.errors import MediaError
from ovsharp.files import sha256
from ovsharp.media import Shot, find_videos, read_video, refuse_url
from ovsharp.spread import spread

CATEGORY = "clips"
"""Of clips that lie in no subfolder."""


@dataclass(frozen=True)
class Taken:
    """How much of a clip is the truth."""

    seconds: float = 2.0
    """From its beginning."""
    downscale: float = 1.0
    """The truth is the clip, smaller by this factor each way (antialiased, `area`)..."""
    side: int | None = None
    """... or smaller, so that its shorter side has no more pixels than this."""

    @property
    def text(self) -> str:
        """In words."""
        parts = [f"the first {self.seconds:g} s"]
        if self.downscale != 1:
            parts.append(f"downscaled by {self.downscale:g} (area)")
        if self.side is not None:
            parts.append(f"shorter side at most {self.side} pixels")
        return ", ".join(parts)

    def size(self, width: int, height: int, multiple: int) -> tuple[int, int]:
        """Tell the width and height of the truth before what `multiple` leaves over is cut off.

        Raises:
            MediaError: too few pixels are left.
        """
        share = 1 / self.downscale
        if self.side is not None:
            share = min(share, self.side / min(width, height))
        small = round(width * share), round(height * share)
        if min(small) < 16 * multiple:
            raise MediaError(
                f"{width}x{height} is too small: expected {16 * multiple} pixels or more of the "
                f"truth, which has {small[0]}x{small[1]}"
            )
        return small


@dataclass(frozen=True)
class Clip:
    """One video of which the frames are sharp."""

    name: str
    """Its path below the folder."""
    category: str
    path: Path

    def digest(self) -> str:
        """Digest of its bytes."""
        return sha256(self.path)

    def truth(self, taken: Taken, multiple: int) -> Generator[Frame, None, None]:
        """Give the frames of the truth one by one, the same at every call.

        Args:
            taken: how much of the clip.
            multiple: of the sides; what is left over at the right and below is cut off.

        Raises:
            MediaError: unreadable, damaged, or too small.
        """
        with read_video(self.path, end=taken.seconds) as reader:
            size = taken.size(reader.width, reader.height, multiple)
            for shot in reader.shots():
                frame = resized(shot.frame, size, cv2.INTER_AREA)
                height, width = (side // multiple * multiple for side in frame.shape[:2])
                yield np.ascontiguousarray(frame[:height, :width])

    def rate(self) -> Fraction:
        """Tell its frames per second."""
        with read_video(self.path) as reader:
            return reader.rate


@dataclass(frozen=True)
class Received:
    """A clip that was sent: what arrived is in a file."""

    path: Path
    frames: int
    size: tuple[int, int]
    """Width and height of the truth."""

    def shots(self, *, enlarge: bool) -> Generator[Shot, None, None]:
        """Give what arrived, through the reader of `ovsharp video`.

        Args:
            enlarge: to the size of the truth, by bicubic, as a call shows it.
        """
        with read_video(self.path) as reader:
            for shot in reader.shots():
                yield shot.replaced(self.shown(shot.frame)) if enlarge else shot

    def shown(self, frame: Frame) -> Frame:
        """Enlarge a frame to the size of the truth, by bicubic; one of that size is itself."""
        return resized(frame, self.size, cv2.INTER_CUBIC)


def resized(frame: Frame, size: tuple[int, int], how: int) -> Frame:
    """Resize to a width and height with one of OpenCV's methods; a frame of that size is itself."""
    if (frame.shape[1], frame.shape[0]) == size:
        return frame
    return np.asarray(cv2.resize(frame, size, interpolation=how), np.uint8)


def multiple_of(sending: Sending) -> int:
    """Tell by what the sides of a truth are divided, so that what is sent fits it exactly."""
    return 2 * int(sending.scale) if sending.scale == int(sending.scale) else 2


def send(clip: Clip, taken: Taken, sending: Sending, folder: Path) -> Received:
    """Code a clip into a file in a folder.

    Raises:
        MediaError: the clip or the encoder does not work.
    """
    path, size = folder / "sent.mkv", (0, 0)
    with contextlib.closing(clip.truth(taken, multiple_of(sending))) as truth:

        def seen() -> Generator[Frame, None, None]:
            nonlocal size
            for frame in truth:
                size = (frame.shape[1], frame.shape[0])
                yield frame

        count = send_clip(seen(), path, sending, clip.rate())
    return Received(path, count, size)


def find_clips(inputs: Sequence[Path], limit: int | None = None) -> list[Clip]:
    """List the videos that files and folders stand for.

    Args:
        inputs: a file is taken whatever its name; of a folder, the videos in it and below it.
        limit: take this many, evenly spread.

    Raises:
        MediaError: an input that is not there, or a folder without a video.
    """
    found: dict[Path, Path] = {}
    for item in inputs:
        refuse_url(item)
        if item.is_file():
            found.setdefault(item, Path(item.name))
        elif item.is_dir():
            for path in find_videos(item):
                found.setdefault(path, path.relative_to(item))
        else:
            raise MediaError(f"there is no file or folder {item}")
    short = [str(name) for name in found.values()]
    clips = [
        Clip(
            str(name) if short.count(str(name)) == 1 else str(path),
            name.parts[0] if len(name.parts) > 1 else CATEGORY,
            path,
        )
        for path, name in found.items()
    ]
    return spread(clips, limit)
