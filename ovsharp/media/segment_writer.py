"""`SegmentWriter`: one segment of a video, coded by itself: by a worker that others join."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ovsharp.media.reader import VideoReader
from ovsharp.media.writer import VideoWriter


class SegmentWriter(VideoWriter):
    """Codes the frames of one segment as `VideoWriter` does, and keeps them in memory.

    Args:
        path: of the video that it will be part of; nothing is written there.
        like: see `write_video`.
        options: likewise; all that the bytes of a video depend on.
    """

    def __init__(self, path: str | Path, *, like: VideoReader, **options: Any) -> None:
        self._content = b""
        super().__init__(path, like=like, overwrite=True, **options)

    def content(self) -> bytes:
        """End the segment, and give what `VideoWriter.add` takes.

        Raises:
            MediaError: the encoder fails.
        """
        with self._naming():
            self._flush()
        return self._content

    def discard(self) -> None:
        """Do nothing: there is nothing on the disk."""

    def _prepare(self, identity: str, resume: bool) -> None:
        """Make no folder: that of the video is another process's."""

    def _store(self, segment: bytes) -> None:
        self._content = segment
