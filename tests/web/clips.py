"""Clips for the demo page."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import skimage.data

SIZE = (96, 128)
RATE = 10
BT709, LIMITED = 1, 1
"""As H.273 numbers them, and FFmpeg."""


def picture(index: int) -> np.ndarray:
    top = 20 + index % 200
    return np.ascontiguousarray(
        skimage.data.astronaut()[top : top + SIZE[0], 160 : 160 + SIZE[1], ::-1]
    )


def write(path: Path, frames: int, video: str, sound: str) -> None:
    """A poor clip with a tone."""
    with av.open(str(path), "w") as out:
        # Level 1b, which x264 takes for so small a picture, is one that Chromium does not know.
        poor = {
            "libx264": {"qp": "40", "level": "3.0"},
            "libvpx": {"crf": "58", "qmin": "58", "qmax": "60"},
        }
        stream: Any = out.add_stream(video, rate=RATE, options=poor[video])
        stream.height, stream.width = SIZE
        stream.pix_fmt = "yuv420p"
        # Players guess the colours of a file that does not name them, each in its own way.
        coded = stream.codec_context
        coded.colorspace = coded.color_primaries = coded.color_trc = BT709
        coded.color_range = LIMITED
        tone: Any = out.add_stream(sound, rate=48_000)
        tone.layout = "mono"
        for index in range(frames):
            frame = av.VideoFrame.from_ndarray(picture(index), "bgr24")
            frame = frame.reformat(format="yuv420p", dst_colorspace=BT709, dst_color_range=LIMITED)
            out.mux(stream.encode(frame))
        time = np.arange(48_000 * frames // RATE, dtype=np.float32) / 48_000
        samples = av.AudioFrame.from_ndarray(np.sin(2764 * time)[None], "fltp", "mono")
        samples.sample_rate, samples.pts = 48_000, 0
        samples.time_base = Fraction(1, 48_000)
        resampler = av.AudioResampler(format=tone.format, layout="mono", rate=48_000)
        for part in resampler.resample(samples):
            out.mux(tone.encode(part))
        for ended in (stream, tone):
            out.mux(ended.encode())
