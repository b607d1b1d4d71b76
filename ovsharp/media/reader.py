"""`read_video`: frames out of a video, each with its own time, through PyAV."""

from __future__ import annotations

import os
import select
import stat
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np

from ovsharp.errors import MediaError, UsageError
from ovsharp.extras import need
from ovsharp.media.colour import Colour, colour_of, to_bgr
from ovsharp.media.images import Frame
from ovsharp.media.shot import Shot

if TYPE_CHECKING:
    from av import VideoFrame
    from av.container import InputContainer
    from av.video.stream import VideoStream

STALL_SECONDS = 30.0
"""How long a pipe may give nothing before it counts as stalled."""

_CUT_SECONDS = 1.0
"""A file whose data ends earlier than its header says, by more than this, is truncated."""


def open_video(path: str | Path, *, stall: float = STALL_SECONDS) -> InputContainer:
    """Open a video file or a named pipe with PyAV.

    Raises:
        MediaError: it is no media file, or a damaged one.
        OSError: it is missing or cannot be read.
    """
    need("av", extra="video")
    import av

    path = Path(path)
    source: Any = str(path)
    if stat.S_ISFIFO(path.stat().st_mode):
        source = _Pipe(path, stall)
    else:
        with path.open("rb") as file:
            if not file.read(1):
                raise MediaError(f"{path} is empty: expected a video")
    try:
        container: InputContainer = av.open(source, "r")
    except av.error.FFmpegError as error:
        if isinstance(source, _Pipe):
            source.close()
        raise MediaError(
            f"{path} is no video that FFmpeg can read, or it is damaged ({error.strerror}); "
            f"check that it plays, or copy it again"
        ) from error
    return container


