"""Video codecs as a call uses them: the real encoders and decoders of FFmpeg (extra `video`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from ovsharp.errors import MediaError
from ovsharp.extras import load
from ovsharp.media import BT601, LIMITED, Colour, Frame, from_bgr, open_encoder, siting_of, to_bgr

RATE = 30
"""Frames a second: what a bitrate is shared by."""
FULL_SIZE = 1280 * 720
"""Pixels that bitrates are named for; a smaller picture gets as many bits a pixel."""
_FRAME_TIME = Fraction(1, RATE)
_DECODERS = {"libx264": "h264", "libvpx": "vp8", "libvpx-vp9": "vp9", "libsvtav1": "libdav1d"}


def code(
    frames: Sequence[Frame], encoder: str, options: Mapping[str, str], *, kbps: float = 0.0
) -> list[Frame]:
    """Code frames and decode them again, with exact colours.

    Args:
        frames: uint8, H x W x 3, BGR, all of one size with even sides; BT.601, limited range.
        encoder: FFmpeg's name: libx264, libvpx, libvpx-vp9 or libsvtav1.
        options: of the encoder.
        kbps: kbit/s at 30 frames a second; 0 where the options fix the quality.

    Returns:
        As many frames of the same size.

    Raises:
        MissingExtraError: PyAV is not installed.
        MediaError: the encoder dropped frames.

    Example:
        >>> grey = [np.full((64, 64, 3), 128, np.uint8)] * 2
        >>> len(code(grey, "libx264", {"preset": "veryfast", "crf": "30"}))
        2
    """
    load("av", extra="video")  # images may be damaged in several threads
    from av.codec import CodecContext

    # PyAV's stubs give the class above those of sound and pictures.
    sender: Any = CodecContext.create(encoder, "w")
    sender.width, sender.height = frames[0].shape[1], frames[0].shape[0]
    sender.pix_fmt, sender.time_base, sender.framerate = "yuv420p", _FRAME_TIME, RATE
    sender.thread_count = 1  # the same bytes on every machine
    sender.options = dict(options)
    if kbps:
        sender.bit_rate = round(1000 * kbps)
    open_encoder(sender)
    decoder = _DECODERS[encoder]
    receiver: Any = CodecContext.create(decoder, "r")
    receiver.thread_count = 1
    colour, siting = Colour(BT601, LIMITED), siting_of(decoder)

    def packets() -> Iterator[Any]:
        for index, frame in enumerate(frames):
            picture = from_bgr(frame, colour, "yuv420p", siting=siting)
            picture.pts = index
            yield from sender.encode(picture)
        yield from sender.encode(None)

    arrived = [picture for packet in (*packets(), None) for picture in receiver.decode(packet)]
    if len(arrived) != len(frames):
        raise MediaError(
            f"{encoder} made {len(arrived)} of {len(frames)} frames; raise its bitrate"
        )
    return [np.ascontiguousarray(to_bgr(picture, colour)) for picture in arrived]


def x264(crf: int | None) -> dict[str, str]:
    """Give x264's options in a call: veryfast, no look-ahead; `crf` None for a bitrate."""
    quality = {} if crf is None else {"crf": str(crf)}
    return {"preset": "veryfast", "tune": "zerolatency", **quality}


def vpx(quantizer: int | None, speed: int) -> dict[str, str]:
    """Give libvpx's options in a call: real time; `quantizer` None for a bitrate."""
    # Below 0, as WebRTC gives it: VP8's encoder takes a number above 0 for a share of the time that
    # passes, and would send another picture on a busy machine.
    fixed = str(quantizer)
    quality = {} if quantizer is None else {"qmin": fixed, "qmax": fixed, "crf": fixed}
    return {"deadline": "realtime", "cpu-used": str(-speed), "lag-in-frames": "0", **quality}


def svt(quantizer: int | None) -> dict[str, str]:
    """Give SVT-AV1's options in a call: frames lean on earlier ones only; None for a bitrate."""
    if quantizer is None:
        return {"preset": "10", "svtav1-params": "pred-struct=1:rc=2"}
    return {"preset": "10", "svtav1-params": "pred-struct=1", "crf": str(quantizer)}
