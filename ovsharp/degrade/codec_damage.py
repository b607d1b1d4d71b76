"""What codecs do. The video codecs are the real ones, through PyAV (extra `video`).

A video codec's damage comes from frames that lean on each other. A clip is coded as it is. A single
image becomes the last of a few frames of a slow pan; the rest is coded before it and only the last
one is kept, which lies exactly where the image did. The encoders themselves are in `codecs.py`,
the names by which recipes know a damage in `operations.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import cv2
import numpy as np

from ovsharp.degrade.codecs import FULL_SIZE, code, svt, vpx, x264
from ovsharp.errors import UsageError
from ovsharp.media import Frame

Codec = Callable[..., list[Frame]]
"""Takes consecutive frames and the parameters of a codec; gives them as they arrive."""

_PAN = 3.0
"""Most pixels that the picture moves between two frames, each way."""

ENLARGERS = {"bicubic": cv2.INTER_CUBIC, "bilinear": cv2.INTER_LINEAR}
"""How a picture that was sent smaller is enlarged again."""


def jpeg(image: Frame, rng: np.random.Generator, *, quality: int = 30) -> Frame:
    """Compress as baseline JPEG (4:2:0 chroma) with `quality` 1..100 and decode again."""
    ok, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not ok:
        raise UsageError(f"OpenCV could not encode a {image.shape} image as JPEG")
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), dtype=np.uint8)


def h264(clip: Sequence[Frame], *, crf: int = 32, **sent: Any) -> list[Frame]:
    """H.264 as a call codes it (x264, veryfast, no look-ahead).

    Args:
        clip: consecutive frames, uint8, H x W x 3, BGR.
        crf: constant rate factor, 0 (lossless) to 51, where no bitrate is given.
        sent: what all codecs have. `kbps`, kbit/s for a picture of 1280x720, before it is made
            smaller; others get as many bits a pixel. `scale`: what is sent is smaller by this
            factor each way (antialiased, `area`) and enlarged again. `enlarge`: `bicubic` or
            `bilinear`.

    Raises:
        MissingExtraError: PyAV is not installed.
    """
    return _send(clip, "libx264", x264, crf, **sent)


def vp8(clip: Sequence[Frame], *, quantizer: int = 40, speed: int = 8, **sent: Any) -> list[Frame]:
    """VP8 as WebRTC codes it (libvpx, real time, at a `speed` of 0..8).

    At a constant `quantizer` of 0..63, or at a bitrate. The other parameters are those of `h264`.
    """
    return _send(clip, "libvpx", partial(vpx, speed=speed), quantizer, **sent)


def vp9(clip: Sequence[Frame], *, quantizer: int = 45, speed: int = 8, **sent: Any) -> list[Frame]:
    """VP9 as WebRTC codes it (libvpx, real time); the parameters are those of `vp8`."""
    return _send(clip, "libvpx-vp9", partial(vpx, speed=speed), quantizer, **sent)


def av1(clip: Sequence[Frame], *, quantizer: int = 45, **sent: Any) -> list[Frame]:
    """AV1 as a call codes it (SVT-AV1, preset 10, no frame leans on a later one).

    What is sent has sides of 64 pixels or more. The parameters are those of `vp8`.
    """
    return _send(clip, "libsvtav1", svt, quantizer, **sent)


def image_through(
    codec: Codec, image: Frame, rng: np.random.Generator, *, frames: int = 4, **how: Any
) -> Frame:
    """Code an image as the last frame of a slow pan.

    Args:
        codec: `h264`, `vp8`, `vp9` or `av1`.
        image: uint8, H x W x 3, BGR.
        rng: draws the direction of the pan.
        frames: length of the pan; 1 for a single key frame.
        how: parameters of the codec.
    """
    return codec(pan(image, rng, frames), **how)[-1]


def clip_through(
    codec: Codec, clip: Sequence[Frame], rng: np.random.Generator, *, frames: int = 0, **how: Any
) -> list[Frame]:
    """Code consecutive frames; a recipe's `frames` are those of an image's pan, not theirs."""
    return codec(clip, **how)


def pan(image: Frame, rng: np.random.Generator, frames: int) -> list[Frame]:
    """Make a clip of an image: it moves slowly, and ends where it is."""
    direction = rng.uniform(-_PAN, _PAN, size=2)
    return [_moved(image, direction * back) for back in reversed(range(frames))]


def _send(
    clip: Sequence[Frame],
    encoder: str,
    options: Callable[[int | None], Mapping[str, str]],
    quality: int,
    *,
    kbps: float = 0.0,
    scale: float = 1.0,
    enlarge: str = "bicubic",
) -> list[Frame]:
    height, width = clip[0].shape[:2]
    small = (max(2, round(width / scale)), max(2, round(height / scale)))
    # 4:2:0 has no odd sizes; what is added is cut off again.
    pad = (small[1] % 2, small[0] % 2)
    sent = []
    for frame in clip:
        shrunk = frame if scale == 1 else cv2.resize(frame, small, interpolation=cv2.INTER_AREA)
        even = np.pad(shrunk, ((0, pad[0]), (0, pad[1]), (0, 0)), mode="edge")
        sent.append(even.astype(np.uint8, copy=False))
    bits = kbps * height * width / FULL_SIZE
    received = code(sent, encoder, options(None if kbps else quality), kbps=bits)
    inner = [np.ascontiguousarray(frame[: small[1], : small[0]]) for frame in received]
    if scale == 1:
        return inner
    size, method = (width, height), ENLARGERS[enlarge]
    return [
        cv2.resize(frame, size, interpolation=method).astype(np.uint8, copy=False)
        for frame in inner
    ]


def _moved(image: Frame, offset: np.ndarray) -> Frame:
    """Move the picture by a fraction of pixels; none at all leaves it as it is."""
    if not offset.any():
        return image
    matrix = np.array([[1, 0, offset[0]], [0, 1, offset[1]]])
    size = (image.shape[1], image.shape[0])
    moved = cv2.warpAffine(image, matrix, size, borderMode=cv2.BORDER_REFLECT_101)
    return moved.astype(np.uint8, copy=False)
