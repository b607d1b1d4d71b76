"""Where the frames that a model is calibrated on come from: images, pairs of them, or a video."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ovsharp.errors import CalibrationError, MediaError
from ovsharp.files import sha256
from ovsharp.media import (
    Frame,
    find_images,
    find_pairs,
    holds_pairs,
    is_video,
    read_frame,
    video_frames,
)

VIDEO_FRAMES = 64

Files = tuple[tuple[str, str], ...]
"""(name, SHA-256) of a file, or of the two files of a pair."""


class Source(Protocol):
    """Where a frame, and perhaps its ground truth, comes from."""

    @property
    def name(self) -> str:
        """What reports call it."""

    @property
    def paired(self) -> bool:
        """Whether it is one of a pair, damaged already."""

    def files(self) -> Files:
        """Hash the files."""

    def pictures(self) -> tuple[Frame, Frame | None]:
        """Read the frame and, of a pair, the ground truth."""


@dataclass(frozen=True)
class _Image:
    root: Path
    path: Path
    target: Path | None = None
    """Its ground truth, where it is one of a pair."""

    @property
    def name(self) -> str:
        return self._name_of(self.path)

    @property
    def paired(self) -> bool:
        return self.target is not None

    def files(self) -> Files:
        paths = (self.path,) if self.target is None else (self.path, self.target)
        return tuple((self._name_of(path), sha256(path)) for path in paths)

    def pictures(self) -> tuple[Frame, Frame | None]:
        return read_frame(self.path), None if self.target is None else read_frame(self.target)

    def _name_of(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()


@dataclass(frozen=True, eq=False)
class _VideoFrame:
    name: str
    digest: str
    """SHA-256 of the whole video."""
    frame: Frame
    paired: bool = False

    def files(self) -> Files:
        return ((self.name, self.digest),)

    def pictures(self) -> tuple[Frame, Frame | None]:
        return self.frame, None


def find_sources(path: Path) -> Sequence[Source]:
    """Find the images of a folder, or its pairs; or take frames of a video.

    Raises:
        CalibrationError: nothing is there.
        MediaError: a damaged video.
        OSError: there is no such file or folder.
    """
    if is_video(path):
        digest = sha256(path)
        return [
            _VideoFrame(f"{path.name}#{index}", digest, frame)
            for index, frame in enumerate(video_frames(path, VIDEO_FRAMES))
        ]
    if not path.is_dir():
        path.stat()  # a missing one: say it in the system's words
        raise CalibrationError(
            f"{path} is neither a folder of images nor a video; give one of them with --calib"
        )
    try:
        if holds_pairs(path):
            return [_Image(path, damaged, sharp) for damaged, sharp in find_pairs(path)]
        return [_Image(path, image) for image in find_images([path])]
    except MediaError as error:
        raise CalibrationError(f"nothing to calibrate on: {error}") from error
