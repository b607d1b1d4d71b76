"""A clip as a call sends it: through a real encoder, into a file that any reader takes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ovsharp.degrade.codecs import FULL_SIZE, svt, vpx, x264
from ovsharp.errors import MediaError, UsageError
from ovsharp.extras import need
from ovsharp.media import BT601, BT709, LIMITED, Colour, Frame, from_bgr, open_encoder, siting_of

SENDINGS: Mapping[str, str] = {
    "x264 crf 36": "x264(crf=36)",
    "x264 250k 1/2": "x264(kbps=250, scale=2)",
    "vp8 300k 1/2": "vp8(kbps=300, scale=2)",
}
"""What a bad call does to a clip, by name: the rows that ovsharp is judged by."""

_SIDES = (16, 16384)


@dataclass(frozen=True)
class _Coder:
    encoder: str
    """What FFmpeg calls it."""
    worst: int
    """The highest, that is the worst, number for a constant quality."""
    matrix: int = BT709


# VP8 knows BT.601 only, and decoders believe it more than its container.
_CODERS = {
    "x264": _Coder("libx264", 51),
    "vp8": _Coder("libvpx", 63, BT601),
    "vp9": _Coder("libvpx-vp9", 63),
    "av1": _Coder("libsvtav1", 63),
}
_NUMBERS = {"crf": (0, 63), "kbps": (10, 100_000), "scale": (1, 8), "speed": (4, 8)}


@dataclass(frozen=True)
class Sending:
    """How a clip is sent. Make one with `parse_sending`."""

    codec: str
    """`x264`, `vp8`, `vp9` or `av1`."""
    crf: int | None = None
    """Constant quality, lower is better: 0..51 for x264, 0..63 for the others. None: `kbps`."""
    kbps: int | None = None
    """Constant bitrate in kbit/s at 1280x720; frames of half as many pixels get half of it."""
    scale: float = 1.0
    """What is sent is smaller by this factor each way (antialiased, `area`)."""
    speed: int = 6
    """`cpu-used` of libvpx, 4..8."""

    @property
    def text(self) -> str:
        """Its text in full: equal texts send alike."""
        shown = {"crf": self.crf, "kbps": self.kbps}
        parts = [f"{name}={value}" for name, value in shown.items() if value is not None]
        if self.scale != 1:
            parts.append(f"scale={self.scale:g}")
        if self.codec in ("vp8", "vp9"):
            parts.append(f"speed={self.speed}")
        return f"{self.codec}({', '.join(parts)})"

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Tell the width and height of what is sent: even, as 4:2:0 needs them.

        Example:
            >>> parse_sending("x264(crf=30, scale=1.5)").size(1280, 720)
            (854, 480)
        """
        small = [max(2, round(side / self.scale / 2) * 2) for side in (width, height)]
        return small[0], small[1]

    def options(self, width: int, height: int) -> dict[str, str]:
        """Give the encoder's options for clips of a size, before it is made smaller."""
        rate = str(round((self.kbps or 0) * 1000 * width * height / FULL_SIZE))
        constant = {} if self.kbps is None else {"b": rate}
        if self.codec == "av1":
            return {**svt(self.crf), **constant}
        if constant:
            constant |= {"maxrate": rate, "bufsize": rate}
        if self.codec == "x264":
            return {**x264(self.crf), **constant}
        if constant:  # libvpx takes three equal rates for a constant one
            constant |= {"minrate": rate}
        return {**vpx(self.crf, self.speed), **constant}


