"""Transparency of a video's frames, beside their colours: read, fitted and put back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from av import VideoFrame
    from av.video.stream import VideoStream

Alpha = npt.NDArray[np.uint16]
"""H x W, 0 (not seen) to 65535, not multiplied into the colours."""

_TOP = 65535
_DECODERS = {"vp8": "libvpx", "vp9": "libvpx-vp9"}
"""Codecs whose transparency FFmpeg's own decoders pass over, and who reads it."""


def has_alpha(frame: VideoFrame) -> bool:
    """Tell whether a decoded frame has transparency."""
    return any(component.is_alpha for component in frame.format.components)


def alpha_of(frame: VideoFrame) -> Alpha | None:
    """Read the transparency of a decoded frame; None where it has none."""
    if not has_alpha(frame):
        return None
    form = frame.format
    if not form.is_planar or form.is_rgb:
        packed: Alpha = frame.to_ndarray(format="rgba64le")[..., 3].astype(np.uint16)
        return packed
    plane, top = frame.planes[-1], (1 << form.components[-1].bits) - 1
    kind = np.uint16 if top > 255 else np.uint8
    rows = np.frombuffer(bytes(plane), kind).reshape(plane.height, -1)[:, : plane.width]
    return _scaled(rows, top, _TOP)


def with_alpha(frame: VideoFrame, alpha: Alpha, pixels: str) -> VideoFrame:
    """Put transparency to a frame in YUV.

    Args:
        frame: without any.
        alpha: of its size.
        pixels: the pixel format of the result: that of the frame, and transparency.
    """
    from av import VideoFrame

    result = VideoFrame(frame.width, frame.height, pixels)
    top = (1 << result.format.components[-1].bits) - 1
    for plane, old in zip(result.planes, frame.planes, strict=False):
        _fill(plane, _rows(old)[: plane.height])
    kind = np.uint16 if top > 255 else np.uint8
    values = np.ascontiguousarray(_scaled(alpha, _TOP, top).astype(kind))
    _fill(result.planes[-1], values.view(np.uint8))
    return result


def without_alpha(pixels: str) -> str:
    """Name the pixel format that holds the same colours alone.

    Example:
        >>> without_alpha("yuva444p10le"), without_alpha("yuv420p")
        ('yuv444p10le', 'yuv420p')
    """
    return pixels.replace("yuva", "yuv")


def decoder_of(stream: VideoStream) -> Any:
    """Make a decoder that gives the transparency of a stream; None where its own one does."""
    from av import CodecContext

    name = _DECODERS.get(stream.codec_context.name)
    if name is None or stream.metadata.get("alpha_mode") != "1":
        return None
    decoder: Any = CodecContext.create(name, "r")
    decoder.extradata = stream.codec_context.extradata
    return decoder


def _scaled(values: npt.NDArray[Any], top: int, wanted: int) -> Alpha:
    return ((values.astype(np.uint32) * wanted + top // 2) // top).astype(np.uint16)


def _rows(plane: Any) -> npt.NDArray[np.uint8]:
    return np.frombuffer(bytes(plane), np.uint8).reshape(plane.height, -1)


def _fill(plane: Any, values: npt.NDArray[np.uint8]) -> None:
    rows = np.zeros((plane.height, plane.line_size), np.uint8)
    width = min(values.shape[1], plane.line_size)
    rows[:, :width] = values[:, :width]
    plane.update(rows.tobytes())
