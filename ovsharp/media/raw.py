"""`RawVideo`: frames as YUV4MPEG2 on standard output, for the next program of a pipeline."""

from __future__ import annotations

import sys
from typing import IO

import numpy as np

from ovsharp.closing import Ending
from ovsharp.media.colour import from_bgr
from ovsharp.media.fitting import completed, pixel_shape, resized
from ovsharp.media.layouts import sampling
from ovsharp.media.picture import Frame
from ovsharp.media.reader import VideoReader
from ovsharp.media.shot import Shot
from ovsharp.media.writer import SEGMENT


class RawVideo(Ending):
    """Writes every frame as it comes, not coded: no sound, no metadata, and one rate for all.

    Args:
        like: the reader whose rate, sampling and coding of colours are kept.
        size: final (width, height); None leaves it.
        out: what takes the bytes; None is standard output.

    Attributes:
        notes: what is left out, a sentence each.
        done: always 0: nothing can be continued.
        reached: always None.
        segment: as that of `VideoWriter`.
        coding: what the frames are written as.
    """

    done, reached, segment, coding = 0, None, SEGMENT, "yuv4mpeg"

    def __init__(
        self,
        like: VideoReader,
        *,
        size: tuple[int, int] | None = None,
        out: IO[bytes] | None = None,
    ) -> None:
        self._like, self._size = like, size
        self._out = sys.stdout.buffer if out is None else out
        self._pixels = f"yuv{sampling(like.pixels)}p"
        self._began = False
        self.notes = [f"YUV4MPEG2 holds pictures only, at {float(like.rate):.6g} FPS"]

    def write(self, shot: Shot) -> None:
        """Write a frame.

        Raises:
            OSError: nobody reads any more.
        """
        frame = completed(resized(shot.frame, self._size), self._pixels)
        if not self._began:
            self._out.write(self._head(shot.frame, frame).encode("ascii"))
            self._began = True
        picture = from_bgr(frame, self._like.colour, self._pixels)
        self._out.write(b"FRAME\n")
        for plane in picture.planes:
            rows = np.frombuffer(bytes(plane), np.uint8).reshape(-1, plane.line_size)
            self._out.write(rows[: plane.height, : plane.width].tobytes())

    def _leave(self, *, well: bool) -> None:
        if well:
            self._out.flush()

    def _head(self, before: Frame, frame: Frame) -> str:
        rate, (height, width) = self._like.rate, frame.shape[:2]
        pixel = self._like.sample_aspect
        if self._size is not None:
            pixel = pixel_shape(pixel, before, frame)
        chroma = {"420": "420mpeg2"}.get(self._pixels[3:6], self._pixels[3:6])
        extent = "FULL" if self._like.colour.range == 2 else "LIMITED"
        return (
            f"YUV4MPEG2 W{width} H{height} F{rate.numerator}:{rate.denominator} Ip "
            f"A{pixel.numerator}:{pixel.denominator} C{chroma} XCOLORRANGE={extent}\n"
        )