def parse_sending(text: str) -> Sending:
    """Read how a clip is sent: a name of `SENDINGS`, or a codec with its numbers.

    Args:
        text: such as `x264(crf=36)` or `vp8(kbps=300, scale=2)`; either `crf` or `kbps`.

    Raises:
        UsageError: it cannot be read, or a number is out of its range.

    Example:
        >>> parse_sending("vp8(kbps=300, scale=2)").text
        'vp8(kbps=300, scale=2, speed=6)'
        >>> parse_sending("x264 crf 36").text
        'x264(crf=36)'
    """
    match = re.fullmatch(r"\s*(\w+)\s*\((.*)\)\s*", SENDINGS.get(text.strip(), text))
    if match is None or match[1] not in _CODERS:
        raise UsageError(
            f"cannot read '{text}'; expected {', '.join(map(repr, SENDINGS))}, or "
            f"{', '.join(_CODERS)} with crf or kbps, and scale, such as 'x264(kbps=250, scale=2)'"
        )
    codec, numbers = match[1], {}
    for part in filter(None, (part.strip() for part in match[2].split(","))):
        name, _, value = (piece.strip() for piece in part.partition("="))
        low, high = _NUMBERS.get(name, (0, 0))
        whole = r"\d+" if name != "scale" else r"\d+(\.\d+)?"
        if name == "crf":
            high = _CODERS[codec].worst
        known = name in _NUMBERS and (name != "speed" or codec in ("vp8", "vp9"))
        if not known or not re.fullmatch(whole, value) or not low <= float(value) <= high:
            raise UsageError(
                f"'{part}' in '{text}' makes no sense; expected crf=0..{_CODERS[codec].worst} or "
                f"kbps=10..100000, scale=1..8, and speed=4..8 for vp8 and vp9"
            )
        numbers[name] = float(value)
    if ("crf" in numbers) == ("kbps" in numbers):
        raise UsageError(f"expected either crf or kbps in '{text}'")
    scale = numbers.pop("scale", 1.0)
    return Sending(codec, scale=scale, **{name: int(value) for name, value in numbers.items()})


def send_clip(frames: Iterable[Frame], path: Path, sending: Sending, rate: Fraction) -> int:
    """Code a clip into a file as a call would send it, one frame after the other.

    Colours are converted exactly, by BT.709 (VP8: BT.601) and limited range; the file says so.

    Args:
        frames: uint8, H x W x 3, BGR, all of one size with even sides; one or more.
        path: of the Matroska file to write.
        sending: how.
        rate: frames per second.

    Returns:
        How many frames were sent.

    Raises:
        UsageError: sides that are odd or out of range, or PyAV has no such encoder.
        MissingExtraError: PyAV is not installed.
        MediaError: the encoder refuses the frames, or there is none.
        OSError: the file cannot be written.
    """
    need("av", extra="video")
    import av

    coder = _CODERS[sending.codec]
    encoder, colour = coder.encoder, Colour(coder.matrix, LIMITED)
    siting = siting_of("h264" if sending.codec == "x264" else sending.codec)
    if encoder not in av.codecs_available:
        raise UsageError(f"this PyAV has no {encoder}; send with {', '.join(_CODERS)} instead")
    remaining = iter(frames)
    first = next(remaining, None)
    if first is None:
        raise MediaError("there is no frame to send")
    height, width = first.shape[:2]
    size = sending.size(width, height)
    if width % 2 or height % 2 or min(size) < _SIDES[0] or max(size) > _SIDES[1]:
        raise UsageError(
            f"frames of {width}x{height} cannot be sent as {sending.text}: expected even sides, "
            f"and {_SIDES[0]} to {_SIDES[1]} pixels of them sent"
        )
    count = 0
    try:
        with av.open(str(path), "w", format="matroska") as out:
            stream: Any = out.add_stream(encoder, rate=rate)
            stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
            context = stream.codec_context
            context.thread_count = 1  # the same bytes on every machine
            context.colorspace, context.color_range = colour.matrix, colour.range
            context.options = sending.options(width, height)
            context.time_base = 1 / rate
            open_encoder(context)
            for frame in chain([first], remaining):
                picture = from_bgr(_shrunk(frame, size), colour, "yuv420p", siting=siting)
                picture.pts, picture.time_base = count, 1 / rate
                out.mux(stream.encode(picture))
                count += 1
            out.mux(stream.encode(None))
    except av.error.FFmpegError as error:
        raise MediaError(f"{sending.text} cannot code the clip ({error.strerror})") from error
    return count


def _shrunk(frame: Frame, size: tuple[int, int]) -> Frame:
    if (frame.shape[1], frame.shape[0]) == size:
        return frame
    return np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), np.uint8)
