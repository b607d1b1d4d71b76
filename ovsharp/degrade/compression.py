"""What codecs do. The video codecs are the real ones, through PyAV (extra `video`).

A video codec's damage comes from frames that lean on each other. So the image becomes the last of
a few frames of a slow pan; the rest is coded before it and only the last one is kept, which lies
exactly where the image did.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from ovsharp.errors import UsageError
from ovsharp.extras import need
from ovsharp.media import Frame

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_FRAME_TIME = Fraction(1, 30)

_PAN = 3.0
"""Most pixels that the picture moves between two frames, each way."""


def jpeg(image: Frame, rng: np.random.Generator, *, quality: int = 30) -> Frame:
    """Compress as baseline JPEG (4:2:0 chroma) with `quality` 1..100 and decode again."""
    ok, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not ok:
        raise UsageError(f"OpenCV could not encode a {image.shape} image as JPEG")
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), dtype=np.uint8)


def h264(
    image: Frame, rng: np.random.Generator, *, crf: int = 32, scale: float = 1.0, frames: int = 4
) -> Frame:
    """H.264 as a call codes it (x264, veryfast, no look-ahead) at constant rate factor `crf`.

    Args:
        image: uint8, H x W x 3, BGR.
        rng: draws the direction of the pan.
        crf: 0 (lossless) to 51.
        scale: what is sent is smaller by this factor each way (antialiased, `area`) and enlarged
            again by bicubic.
        frames: length of the pan; 1 for a single key frame.

    Raises:
        MissingExtraError: PyAV is not installed.
    """
    options = {"preset": "veryfast", "tune": "zerolatency", "crf": str(crf)}
    return _video(image, rng, "libx264", "h264", options, scale, frames)


def vp8(
    image: Frame,
    rng: np.random.Generator,
    *,
    quantizer: int = 40,
    scale: float = 1.0,
    frames: int = 4,
) -> Frame:
    """VP8 as WebRTC codes it (libvpx, real-time) at a constant `quantizer` of 0..63.

    The other parameters are those of `h264`.
    """
    return _video(image, rng, "libvpx", "vp8", _vpx(quantizer), scale, frames)


def vp9(
    image: Frame,
    rng: np.random.Generator,
    *,
    quantizer: int = 45,
    scale: float = 1.0,
    frames: int = 4,
) -> Frame:
    """VP9 as WebRTC codes it (libvpx, real-time) at a constant `quantizer` of 0..63.

    The other parameters are those of `h264`.
    """
    return _video(image, rng, "libvpx-vp9", "vp9", _vpx(quantizer), scale, frames)


def _vpx(quantizer: int) -> dict[str, str]:
    fixed = str(quantizer)
    speed = {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0"}
    return {**speed, "qmin": fixed, "qmax": fixed, "crf": fixed}


def _video(
    image: Frame,
    rng: np.random.Generator,
    encoder: str,
    decoder: str,
    options: Mapping[str, str],
    scale: float,
    frames: int,
) -> Frame:
    height, width = image.shape[:2]
    small = (max(2, round(width / scale)), max(2, round(height / scale)))
    # 4:2:0 has no odd sizes; what is added is cut off again.
    pad = (small[1] % 2, small[0] % 2)
    direction = rng.uniform(-_PAN, _PAN, size=2)
    sent = []
    for back in reversed(range(frames)):
        moved = _moved(image, direction * back)
        shrunk = moved if scale == 1 else cv2.resize(moved, small, interpolation=cv2.INTER_AREA)
        even = np.pad(shrunk, ((0, pad[0]), (0, pad[1]), (0, 0)), mode="edge")
        sent.append(even.astype(np.uint8, copy=False))
    received = _round_trip(sent, encoder, decoder, options)[: small[1], : small[0]]
    if scale != 1:
        size = (width, height)
        enlarged = cv2.resize(received, size, interpolation=cv2.INTER_CUBIC)
        return enlarged.astype(np.uint8, copy=False)
    return np.ascontiguousarray(received)


def _moved(image: Frame, offset: np.ndarray) -> Frame:
    """Move the picture by a fraction of pixels; none at all leaves it as it is."""
    if not offset.any():
        return image
    matrix = np.array([[1, 0, offset[0]], [0, 1, offset[1]]])
    size = (image.shape[1], image.shape[0])
    moved = cv2.warpAffine(image, matrix, size, borderMode=cv2.BORDER_REFLECT_101)
    return moved.astype(np.uint8, copy=False)


def _round_trip(
    frames: list[Frame], encoder: str, decoder: str, options: Mapping[str, str]
) -> Frame:
    """Code frames and give the last one as it arrives."""
    need("av", extra="video")
    from av.codec import CodecContext

    # PyAV's stubs give the class above those of sound and pictures.
    sender: Any = CodecContext.create(encoder, "w")
    sender.width, sender.height = frames[0].shape[1], frames[0].shape[0]
    sender.pix_fmt, sender.time_base, sender.framerate = "yuv420p", _FRAME_TIME, 30
    sender.thread_count = 1  # the same bytes on every machine
    sender.options = dict(options)
    receiver: Any = CodecContext.create(decoder, "r")
    receiver.thread_count = 1
    arrived = [
        picture
        for packet in (*_packets(sender, frames), None)
        for picture in receiver.decode(packet)
    ]
    return np.asarray(arrived[-1].to_ndarray(format="bgr24"), dtype=np.uint8)


def _packets(sender: Any, frames: list[Frame]) -> Iterator[Any]:
    from av import VideoFrame

    for index, frame in enumerate(frames):
        picture = VideoFrame.from_ndarray(frame, format="bgr24").reformat(format="yuv420p")
        picture.pts = index
        yield from sender.encode(picture)
    yield from sender.encode(None)
