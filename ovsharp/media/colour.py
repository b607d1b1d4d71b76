"""Between a video's YUV and BGR frames: which matrix, range and siting, nothing guessed in silence.

The one place of ovsharp that converts: videos, recordings, and the codecs of `degrade`.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from ovsharp.errors import MediaError
from ovsharp.media.picture import Frame

if TYPE_CHECKING:
    from av import VideoFrame

LIMITED, FULL = 1, 2
BT709, BT601, BT2020 = 1, 6, 9
_UNKNOWN = (0, 2)
"""RGB, which has no matrix, and unspecified."""
_HDR = {16: "PQ (HDR10)", 18: "HLG"}
_HD_LINES = 720
_EXACT = 4 | 0x2000 | 0x40000
"""swscale: bicubic, all chroma, rounded; its fast way darkens by 2 levels of 255."""
_EXACT_FLAGS = "bicubic+full_chroma_int+full_chroma_inp+accurate_rnd"
"""The same, as FFmpeg's filter `scale` spells it."""
_LEFT_SITED = ("h264", "hevc", "mpeg4", "ffv1", "prores")
"""Codecs whose chroma lies between two rows at the left pixel of a pair, unless they say otherwise;
the others (VP8, VP9, AV1) tell nothing, and are read as calls make them: in the middle of four."""
_FINER = {f"yuv{kind}p": f"yuv{kind}p14le" for kind in (420, 422, 444)}
"""Pixels on the way to 8 bits of full range, where swscale rounds chroma down: blue and red darker
by .9 levels, green brighter by .5. With 14 bits between, within .15; it takes twice as long."""
_MATRICES = {BT709: "BT.709", 5: "BT.601", BT601: "BT.601", BT2020: "BT.2020"}


@dataclass(frozen=True)
class Colour:
    """How the colours of a video are coded, in the numbers of ITU-T H.273.

    Example:
        >>> Colour(BT709, LIMITED).label
        'BT.709 limited'
    """

    matrix: int
    """1 is BT.709, 5 and 6 are BT.601, 9 is BT.2020."""
    range: int
    """1 is limited (16..235), 2 is full (0..255)."""
    primaries: int = 2
    transfer: int = 2

    @property
    def label(self) -> str:
        """Matrix and range in words."""
        name = _MATRICES.get(self.matrix, f"matrix {self.matrix}")
        return f"{name} {'full' if self.range == FULL else 'limited'}"


def colour_of(frame: VideoFrame) -> Colour:
    """Read how a decoded frame is coded.

    Where the file does not say, videos of 720 lines and more are BT.709 and smaller ones BT.601,
    as players take them; the range is limited unless the file or its pixel format says full.

    Raises:
        MediaError: HDR, which 8-bit frames cannot hold.
    """
    transfer = int(frame.color_trc)
    if transfer in _HDR:
        raise MediaError(
            f"the video is HDR, {_HDR[transfer]}: the models work on 8-bit frames of standard "
            f"range; map its tones to BT.709 first, e.g. with ffmpeg's filter 'tonemap'"
        )
    matrix = int(frame.colorspace)
    if matrix in _UNKNOWN or frame.format.is_rgb:
        matrix = BT709 if min(frame.width, frame.height) >= _HD_LINES else BT601
    full = int(frame.color_range) == FULL or frame.format.name.startswith("yuvj")
    if frame.format.is_rgb:
        full = False
    return Colour(matrix, FULL if full else LIMITED, int(frame.color_primaries), transfer)


def to_bgr(frame: VideoFrame, colour: Colour) -> Frame:
    """Convert a decoded frame to uint8, H x W x 3, BGR."""
    if frame.format.is_rgb:
        return frame.to_ndarray(format="bgr24")  # type: ignore[return-value]
    plain = frame.reformat(
        format="bgr24",
        src_colorspace=colour.matrix,
        src_color_range=colour.range,
        interpolation=_EXACT,
    )
    return plain.to_ndarray()  # type: ignore[return-value]


def siting_of(codec: str, pixels: str = "yuv420p") -> str:
    """Name where the chroma samples of a codec lie, as FFmpeg calls it: left or center.

    Args:
        codec: what the frames are coded by.
        pixels: pixel format; samples of 4:2:2 lie at the left pixel of a pair, whatever the codec.

    Example:
        >>> siting_of("h264"), siting_of("vp8"), siting_of("vp9", "yuv422p")
        ('left', 'center', 'left')
    """
    return "left" if codec in _LEFT_SITED or "422" in pixels else "center"


def from_bgr(
    frame: Frame, colour: Colour, pixel_format: str, *, siting: str = "left"
) -> VideoFrame:
    """Convert a frame to what an encoder takes.

    `to_bgr` of the result gives the frame's own means again to a tenth of a level (.2 in full
    range), and every colour at its place.

    Args:
        frame: uint8, H x W x 3, BGR.
        colour: how it will be coded.
        pixel_format: FFmpeg's name, such as yuv420p.
        siting: where samples of chroma lie; see `siting_of`.
    """
    from av import VideoFrame

    picture = VideoFrame.from_ndarray(frame, "bgr24")
    converted: VideoFrame = _GRAPHS.of(frame, colour, pixel_format, siting).convert(picture)
    return converted


class _Graph:
    """A filter graph: `VideoFrame.reformat` cannot be told where chroma is to lie.

    https://github.com/PyAV-Org/PyAV/pull/2393
    """

    def __init__(self, frame: Frame, colour: Colour, pixel_format: str, siting: str) -> None:
        from av import VideoFormat
        from av.filter import Graph

        height, width = frame.shape[:2]
        self._graph = Graph()
        # A graph with threads of its own would wait for them forever in a forked process.
        self._graph.threads = 1
        source: Any = self._graph.add_buffer(
            width=width, height=height, format=VideoFormat("bgr24"), time_base=Fraction(1, 1000)
        )
        matrix = {BT709: "bt709", BT2020: "bt2020"}.get(colour.matrix, "bt601")
        extent = "pc" if colour.range == FULL else "tv"
        scale = (
            f"out_color_matrix={matrix}:out_range={extent}:out_chroma_loc={siting}"
            f":flags={_EXACT_FLAGS}"
        )
        finer = [_FINER[pixel_format]] if extent == "pc" and pixel_format in _FINER else []
        nodes = [
            node
            for pixels in (*finer, pixel_format)
            for node in (self._graph.add("scale", scale), self._graph.add("format", pixels))
        ]
        for node in (*nodes, self._graph.add("buffersink")):
            source.link_to(node)
            source = node
        self._graph.configure()

    def convert(self, picture: VideoFrame) -> VideoFrame:
        self._graph.vpush(picture)
        return self._graph.vpull()


class _Graphs(threading.local):
    """The last graph of each thread: a video asks for the same one again and again."""

    _key: tuple[Any, ...] = ()
    _graph: _Graph

    def of(self, frame: Frame, colour: Colour, pixel_format: str, siting: str) -> _Graph:
        key = (frame.shape, colour.matrix, colour.range, pixel_format, siting)
        if key != self._key:
            self._graph, self._key = _Graph(frame, colour, pixel_format, siting), key
        return self._graph


_GRAPHS = _Graphs()
