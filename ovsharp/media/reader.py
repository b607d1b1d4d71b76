"""`read_video`: frames out of a video, each with its own time, through PyAV."""

from __future__ import annotations

import math
import stat
import threading
from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, cast

from ovsharp.closing import Closing
from ovsharp.errors import MediaError, UsageError
from ovsharp.limits import MEGAPIXELS
from ovsharp.media.colour import Colour, colour_of, to_bgr
from ovsharp.media.deep import Deep, dynamic_hdr, hdr_colour, hdr_of, is_deep, turned
from ovsharp.media.fields import Deinterlace, Deinterlacer
from ovsharp.media.numbered import Numbered
from ovsharp.media.opening import open_numbered, open_video, rate_of
from ovsharp.media.picture import Frame
from ovsharp.media.pipe import Pipe
from ovsharp.media.shot import Shot
from ovsharp.media.timeline import Timeline
from ovsharp.media.transparency import alpha_of, decoder_of, has_alpha
from ovsharp.media.upright import upright, upright_by_exif

if TYPE_CHECKING:
    from av import Packet, VideoFrame
    from av.container import InputContainer
    from av.video.stream import VideoStream

STALL_SECONDS = 30.0
"""How long a pipe may give nothing before it counts as stalled."""

_CUT_SECONDS = 1.0
"""A file whose data ends earlier than its header says, by more than this, is truncated."""

_PAUSE_SECONDS = 1.0
"""No frame for longer than this is worth a word: damage can look so where nothing counts frames."""

TINY = 1e-9
"""Seconds by which times may differ and count as equal."""

_LOOKED_AT = 16
"""Packets at the beginning of a file by which its times are judged."""

_USUAL_RATE = Fraction(25)
"""Frames per second of what tells none."""