class VideoReader:
    """The frames of a video, in order; see `read_video`.

    Attributes:
        path: of the file.
        notes: what was converted or left out on the way, a sentence each.
        dropped: frames left out so far: damaged ones, and second frames of one time.
        frames: how many frames to expect; None if the file does not say.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        start: float = 0.0,
        end: float | None = None,
        every: int = 1,
        skip_damaged: bool = False,
        stall: float = STALL_SECONDS,
    ) -> None:
        if start < 0 or (end is not None and end <= start):
            raise UsageError(f"expected 0 <= start < end, got start {start} and end {end}")
        if every < 1:
            raise UsageError(f"every must be 1 or more, got {every}")
        self.path = Path(path)
        self.start, self.end, self.every = start, end, every
        self.notes: list[str] = []
        self.dropped = 0
        self._skip_damaged = skip_damaged
        self._closing = threading.Lock()
        self._container: InputContainer | None = open_video(path, stall=stall)
        streams = [
            stream for stream in self._container.streams.video if not stream.disposition & 0x400
        ]
        if not streams:
            self.close()
            raise MediaError(f"{path} holds no video, only sound or pictures of a cover")
        self._stream: VideoStream = streams[0]
        self._stream.thread_type = "AUTO"
        if len(streams) > 1:
            self.notes.append(f"{len(streams) - 1} more video stream(s) left out")
        self.index = self._stream.index
        self.time_base = self._stream.time_base or Fraction(1, 1000)
        rate = self._stream.average_rate or self._stream.guessed_rate
        self.rate: Fraction = Fraction(rate) if rate else Fraction(25)
        self._origin: float | None = None
        try:
            self._first = self._peek()
        except BaseException:
            self.close()
            raise
        self.colour: Colour = colour_of(self._first)
        self._turns = round(self._first.rotation / 90) % 4
        self.sample_aspect = self._stream.sample_aspect_ratio or Fraction(1)
        if self._turns % 2 and self.sample_aspect:
            self.sample_aspect = 1 / self.sample_aspect
        height, width = self._first.height, self._first.width
        self.height, self.width = (width, height) if self._turns % 2 else (height, width)
        self.frames = self._expected()
        self._note_conversions()

    def __iter__(self) -> Iterator[Shot]:
        return self.shots()

    def shots(self, skip: int = 0) -> Iterator[Shot]:
        """Give the frames, from the beginning at each call.

        Args:
            skip: leave out that many frames at the beginning: they are decoded, which is exact
                for every codec, and not converted.

        Raises:
            MediaError: the video is damaged or truncated, changes its size, or its timestamps
                jump back.
        """
        taken = kept = 0
        for frame, pts in self._timed():
            seconds = float(pts * self.time_base) - self.origin
            if seconds < self.start - 1e-9:
                continue
            if self.end is not None and seconds >= self.end - 1e-9:
                return
            wanted = taken % self.every == 0
            taken += 1
            if not wanted:
                continue
            kept += 1
            if kept > skip:
                yield Shot(self._picture(frame), pts, self.time_base, int(frame.duration or 0))
        if not taken:
            raise MediaError(f"{self.path} holds no frames from {self.start:g} s on")

    @property
    def origin(self) -> float:
        """When the video begins, in seconds: what `start` and `end` count from."""
        return self._origin or 0.0

    def close(self) -> None:
        """Close the file. May be called again."""
        with self._closing:
            if self._container is not None:
                self._container.close()
                self._container = None

    def __enter__(self) -> VideoReader:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _open(self) -> InputContainer:
        if self._container is None:
            raise MediaError(f"{self.path} is closed; open it again with read_video")
        return self._container

    def _peek(self) -> VideoFrame:
        """Decode the first frame: only frames tell rotation and colours for sure."""
        for frame, pts in self._timed():
            self._origin = float(pts * self.time_base)
            return frame
        raise MediaError(f"{self.path} holds no frame that can be decoded")

    def _picture(self, frame: VideoFrame) -> Frame:
        if (frame.height, frame.width) != (self._first.height, self._first.width):
            at = float((frame.pts or 0) * self.time_base)
            raise MediaError(
                f"{self.path} changes its size from {self._first.width}x{self._first.height} to "
                f"{frame.width}x{frame.height} at {at:.2f} s: expected one size; take it in "
                f"parts with --start and --end"
            )
        picture = to_bgr(frame, self.colour)
        return np.ascontiguousarray(np.rot90(picture, self._turns)) if self._turns else picture

    def _timed(self) -> Iterator[tuple[VideoFrame, int]]:
        """Give every frame with its time, which only grows."""
        step = max(1, round(1 / (self.rate * self.time_base))) if self._container else 1
        orderly = self._open().format.name == "avi"  # AVI stores the order, and no times
        last: int | None = None
        for frame in self._decoded():
            pts = frame.dts if orderly else frame.pts if frame.pts is not None else frame.dts
            if pts is None:
                pts = 0 if last is None else last + step
                if not orderly:
                    self._note("frames without timestamps were placed at the frame rate")
            if last is not None and pts < last:
                raise MediaError(
                    f"the timestamps of {self.path} jump back from "
                    f"{float(last * self.time_base):.2f} s to {float(pts * self.time_base):.2f} s: "
                    f"expected them to grow; take it in parts with --end, or repair it first"
                )
            if pts == last:
                self._drop("a second frame at the same time was left out")
                continue
            last = pts
            yield frame, pts

    def _decoded(self) -> Iterator[VideoFrame]:
        import av

        container, stream = self._open(), self._stream
        with suppress(av.error.FFmpegError):  # a pipe: it is at its beginning at the first pass
            container.seek(0, any_frame=False, backward=True)
        packets, reach = 0, 0.0
        demuxed = container.demux()
        while True:
            try:
                packet = next(demuxed)
            except StopIteration:
                break
            except av.error.FFmpegError as error:
                self._damaged(f"its data ends in the middle ({error.strerror})", reach)
                break
            if packet.pts is not None and packet.time_base is not None:
                length = packet.pts + (packet.duration or 0)
                reach = max(reach, float(length * packet.time_base))
            if packet.stream.index != stream.index:
                continue
            packets += packet.size > 0
            if packet.is_corrupt:
                self._damaged("a packet is cut short", reach)
                continue
            try:
                frames = stream.codec_context.decode(packet)
            except av.error.FFmpegError as error:
                self._damaged(f"a frame cannot be decoded ({error.strerror})", reach)
                continue
            for frame in frames:
                if frame.is_corrupt:
                    self._damaged("a frame is only partly there", reach)
                    continue
                yield frame
        self._check_whole(packets, reach)

    def _check_whole(self, packets: int, reach: float) -> None:
        container = self._open()
        missing = self._stream.frames - packets if "mp4" in container.format.name else 0
        told = (container.duration or 0) / 1e6
        keeps_time = "mp4" in container.format.name or "matroska" in container.format.name
        begin = (container.start_time or 0) / 1e6
        if missing > 0 or (keeps_time and told + begin - reach > _CUT_SECONDS):
            self._damaged("the file is truncated", reach)

    def _damaged(self, what: str, at: float) -> None:
        if not self._skip_damaged:
            raise MediaError(
                f"{self.path} is damaged at {at:.2f} s: {what}; copy it again, or leave the "
                f"damaged part out with --skip-damaged"
            )
        self._drop(f"damaged parts were left out, the last at {at:.2f} s: {what}")

    def _drop(self, note: str) -> None:
        self.dropped += 1
        self._note(note)

    def _note(self, note: str) -> None:
        key = note[:20]
        self.notes[:] = [*(old for old in self.notes if old[:20] != key), note]

    def _expected(self) -> int | None:
        container = self._open()
        length = self._stream.duration and float(self._stream.duration * self.time_base)
        length = length or (container.duration or 0) / 1e6
        if not length:
            return None
        whole = self._stream.frames or round(length * self.rate)
        if self.start or self.end is not None:
            span = min(self.end if self.end is not None else length, length) - self.start
            whole = min(whole, round(span * self.rate))
        return max(1, -(-whole // self.every))

    def _note_conversions(self) -> None:
        frame = self._first
        depth = max(component.bits for component in frame.format.components)
        if depth > 8:
            self._note(f"{depth}-bit input is written with 8 bits")
        if len(frame.format.components) in (2, 4):
            self._note("transparency is left out")
        if frame.interlaced_frame:
            self._note("interlaced frames are taken as they are; deinterlace them first")
        if self._turns:
            self._note(f"frames turned upright by {90 * self._turns} degrees, the tag is cleared")


def read_video(
    path: str | Path,
    *,
    start: float = 0.0,
    end: float | None = None,
    every: int = 1,
    skip_damaged: bool = False,
    stall: float = STALL_SECONDS,
) -> VideoReader:
    """Open a video: an iterable of `Shot`s and a context manager.

    Frames are turned upright, converted by the matrix and range that the file names, and keep
    the timestamps of the file, a variable frame rate too.

    Args:
        path: a file, or a named pipe.
        start: seconds from the first frame on; earlier frames are left out.
        end: seconds; frames from there on are left out.
        every: keep one frame out of this many, at its time.
        skip_damaged: leave damaged parts out instead of refusing the file.
        stall: seconds that a pipe may give nothing.

    Raises:
        UsageError: a range that makes no sense.
        MissingExtraError: PyAV is not installed.
        MediaError: no video, damaged, truncated, HDR.
        OSError: the file is missing or cannot be read.
    """
    return VideoReader(
        path, start=start, end=end, every=every, skip_damaged=skip_damaged, stall=stall
    )


class _Pipe:
    """A named pipe as a file that gives up when nothing comes."""

    def __init__(self, path: Path, stall: float) -> None:
        self._path, self._stall = path, stall
        self._descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        self._begun = False

    def read(self, size: int) -> bytes:
        deadline = time.monotonic() + self._stall
        while time.monotonic() < deadline:
            ready, _, _ = select.select([self._descriptor], [], [], 0.1)
            if not ready:
                continue
            with suppress(BlockingIOError):
                data = os.read(self._descriptor, size)
                if data or self._begun:
                    self._begun = True
                    return data
                time.sleep(0.05)  # no writer yet
        raise MediaError(f"{self._path} gave nothing for {self._stall:g} s; its source has stalled")

    def close(self) -> None:
        with suppress(OSError):
            os.close(self._descriptor)
