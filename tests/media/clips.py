"""Tiny videos that the tests draw themselves."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from ovsharp.media import VideoWriter

TIMES = (0, 40, 80, 200, 210, 400, 440, 480, 520, 600, 640, 700)
"""Milliseconds, of a variable frame rate."""


def draw(index: int, width: int = 96, height: int = 64) -> Any:
    frame = np.full((height, width, 3), 60, np.uint8)
    frame[8 + index : 24 + index, 16:48] = (30, 200, 120)
    return frame


def hum(out: Any, audio: Any, parts: int) -> None:
    """Write so many times 1024 samples of a tone, at 48 kHz."""
    import av

    for index in range(parts):
        tone = np.sin(np.arange(1024) * 0.05).astype(np.float32)[None]
        part = av.AudioFrame.from_ndarray(tone, "fltp", "mono")
        part.sample_rate, part.pts = 48000, index * 1024
        out.mux(audio.encode(part))
    out.mux(audio.encode(None))


def clip(
    path: Path,
    times: tuple[int, ...] = TIMES,
    *,
    size: tuple[int, int] = (96, 64),
    sound: bool = False,
    rotation: int = 0,
    colour: tuple[int, int] = (1, 1),
    transfer: int = 2,
    pixels: str = "yuv420p",
) -> Path:
    """Write a video with a frame at each of the times."""
    import av

    with av.open(str(path), "w") as out:
        stream: Any = out.add_stream("libx264", rate=25, options={"crf": "8"})
        stream.width, stream.height, stream.pix_fmt = *size, pixels
        stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
        stream.codec_context.colorspace, stream.codec_context.color_range = colour
        stream.codec_context.color_trc = transfer
        out.metadata["title"] = "a clip"
        audio: Any = out.add_stream("aac", rate=48000) if sound else None
        if rotation:
            stream.set_display_rotation(rotation)
        for index, time in enumerate(times):
            frame = av.VideoFrame.from_ndarray(draw(index, *size), "bgr24").reformat(
                format=pixels, dst_colorspace=colour[0], dst_color_range=colour[1]
            )
            frame.pts, frame.time_base = time, Fraction(1, 1000)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
        if sound:
            hum(out, audio, 30)
    return path


def copied(
    source: Path, target: Path, *, start: float = 0.0, end: float | None = None, **writing: Any
) -> VideoWriter:
    """Write all frames of a video, or of a part of it, into another; give its writer."""
    from ovsharp.media import read_video, write_video

    with (
        read_video(source, start=start, end=end) as video,
        write_video(target, like=video, **writing) as sink,
    ):
        for shot in video:
            sink.write(shot)
    return sink
