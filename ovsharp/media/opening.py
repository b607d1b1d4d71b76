"""Opens videos, and numbered images, with PyAV."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from ovsharp.errors import MediaError
from ovsharp.extras import need
from ovsharp.media.letters import LETTERS
from ovsharp.media.numbered import Numbered
from ovsharp.media.pipe import Pipe

if TYPE_CHECKING:
    from av.container import InputContainer


def open_video(path: str | Path, pipe: Pipe | None = None) -> InputContainer:
    """Open a video with PyAV.

    Args:
        path: of the file.
        pipe: what to read instead of it.

    Raises:
        MediaError: it is no media file, or a damaged one.
        OSError: it is missing or cannot be read.
    """
    need("av", extra="video")
    import av

    path = Path(path)
    if pipe is None:
        with path.open("rb") as file:
            if not file.read(1):
                raise MediaError(f"{path} is empty: expected a video")
    try:
        container: InputContainer = av.open(pipe or str(path), "r", metadata_errors=LETTERS)
    except av.error.FFmpegError as error:
        raise MediaError(
            f"{path} is no video that FFmpeg can read, or it is damaged ({error.strerror}); "
            f"check that it plays, or copy it again"
        ) from error
    return container


def open_numbered(frames: Numbered, rate: Fraction) -> InputContainer:
    """Open numbered images as if they were a video.

    Raises:
        MediaError: the first one is no image.
    """
    need("av", extra="video")
    import av

    options = {"framerate": str(rate), "start_number": str(frames.first)}
    try:
        container: InputContainer = av.open(frames.spelled, "r", format="image2", options=options)
    except av.error.FFmpegError as error:
        raise MediaError(
            f"{frames.files[frames.first]} is no image that FFmpeg can read ({error.strerror})"
        ) from error
    return container


def rate_of(number: float) -> Fraction:
    """Give what a rate means that people write with two or three decimals.

    Example:
        >>> rate_of(29.97), rate_of(12.5)
        (Fraction(30000, 1001), Fraction(25, 2))
    """
    broadcast = Fraction(round(number * 1.001) * 1000, 1001)
    if abs(broadcast - Fraction(number)) < 0.005:
        return broadcast
    return Fraction(number).limit_denominator(1001)
