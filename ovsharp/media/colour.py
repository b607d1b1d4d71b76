"""Between a video's YUV and BGR frames: which matrix, which range, nothing guessed in silence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

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


def from_bgr(frame: Frame, colour: Colour, pixel_format: str) -> VideoFrame:
    """Convert a frame, uint8 H x W x 3 BGR, to what an encoder takes."""
    from av import VideoFrame

    return VideoFrame.from_ndarray(frame, "bgr24").reformat(
        format=pixel_format,
        dst_colorspace=colour.matrix,
        dst_color_range=colour.range,
        interpolation=_EXACT,
    )
