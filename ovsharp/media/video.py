"""Single frames out of a video, through OpenCV."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np

from ovsharp.errors import MediaError, UsageError
from ovsharp.media.picture import Frame

VIDEO_ENDINGS = (
    *(".mp4", ".mkv", ".avi", ".mov", ".webm", ".m4v", ".mpg", ".mpeg", ".ts", ".wmv"),
    *(".mts", ".m2ts", ".3gp", ".flv", ".ogv", ".gif", ".vob", ".mxf", ".asf", ".3g2", ".m2v"),
    *(".h264", ".264", ".h265", ".265", ".hevc", ".ivf", ".y4m", ".nut"),
)
"""What is taken for a video inside folders and globs."""

_SEEK_FROM = 100
"""Frames to skip above which seeking, which decodes from a key frame on, is faster."""


def is_video(path: str | Path) -> bool:
    """Tell by its ending whether a file is a video.

    Example:
        >>> is_video("call.mp4"), is_video("photo.jpg")
        (True, False)
    """
    return Path(path).suffix.lower() in VIDEO_ENDINGS


def video_frames(path: str | Path, count: int) -> list[Frame]:
    """Take evenly spaced frames from a video, each from the middle of its share of the time.

    Args:
        path: anything that OpenCV's FFmpeg reads.
        count: how many, 1 or more.

    Returns:
        uint8 H x W x 3 BGR frames in order of time; fewer if the video has fewer.

    Raises:
        UsageError: `count` below 1.
        MediaError: not a video, or a damaged one.
        OSError: the file is missing or cannot be read.
    """
    if count < 1:
        raise UsageError(f"expected to take 1 frame or more from {path}, got {count}")
    with Path(path).open("rb"):  # OpenCV does not tell a missing file from a broken one
        pass
    reported = int(_open(path).get(cv2.CAP_PROP_FRAME_COUNT))
    wanted = _evenly(count, reported)
    frames = _frames_at(path, wanted)
    if not frames or len(frames) < len(wanted):
        # Some containers report no frame count, or one that is too high: count for ourselves.
        wanted = _evenly(count, _count(path))
        frames = _frames_at(path, wanted)
    if not frames or len(frames) < len(wanted):
        raise MediaError(f"{path} is damaged: {len(frames)} of {len(wanted)} frames could be read")
    return frames


def _evenly(count: int, total: int) -> list[int]:
    count = min(count, max(total, 0))
    return [(2 * index + 1) * total // (2 * count) for index in range(count)]


def _open(path: str | Path) -> cv2.VideoCapture:
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    if not capture.isOpened():
        raise MediaError(f"{path} is no video that OpenCV can read, or it is damaged")
    return capture


def _count(path: str | Path) -> int:
    capture, total = _open(path), 0
    while capture.grab():
        total += 1
    return total


def _frames_at(path: str | Path, positions: Iterable[int]) -> list[Frame]:
    capture, frames, here = _open(path), [], 0
    for position in positions:
        if position - here > _SEEK_FROM:
            capture.set(cv2.CAP_PROP_POS_FRAMES, position)
        else:
            for _ in range(position - here):
                capture.grab()
        ok, frame = capture.read()
        here = position + 1
        if ok:
            frames.append(np.asarray(frame, dtype=np.uint8))
    return frames