class VideoReader(Closing):
    """The frames of a video, in order: an iterable of `Shot`s and a context manager.

    Frames are turned upright, converted by the matrix and range that the file names, and keep
    the timestamps of the file, a variable frame rate too.

    Args:
        path: a file, a named pipe, or images that are numbered: `folder/%06d.png`.
        start: seconds from the first frame on; earlier frames are left out.
        end: seconds; frames from there on are left out.
        every: keep one frame out of this many, at its time.
        skip_damaged: leave damaged parts out instead of refusing the file.
        stall: seconds that a pipe may give nothing.
        rate: frames per second of what has no times: a bare stream of pictures, numbered images,
            a file whose times stand still.
        deep: keep the frames of videos of more than 8 bits beside the 8 bits of a `Shot`; HDR is
            taken then, and is not mapped.
        alpha: keep transparency beside the colours of a `Shot`.
        deinterlace: make whole frames of interlaced ones: of those that say so, of all, or of none.
        threads: that decode; 0 for as many as there are cores.

    Attributes:
        path: of the file.
        notes: what was converted or left out on the way, a sentence each.
        dropped: frames left out so far: damaged ones, and second frames of one time.
        frames: how many frames to expect; None if the file does not say.
        origin: when the video begins, in seconds: what `start` and `end` count from.
        deep: whether its shots keep more than 8 bits.
        alpha: whether they keep transparency.
        numbered: the images that are its frames; None where it is a video.
        pixels: the pixel format that it is coded in, as FFmpeg calls it.
        begin: when the first of its streams begins, in seconds: where a clock went on running.

    Raises:
        UsageError: a range that makes no sense; a `rate` for what has times.
        MissingExtraError: PyAV is not installed.
        MediaError: no video, damaged, truncated; HDR without `deep`.
        OSError: the file is missing or cannot be read.
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
        rate: float | None = None,
        deep: bool = False,
        alpha: bool = False,
        deinterlace: Deinterlace = "off",
        threads: int = 0,
    ) -> None:
        if start < 0 or (end is not None and end <= start):
            raise UsageError(f"expected 0 <= start < end, got start {start} and end {end}")
        if every < 1:
            raise UsageError(f"every must be 1 or more, got {every}")
        self.path = Path(path)
        self.start, self.end, self.every = start, end, every
        self.notes: list[str] = []
        self.dropped = 0
        self._skip_damaged, self._deep, self._deinterlace = skip_damaged, deep, deinterlace
        self._alpha = alpha
        self._told = None if rate is None else rate_of(rate)
        self._threads = threads
        self._reach = 0.0
        self._closing = threading.Lock()
        self._passes = 0
        self._still = False
        self._container: InputContainer | None = None
        self.numbered = Numbered.of(self.path)
        fifo = self.numbered is None and stat.S_ISFIFO(self.path.stat().st_mode)
        self._pipe = Pipe(self.path, stall) if fifo else None
        try:
            self._container = self._opened()
            self._begin()
        except BaseException:
            self.close()
            raise

    def _opened(self) -> InputContainer:
        if self.numbered is not None:
            return open_numbered(self.numbered, self._told or _USUAL_RATE)
        return open_video(self.path, self._pipe)

    def _begin(self) -> None:
        videos = self._open().streams.video
        streams = [stream for stream in videos if not stream.disposition & 0x400]
        if not len(self._open().streams):
            raise MediaError(f"{self.path} is damaged: it tells of no video; copy it again")
        if not streams:
            raise MediaError(f"{self.path} holds no video, only sound or pictures of a cover")
        if streams[0].codec_context is None:
            raise MediaError(
                f"{self.path} is coded in a way that FFmpeg does not know, or it is damaged; check "
                f"that it plays, or copy it again"
            )
        self._stream: VideoStream = streams[0]
        self._place = videos.index(streams[0])
        wide, high = streams[0].width, streams[0].height
        if wide * high > 1e6 * MEGAPIXELS.value:
            raise MediaError(
                f"{self.path} has frames of {wide}x{high} pixels: expected at most "
                f"{MEGAPIXELS.value:g} megapixels ({MEGAPIXELS.variable})"
            )
        self._stream.thread_type = "AUTO"
        self._stream.codec_context.thread_count = self._threads
        if len(streams) > 1:
            self.notes.append(f"{len(streams) - 1} more video stream(s) left out")
        self.index = self._stream.index
        self.begin = max(Fraction(self._open().start_time or 0, 1_000_000), Fraction(0))
        self.time_base = self._stream.time_base or Fraction(1, 1000)
        self._still = self._pipe is None and self.indexed and self._stands_still()
        self.rate: Fraction = self._usual_rate()
        timed = self._entered()
        self._first, first = next(timed)
        self._pending: Iterator[tuple[VideoFrame, int]] | None = chain(
            [(self._first, first)], timed
        )
        if self.numbered is not None:
            self._upright = upright_by_exif(self.numbered.files[self.numbered.first])
        else:
            self._upright = upright(self._first)
        self.deep = self._deep and is_deep(self._first)
        if self.deep and turned(self._first, self._upright) is None:
            self.deep = False
        self.alpha = self._alpha and has_alpha(self._first)
        hdr = self.deep and hdr_of(self._first)
        self.colour: Colour = hdr_colour(self._first) if hdr else colour_of(self._first)
        self.pixels: str = self._first.format.name
        self.sample_aspect = Fraction(self._stream.sample_aspect_ratio or 1)
        height, width = self._first.height, self._first.width
        if self._upright.transposed:
            self.sample_aspect = 1 / self.sample_aspect
            height, width = width, height
        self.height, self.width = height, width
        self.frames = self._expected()
        self._note_conversions()

    def __iter__(self) -> Iterator[Shot]:
        return self.shots()

    def shots(self, skip: int = 0, *, after: int | None = None) -> Iterator[Shot]:
        """Give the frames, from the beginning at each call.

        Args:
            skip: leave out that many frames at the beginning: they are decoded, and not converted.
            after: the pts of the last of these, if it is known: where the file has an index,
                decoding then begins near it.

        Raises:
            MediaError: the video is damaged or truncated, changes its size, or its timestamps
                jump back; a pipe is read again.
        """
        taken = kept = 0
        if after is None:
            timed = self._pending or self._entered()
        else:
            timed, taken, kept = self._past(after), 1, skip
        self._pending = None
        for frame, pts in timed:
            seconds = float(pts * self.time_base) - self.origin
            if self.end is not None and seconds >= self.end - TINY:
                return
            wanted = taken % self.every == 0
            taken += 1
            if not wanted:
                continue
            kept += 1
            if kept > skip:
                yield self._shot(frame, pts)

    def interrupt(self) -> None:
        """Make a read that waits for a pipe fail soon, from any thread."""
        if self._pipe is not None:
            self._pipe.interrupt()

    def close(self) -> None:
        """Close the file. May be called again."""
        with self._closing:
            if self._container is not None:
                self._container.close()
                self._container = None
            if self._pipe is not None:
                self._pipe.close()

    def _open(self) -> InputContainer:
        if self._container is None:
            raise MediaError(f"{self.path} is closed; open it again with read_video")
        return self._container

    def _usual_rate(self) -> Fraction:
        """Give the frames per second that the file tells of, or that were given."""
        stream = self._stream
        rate: Fraction | None
        if self.numbered is not None:
            rate = self._told
            if not rate:
                self._note("numbered frames tell no frame rate: 25 FPS; --input-fps says another")
        elif self._untimed or self._still:
            # What the demuxer says is only its own default; the pictures may tell better.
            rate = self._told or stream.guessed_rate
            if rate and self._still and rate * self.time_base >= 1:  # a tick is no frame
                rate = None
            if not rate:
                self._note("the stream tells no frame rate: 25 FPS; --input-fps says another")
        elif self._told is not None:
            raise UsageError(f"{self.path} has times of its own; --input-fps is for what has none")
        else:
            rate = stream.average_rate or stream.guessed_rate
        return Fraction(rate) if rate else _USUAL_RATE

    @property
    def _untimed(self) -> bool:
        """Whether it is a bare stream of pictures, without times."""
        return self._open().duration is None and self._stream.start_time is None

    def _stands_still(self) -> bool:
        """Whether most frames have the time of one before, as a program wrote that knew none."""
        import av

        times: list[int] = []
        with suppress(av.error.FFmpegError):  # damage is told where it is read
            for packet in islice(self._open().demux(self._stream), _LOOKED_AT):
                times += [] if packet.pts is None else [packet.pts]
        self._rewind()
        return 2 * len(set(times)) < len(times)

    def _entered(self) -> Iterator[tuple[VideoFrame, int]]:
        """Give the frames from `start` on."""
        timed = self._timed()
        first = next(timed, None)
        if first is None:
            raise MediaError(f"{self.path} holds no frame that can be decoded")
        self.origin = float(first[1] * self.time_base)
        timed = chain([first], timed)
        if self.start:
            begin = math.ceil((self.start + self.origin - TINY) / self.time_base)
            timed = self._near(begin) or timed
            timed = (item for item in timed if item[1] >= begin)
            first = next(timed, None)
            if first is None:
                raise MediaError(f"{self.path} holds no frames from {self.start:g} s on")
            timed = chain([first], timed)
        return timed

    def _rewind(self) -> None:
        """Open the file again: bare streams cannot seek, and some seek to a frame near by."""
        if self._pipe is not None:
            raise MediaError(f"{self.path} is a pipe and can be read once; save it to a file first")
        self._open().close()
        self._container = self._opened()
        self._stream = self._container.streams.video[self._place]
        self._stream.thread_type = "AUTO"
        self._stream.codec_context.thread_count = self._threads

    def _past(self, pts: int) -> Iterator[tuple[VideoFrame, int]]:
        """Give the frames after a time."""
        timed = self._near(pts) or self._entered()
        return (item for item in timed if item[1] > pts)

    def _near(self, pts: int) -> Iterator[tuple[VideoFrame, int]] | None:
        """Give the frames from the last key frame up to a time on; None where a file tells none.

        Only an index tells where key frames are, and only a picture that stands alone and is
        decoded first is sure to be followed by the same frames as in a pass over the whole file.
        """
        if self._pipe is not None or not self.indexed:
            return None
        from av.video.frame import PictureType

        timed = self._timed(pts)
        frame, time = next(timed, (None, pts))
        alone = frame is not None and frame.pict_type == PictureType.I
        if frame is not None and alone and time <= pts:
            return chain([(frame, time)], timed)
        return self._timed()

    @property
    def indexed(self) -> bool:
        """Whether the file tells where its key frames are: decoding can begin at each."""
        name = self._open().format.name
        return ("mp4" in name or "matroska" in name) and not self._still

    @property
    def first(self) -> VideoFrame:
        """The first frame as it was decoded."""
        return self._first

    def _shot(self, frame: VideoFrame, pts: int) -> Shot:
        picture = self._picture(frame)
        whole = turned(frame, self._upright) if self.deep else None
        deep = None if whole is None else Deep(whole, picture)
        alpha = alpha_of(frame) if self.alpha else None
        if alpha is not None and self._upright:
            alpha = self._upright.applied(alpha)
        return Shot(picture, pts, self.time_base, int(frame.duration or 0), deep, alpha)

    def _picture(self, frame: VideoFrame) -> Frame:
        if (frame.height, frame.width) != (self._first.height, self._first.width):
            at = float((frame.pts or 0) * self.time_base)
            raise MediaError(
                f"{self.path} changes its size from {self._first.width}x{self._first.height} to "
                f"{frame.width}x{frame.height} at {at:.2f} s: expected one size; take it in "
                f"parts with --start and --end"
            )
        picture = to_bgr(frame, self.colour)
        return self._upright.applied(picture) if self._upright else picture

    def _timed(self, near: int | None = None) -> Iterator[tuple[VideoFrame, int]]:
        """Give every frame with its time, whole, from the key frame `near` a time on."""
        if self._deinterlace == "off":
            yield from self._ordered(near)
            return
        fields = Deinterlacer(self._deinterlace, self.time_base)
        for item in fields.frames(self._ordered(near)):
            if fields.found:
                self._note("interlaced frames were made whole (bwdif)")
            yield item

    def _ordered(self, near: int | None) -> Iterator[tuple[VideoFrame, int]]:
        """Give every frame with its time, which only grows."""
        self.dropped = 0
        step = max(1, round(1 / (self.rate * self.time_base))) if self._container else 1
        orderly = self._open().format.name == "avi"  # AVI stores the order, and no times
        last: int | None = None
        for frame in self._decoded(near):
            pts = frame.dts if orderly else frame.pts if frame.pts is not None else frame.dts
            if pts is None or self._still:
                pts = 0 if last is None else last + step
                if self._still:
                    self._note("its times stand still: its frames were placed at the frame rate")
                elif not orderly:
                    self._note("frames without timestamps were placed at the frame rate")
            if last is not None and pts < last:
                if self._skip_damaged and self.dropped:  # what lost its neighbours comes so
                    self._drop("damaged parts were left out, with frames out of their order")
                    continue
                raise MediaError(
                    f"the timestamps of {self.path} jump back from "
                    f"{float(last * self.time_base):.2f} s to {float(pts * self.time_base):.2f} s: "
                    f"expected them to grow; take it in parts with --end, or repair it first"
                )
            if pts == last:
                self._drop("a second frame at the same time was left out")
                continue
            if last is not None and (pts - last) * self.time_base > _PAUSE_SECONDS:
                begin, end = (float(time * self.time_base) for time in (last, pts))
                self._note(
                    f"there are no frames from {begin:.2f} s to {end:.2f} s: pause or damage"
                )
            last = pts
            yield frame, pts

    def _decoded(self, near: int | None) -> Iterator[VideoFrame]:
        import av

        if near is None and self._passes:
            self._rewind()
        self._passes += 1
        decoder = (self._alpha and decoder_of(self._stream)) or self._stream.codec_context
        entered = near is None
        for packet in self._whole(self._demuxed(near)):
            try:
                frames = decoder.decode(packet)
            except av.error.FFmpegError as error:
                self._damaged(f"a frame cannot be decoded ({error.strerror})", self._reach)
                continue
            for frame in frames:
                # Frames shown before the key frame may need what was not decoded.
                entered = entered or bool(frame.key_frame)
                if not entered:
                    continue
                if frame.is_corrupt:
                    self._damaged("a frame is only partly there", self._reach)
                    continue
                yield frame

    def _demuxed(self, near: int | None) -> Iterator[Packet[VideoStream]]:
        """Give the packets of the pictures, and those that are empty: flush the decoder."""
        import av

        this, container, stream = self._passes, self._open(), self._stream
        timeline = Timeline(container.format.name)
        if near is not None:
            container.seek(near, any_frame=False, backward=True, stream=stream)
        self._reach = 0.0
        packets = 0
        demuxed = container.demux()
        while True:
            if self._container is None or self._passes != this:
                raise MediaError(f"{self.path} was closed, or read from the beginning again")
            try:
                packet = next(demuxed)
            except StopIteration:
                break
            except av.error.FFmpegError as error:
                self._damaged(f"its data ends in the middle ({error.strerror})", self._reach)
                break
            joins = timeline.joins
            timeline.place(packet)
            if timeline.joins > joins:
                self._note("its times jump, as where recordings were joined; they were moved")
            if packet.pts is not None and packet.time_base is not None:
                length = packet.pts + (packet.duration or 0)
                self._reach = max(self._reach, float(length * packet.time_base))
            if packet.stream.index == stream.index:
                packets += packet.size > 0
                yield cast("Packet[VideoStream]", packet)
        self._check_whole(packets if near is None else None)

    def _whole(self, packets: Iterator[Packet[VideoStream]]) -> Iterator[Packet[VideoStream]]:
        """Leave out what is cut short.

        FFmpeg calls a packet so where the count of a transport stream jumps, and for want of
        knowing better the packet before. At a join of two recordings both are whole: what follows
        them is a key frame.
        """
        doubtful: list[Packet[VideoStream]] = []
        for packet in packets:
            if doubtful and packet.is_keyframe and not packet.is_corrupt:
                yield from doubtful
                doubtful = []
            elif len(doubtful) == 2 or (doubtful and not packet.size):
                self._damaged("a packet is cut short", self._reach)
                doubtful = []
            if doubtful or packet.is_corrupt:
                doubtful.append(packet)
            else:
                yield packet
        if doubtful:
            self._damaged("a packet is cut short", self._reach)

    def _check_whole(self, packets: int | None) -> None:
        container = self._open()
        counted = packets is not None and "mp4" in container.format.name
        # Not `frames`: an edit list may show fewer than there are.
        missing = len(self._stream.index_entries) - (packets or 0) if counted else 0
        told = 0.0
        if self.indexed:
            told = (container.duration or 0) / 1e6
            if "mp4" in container.format.name:  # Matroska counts from 0
                told += (container.start_time or 0) / 1e6
        elif container.format.name == "avi":  # whose duration FFmpeg guesses by the file's size
            told = float(self._stream.frames * self.time_base)
        if missing > 0 or told - self._reach > _CUT_SECONDS:
            self._damaged("the file is truncated", self._reach)

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
        if not length or self._still:
            return None
        whole = self._stream.frames or round(length * self.rate)
        if self.start or self.end is not None:
            span = min(self.end if self.end is not None else length, length) - self.start
            whole = min(whole, round(span * self.rate))
        return max(1, -(-whole // self.every))

    def _note_conversions(self) -> None:
        frame = self._first
        depth = max(component.bits for component in frame.format.components)
        if self.deep and (lost := dynamic_hdr(frame)):
            self._note(f"dynamic HDR metadata was left out: {', '.join(lost)}")
        if depth > 8 and not self.deep:
            self._note(f"{depth}-bit input is written with 8 bits")
        coded = self._stream.metadata.get("alpha_mode") == "1"
        if (has_alpha(frame) or coded) and not self.alpha:
            self._note("transparency is left out")
        if frame.interlaced_frame and self._deinterlace == "off":
            self._note("interlaced frames are taken as they are; --deinterlace makes them whole")
        if self._upright:
            self._note(f"frames {self._upright.label}, the tag is cleared")


read_video = VideoReader
"""What opens a video."""
