"""`write_video`: frames into a video, in segments that an interrupted job continues from."""

from __future__ import annotations

import errno
import heapq
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Final, cast

import cv2

from ovsharp.closing import Ending
from ovsharp.errors import MediaError, UsageError
from ovsharp.extras import need
from ovsharp.files import settle, staged
from ovsharp.media.beside import Beside
from ovsharp.media.colour import BT709, LIMITED, Colour, from_bgr, siting_of
from ovsharp.media.copied import copy_video
from ovsharp.media.deep import hdr_options
from ovsharp.media.encoders import AUTO, find_encoder, joined, open_encoder
from ovsharp.media.fitting import completed, pixel_shape, resized
from ovsharp.media.layouts import bits, layout_for, sampling
from ovsharp.media.opening import open_video
from ovsharp.media.picture import Frame
from ovsharp.media.reader import VideoReader
from ovsharp.media.segments import (
    Piece,
    packed,
    pieces_of,
    segment_head,
    segment_path,
    segments_in,
    write_segment,
)
from ovsharp.media.shot import Shot
from ovsharp.media.tracks import FORMATS, Audio, container_options, kept, lost_tags, plan_tracks
from ovsharp.media.transparency import with_alpha, without_alpha

CONTAINERS = tuple(FORMATS)
SEGMENT = 240
"""Frames per segment: what an interruption costs at most."""

_X265_SIDE = 64
"""Below, libx265 4.1 writes where it must not: the process aborts in one run of a few."""

_FORM = 3
"""Of what lies in a folder of segments: of another one nothing is continued."""

_BESIDE: Final = "matroska_block_additional"
_BESIDE_KIND = 15
"""What FFmpeg calls it, in PyAV's word and as a number."""
_HOLD_ALPHA = "--codec prores (.mov, .mkv), ffv1 (.mkv) and vp9 (.webm, .mkv)"

_AVX512_SKX = 256
"""The number that OpenCV gives this set of instructions."""
_HAS_AVX512 = cv2.checkHardwareSupport(_AVX512_SKX)
_AVX512_STEP = 8 * 16
"""Widths that x264 codes the same way each time in its AVX-512 form: 8 macroblocks.

At others its macroblock tree takes in what happens to lie in memory behind a row (measured: up to
one run in four differs by a few bytes), and a resumed job would not equal the whole one.
"""


class VideoWriter(Ending):
    """A video file that appears when it is complete; see `write_video`.

    Attributes:
        path: of the file.
        encoder: what codes the frames.
        size: (width, height) that they are resized to; None leaves them.
        segment: frames after each of which a job can continue, and a key frame stands.
        notes: what was left out or changed, a sentence each.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        like: VideoReader | None = None,
        codec: str | None = None,
        crf: int = 18,
        preset: str | None = None,
        bitrate: int | None = None,
        encoder_options: Mapping[str, str] | None = None,
        audio: Audio = "keep",
        size: tuple[int, int] | None = None,
        rate: float | None = None,
        live: bool = False,
        resume: bool = False,
        overwrite: bool = False,
        job: str = "",
        segment: int = SEGMENT,
    ) -> None:
        need("av", extra="video")
        self.path = Path(path)
        ending = self.path.suffix.lower()
        if ending not in CONTAINERS:
            raise UsageError(f"cannot write {self.path.name}: expected {', '.join(CONTAINERS)}")
        if self.path.exists() and not overwrite:
            raise UsageError(f"{self.path} exists; choose another -o, or allow it with --overwrite")
        deep = like is not None and like.deep
        # Players take 10 bits of H.264 hardly anywhere, and of HEVC nearly everywhere.
        codec = codec or ("vp9" if ending == ".webm" else "hevc" if deep else "h264")
        self.encoder = find_encoder(codec, ending).at(preset)
        self._like, self.size, self.segment = like, size, segment
        self._audio: Audio = audio
        self._rate = None if rate is None else Fraction(rate).limit_denominator(1001)
        if like is not None:
            self._rate = like.rate
        more = self.encoder.live if live else {}
        if bitrate is not None and not self.encoder.rated:
            raise UsageError(f"{codec} has no bitrate to choose; leave --bitrate out")
        quality = self.encoder.quality(crf) if bitrate is None else {"b": str(bitrate)}
        self._given = dict(encoder_options or {})
        source = None if like is None else like.pixels
        alpha = self.encoder.alpha if like is not None and like.alpha else ()
        self._pixels = layout_for(
            self.encoder.name, self.encoder.pixels, source, deep=deep, alpha=alpha
        )
        self._deep = deep and bits(self._pixels) > 8
        self._options = joined({**quality, **self.encoder.speed, **more}, self._given)
        if like is not None and self._deep:
            self._options = joined(hdr_options(like.first, self.encoder.name), self._options)
        self._colour = Colour(BT709, LIMITED) if like is None else like.colour
        if self.encoder.codec == "prores":  # which has no word for a full range
            self._colour = replace(self._colour, range=LIMITED)
        self.work = self.path.parent / f".ovsharp-{self.path.name}.work"
        self._made = [p for p in (self.path.parent, *self.path.parent.parents) if not p.exists()]
        identity = json.dumps([_FORM, job, self.encoder.name, preset, audio, crf, size, segment])
        self.notes = self._left_out(ending)
        if codec == AUTO and not self.encoder.hardware:
            self.notes.append(f"no encoder of hardware works here: {self.encoder.name} runs")
        if size is not None or self._given or bitrate is not None:
            self._try(size or (640, 360))
        self._prepare(identity, resume)
        self._next = len(segments_in(self.work))
        self._coding: Any = None
        self._head: dict[str, object] = {}
        self._pieces: list[Piece] = []
        self._durations: dict[int, int] = {}
        self._count = 0
        self._last: Shot | None = None
        self._copying = False

    @property
    def coding(self) -> str:
        """What the frames are written as: the encoder's name."""
        return self.encoder.name

    @property
    def done(self) -> int:
        """Frames that an earlier, interrupted job has finished."""
        paths = segments_in(self.work)
        # The last one is shorter where all frames were encoded and joining them failed.
        last = sum(1 for path in paths[-1:] for _ in pieces_of(path, content=False))
        return self.segment * max(0, len(paths) - 1) + last

    @property
    def reached(self) -> int | None:
        """The time of the last of these frames, in ticks of the source; None without any."""
        paths = segments_in(self.work)
        return max(piece.pts for piece in pieces_of(paths[-1], content=False)) if paths else None

    def write(self, shot: Shot) -> None:
        """Encode a frame.

        Raises:
            MediaError: the encoder refuses it.
            OSError: the disk is full or cannot be written.
        """
        frame = self._fitted(shot.frame)
        with self._naming():
            if self._coding is None:
                self._coding = self._open(shot.frame, frame, shot.time_base)
            picture = self._coded(shot, frame)
            picture.pts, picture.time_base = shot.pts, shot.time_base
            self._keep(self._coding.encode(picture))
            self._durations[shot.pts] = shot.duration
            self._count += 1
            if self._count == self.segment:
                self._flush()

    @property
    def kept(self) -> int:
        """How many segments are there."""
        return len(list(self.work.glob("segment-*")))

    def missing(self, count: int) -> list[int]:
        """Give which of the first `count` segments are not there yet."""
        return [index for index in range(count) if not segment_path(self.work, index).is_file()]

    def add(self, index: int, segment: bytes) -> None:
        """Take a segment that was coded elsewhere; see `SegmentWriter`.

        Raises:
            OSError: the disk is full or cannot be written.
        """
        with self._naming():
            write_segment(segment_path(self.work, index), segment)
            self._check_room()

    def copy_source(self) -> None:
        """Let the source itself, bit for bit, become the output; `check_copy` says if it can."""
        self._copying = True

    def _coded(self, shot: Shot, frame: Frame) -> Any:
        """Give a frame as the encoder takes it."""
        coloured = self._coloured(shot, frame)
        if shot.alpha is None or self._pixels == without_alpha(self._pixels):
            return coloured
        size = (shot.frame.shape[1], shot.frame.shape[0])
        alpha = resized(resized(shot.alpha, size), self.size)
        return with_alpha(coloured, completed(alpha, self._pixels), self._pixels)

    def _coloured(self, shot: Shot, frame: Frame) -> Any:
        deep, siting = shot.deep, siting_of(self.encoder.codec, self._pixels)
        pixels = without_alpha(self._pixels)
        if not self._deep or deep is None or not deep.fits(shot.frame):
            return from_bgr(frame, self._colour, pixels, siting=siting)
        before = self._fitted(deep.enlarged(shot.frame))
        return deep.corrected(before, frame, self._colour, pixels, siting)

    def finish(self) -> None:
        """Join the segments with the other streams of the source into the output."""
        if self._copying and self._like is not None:
            with self._naming(), staged(self.path.parent) as folder:
                copy_video(self._like.path, self._like.index, folder / self.path.name)
            settle(self.path)
            shutil.rmtree(self.work)
            return
        with self._naming():
            self._flush()
        if not segments_in(self.work):
            raise MediaError(f"{self.path}: there was no frame to write")
        with self._naming(), staged(self.path.parent) as folder:
            self._join(folder / self.path.name)
        settle(self.path)  # before what it was made of goes
        shutil.rmtree(self.work)

    def _leave(self, *, well: bool) -> None:
        try:
            if well:
                self.finish()
        finally:
            self._coding = None
            if self.work.is_dir() and not self.kept:
                self.discard()

    def discard(self) -> None:
        """Throw away what is not in the output yet."""
        shutil.rmtree(self.work, ignore_errors=True)
        for folder in self._made:
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()

    def _prepare(self, identity: str, resume: bool) -> None:
        note = self.work / "job.json"
        if note.is_file():  # else the power went before anything was done
            same = note.read_text(encoding="utf-8") == identity
            if resume and not same:
                raise UsageError(
                    f"the unfinished job of {self.path} had another input or other settings; "
                    f"repeat them, or start over without --resume"
                )
            if resume:
                return
        with self._naming():
            try:
                if self.work.is_dir():
                    shutil.rmtree(self.work)
                self.work.mkdir(parents=True)
                with staged(self.work) as staging:
                    (staging / note.name).write_text(identity, encoding="utf-8")
                    settle(staging / note.name)
            except BaseException:  # Ctrl-C, too
                self.discard()
                raise

    @contextmanager
    def _naming(self) -> Iterator[None]:
        """Let failures name the output: the hidden files beside it tell its user nothing."""
        import av

        try:
            yield
        except av.error.FFmpegError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EACCES):
                raise OSError(error.errno, os.strerror(error.errno), str(self.path)) from error
            raise MediaError(f"{self.path} cannot be written ({error.strerror})") from error
        except OSError as error:
            raise OSError(error.errno, error.strerror or str(error), str(self.path)) from error

    def _left_out(self, ending: str) -> list[str]:
        """Say what of the source does not go along, before any work is done."""
        if self._like is None:
            return []
        notes = self._colour_lost(self._like.pixels)
        if self._like.begin * self._like.rate >= 1 and not self._like.start:
            notes.append(f"times begin at 0, and not at {float(self._like.begin):.2f} s")
        if self._like.numbered is not None:
            return notes
        if not self._like.path.is_file():
            return [*notes, "a pipe is read once: its sound and metadata are left out"]
        with open_video(self._like.path) as source:
            notes += plan_tracks(source, self._like.index, ending, self._audio)[1]
            lost = lost_tags(source, self._like.index, ending)
        if lost:
            notes.append(f"tags that {ending} does not keep were left out: {', '.join(lost)}")
        return notes

    def _colour_lost(self, pixels: str) -> list[str]:
        from av import VideoFormat

        before, after = sampling(pixels), sampling(self._pixels)
        if VideoFormat(pixels, 64, 64).is_rgb:
            before = "444"
        lost = []
        if self._like is not None and self._like.alpha and "yuva" not in self._pixels:
            lost = [f"transparency was left out: {self.encoder.name} holds none; {_HOLD_ALPHA} do"]
        if self._like is not None and self._like.deep and bits(self._pixels) < bits(pixels):
            lost += [f"{bits(pixels)}-bit input is written with {bits(self._pixels)} bits"]
        if before <= after:
            return lost
        names = {"422": "4:2:2", "444": "4:4:4", "420": "4:2:0"}
        return [
            *lost,
            f"colours are stored at a lower resolution: {names[before]} became {names[after]}",
        ]

    def _try(self, size: tuple[int, int]) -> None:
        """Open the encoder before any work, and see whether it takes the size and the options."""
        import av

        head = {"width": size[0], "height": size[1], "aspect": [1, 1]}
        encoder: Any = av.CodecContext.create(self.encoder.name, "w")
        self._configure(encoder, head, Fraction(1, 25))
        try:
            open_encoder(encoder)
        except (av.error.FFmpegError, ValueError) as error:
            asked = ", ".join(f"{key}={value}" for key, value in self._given.items())
            asked = asked or f"{size[0]}x{size[1]}"
            raise UsageError(
                f"{self.encoder.name} does not take {asked}; see 'ffmpeg -h "
                f"encoder={self.encoder.name}' for what it takes"
            ) from error
        strange = self._given.keys() & encoder.options.keys()
        if strange:
            raise UsageError(
                f"{self.encoder.name} has no option {', '.join(sorted(strange))}; see "
                f"'ffmpeg -h encoder={self.encoder.name}'"
            )

    def _fitted(self, frame: Frame) -> Frame:
        frame = resized(frame, self.size)
        whole = completed(frame, self._pixels)
        note = "odd sides were made even by repeating the last row or column"
        if whole is not frame and note not in self.notes:
            self.notes.append(note)
        return whole

    def _open(self, before: Frame, frame: Frame, time_base: Fraction) -> Any:
        import av
        from av.codec.context import Flags

        height, width = frame.shape[:2]
        aspect = Fraction(1) if self._like is None else self._like.sample_aspect
        if self.size is not None:
            aspect = pixel_shape(aspect, before, frame)
        self._head = {
            "width": width,
            "height": height,
            "aspect": [aspect.numerator, aspect.denominator],
            "time_base": [time_base.numerator, time_base.denominator],
        }
        encoder = av.CodecContext.create(self.encoder.name, "w")
        self._configure(encoder, self._head, time_base)
        encoder.flags |= Flags.global_header
        open_encoder(encoder)
        return encoder

    def _configure(self, encoder: Any, head: dict[str, Any], time_base: Fraction) -> None:
        encoder.width, encoder.height = head["width"], head["height"]
        if self.encoder.name == "libx265" and min(head["width"], head["height"]) < _X265_SIDE:
            raise UsageError(
                f"libx265 takes sides of {_X265_SIDE} pixels or more, not {head['width']}x"
                f"{head['height']}; choose --codec h264"
            )
        encoder.sample_aspect_ratio = Fraction(*head["aspect"])
        encoder.pix_fmt = self._pixels
        encoder.time_base = time_base
        encoder.framerate = self._rate or 1 / time_base
        encoder.colorspace, encoder.color_range = self._colour.matrix, self._colour.range
        encoder.color_primaries = self._colour.primaries
        encoder.color_trc = self._colour.transfer
        encoder.options = dict(self._options)
        if self.encoder.name == "libx264" and head["width"] % _AVX512_STEP and _HAS_AVX512:
            params = encoder.options.get("x264-params", "")
            encoder.options |= {"x264-params": f"{params}:asm=avx2".lstrip(":")}

    def _keep(self, packets: list[Any]) -> None:
        for packet in packets:
            beside = bytes(packet.get_sidedata(_BESIDE)) if packet.has_sidedata(_BESIDE) else b""
            self._pieces.append(Piece(packet.pts, 0, packet.is_keyframe, bytes(packet), beside))

    def _flush(self) -> None:
        if self._coding is None:
            return
        self._keep(self._coding.encode(None))
        pieces = [
            replace(piece, duration=self._durations.get(piece.pts, 0)) for piece in self._pieces
        ]
        self._store(packed(self._head, pieces))
        self._coding, self._pieces, self._durations, self._count = None, [], {}, 0

    def _store(self, segment: bytes) -> None:
        self.add(self._next, segment)
        self._next += 1

    def _check_room(self) -> None:
        """Fail now where what is there already could not be joined at the end."""
        needed = sum(path.stat().st_size for path in self.work.glob("segment-*"))
        if shutil.disk_usage(self.work).free < needed:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _join(self, target: Path) -> None:
        import av

        paths = segments_in(self.work)
        head: Any = segment_head(paths[0])
        time_base = Fraction(*head["time_base"])
        like = self._like
        shift = Fraction(0) if like is None else like.begin
        times = sorted((p.pts, p.duration) for s in paths for p in pieces_of(s, content=False))
        if like is not None and like.start:
            shift = times[0][0] * time_base
        cut = like is not None and like.end is not None
        end = sum(times[-1]) * time_base if cut else None
        source = open_video(like.path) if like is not None and like.path.is_file() else None
        try:
            form = FORMATS[target.suffix.lower()]
            tags = source.metadata if source is not None else {}
            options = container_options(target.suffix.lower(), tags)
            with av.open(str(target), "w", format=form, container_options=options) as out:
                video = out.add_stream(self.encoder.name, rate=self._rate)
                self._configure(video.codec_context, head, time_base)
                video.time_base = time_base
                if self.encoder.codec == "hevc" and form in ("mp4", "mov"):
                    video.codec_context.codec_tag = "hvc1"  # Apple's players take no other
                others: Iterator[tuple[float, Any]] = iter(())
                if source is not None and like is not None:
                    video.metadata.update(kept(source.streams[like.index].metadata))
                    others = Beside(
                        out,
                        source,
                        like.index,
                        target.suffix.lower(),
                        audio=self._audio,
                        shift=shift,
                        end=end,
                    ).packets()
                open_encoder(video.codec_context)
                out.start_encoding()
                merged = heapq.merge(
                    self._video_packets(paths, times, video, time_base, shift),
                    others,
                    key=lambda item: item[0],
                )
                for _, packet in merged:
                    out.mux(packet)
        finally:
            if source is not None:
                source.close()

    def _video_packets(
        self,
        paths: list[Path],
        times: list[tuple[int, int]],
        video: Any,
        time_base: Fraction,
        shift: Fraction,
    ) -> Iterator[tuple[float, Any]]:
        """Give the packets with times to decode at that only grow, across segments too."""
        import av
        from av.packet import PacketSideData

        order = [time for time, _ in times]
        rank = {pts: index for index, pts in enumerate(order)}
        coded = [piece.pts for path in paths for piece in pieces_of(path, content=False)]
        delay = max(index - rank[pts] for index, pts in enumerate(coded))
        step = max(1, order[1] - order[0]) if len(order) > 1 else 1
        offset = round(shift / time_base)
        index = 0
        for path in paths:
            for piece in pieces_of(path):
                packet = av.Packet(piece.data)
                packet.stream, packet.time_base = video, time_base
                if piece.beside:
                    # Its stubs do not tell what it is made of.
                    beside: Any = cast(Any, PacketSideData)(_BESIDE_KIND, len(piece.beside))
                    beside.update(piece.beside)
                    packet.set_sidedata(beside)
                early = delay - index
                dts = order[0] - early * step if early > 0 else order[index - delay]
                packet.pts, packet.dts = piece.pts - offset, dts - offset
                place = rank[piece.pts]
                following = order[place + 1] - piece.pts if place + 1 < len(order) else 0
                packet.duration = following or piece.duration or step
                packet.is_keyframe = piece.key
                index += 1
                yield float(packet.dts * time_base), packet


def write_video(path: str | Path, **options: Any) -> VideoWriter:
    """Open a video for writing: a context manager with `write(shot)`.

    The file appears when the block ends without an error. Finished segments wait in a hidden
    folder beside it, from where a job with `resume=True` continues.

    Args:
        path: ending in one of `CONTAINERS`.
        options: `like`, the reader whose colours, sound, subtitles and metadata are kept;
            `codec`, see `find_encoder`; `crf`, lower is better; `preset`, the encoder's speed as it
            calls it; `bitrate`, bits per second in place of a quality; `encoder_options`, as FFmpeg
            calls them; `audio`, one of `AUDIO`; `size`, final (width, height);
            `rate`, frames per second to expect where no `like` tells it; `live`, code faster and
            larger; `resume`; `overwrite`; `job`, a text that identifies what is computed;
            `segment`, frames per segment.

    Raises:
        UsageError: an ending, encoder or preset that is not known or does not work, or the file
            exists.
        MediaError: the output cannot hold a stream.
        OSError: it cannot be written.
    """
    return VideoWriter(path, **options)
