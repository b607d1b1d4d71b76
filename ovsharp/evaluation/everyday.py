"""What people use today on a bad clip: an unsharp mask, FFmpeg's filters, Lanczos."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import partial
from typing import Any

import cv2
import numpy as np

from ovsharp.engine import Frame
from ovsharp.extras import need
from ovsharp.media import BT709, LIMITED, Colour, from_bgr, to_bgr

Filter = Callable[[Frame, Frame], Frame]
"""Makes a frame of the truth's size of what arrived, and of the same at the truth's size."""

_AMOUNTS = (0.15, 0.5, 1.0)
_SIGMA = 1.0
_GRAPHS = ("deblock", "hqdn3d", "unsharp", "cas")
"""FFmpeg's filters, with the settings that they have by themselves."""
_COLOUR, _PIXELS = Colour(BT709, LIMITED), "yuv444p"
_TICK = Fraction(1, 30)


def everyday(*, enlarge: bool) -> dict[str, Filter]:
    """Give all methods by name, fresh for a clip: some look at the frames before.

    Args:
        enlarge: whether what arrives is smaller than the truth.

    Raises:
        MissingExtraError: PyAV is not installed.
    """
    methods: dict[str, Filter] = {
        f"unsharp {amount:g}": partial(_unsharp, amount) for amount in _AMOUNTS
    }
    methods |= {f"ffmpeg {name}": _Graph(name) for name in _GRAPHS if name not in missing()}
    return {**methods, "lanczos": _lanczos} if enlarge else methods


def notes() -> list[str]:
    """Say what the methods are, and which are left out."""
    said = [
        f"unsharp {_AMOUNTS[0]:g} to {_AMOUNTS[-1]:g}: an unsharp mask of that amount, Gaussian of "
        f"sigma {_SIGMA:g}; ffmpeg: its filters as they come, in YUV 4:4:4; lanczos: OpenCV's, in "
        f"place of bicubic"
    ]
    if missing():
        said.append(f"left out, as this PyAV's FFmpeg has none: {', '.join(missing())}")
    return said


def missing() -> list[str]:
    """Name the filters that this PyAV's FFmpeg was built without."""
    need("av", extra="video")
    import av

    return [name for name in _GRAPHS if name not in av.filter.filters_available]


def _unsharp(amount: float, _arrived: Frame, shown: Frame) -> Frame:
    blurred = cv2.GaussianBlur(shown, (0, 0), _SIGMA)
    return np.asarray(cv2.addWeighted(shown, 1 + amount, blurred, -amount, 0), np.uint8)


def _lanczos(arrived: Frame, shown: Frame) -> Frame:
    size = (shown.shape[1], shown.shape[0])
    return np.asarray(cv2.resize(arrived, size, interpolation=cv2.INTER_LANCZOS4), np.uint8)


class _Graph:
    """One of FFmpeg's filters. It keeps what it knows of the frames before."""

    def __init__(self, name: str) -> None:
        self._name, self._count = name, 0
        self._graph: Any = None

    def __call__(self, _arrived: Frame, shown: Frame) -> Frame:
        picture = from_bgr(shown, _COLOUR, _PIXELS)
        picture.pts, picture.time_base = self._count, _TICK
        self._count += 1
        if self._graph is None:
            self._graph = self._built(picture)
        self._graph.push(picture)
        return to_bgr(self._graph.pull(), _COLOUR)

    def _built(self, picture: Any) -> Any:
        import av

        graph: Any = av.filter.Graph()
        graph.link_nodes(
            graph.add_buffer(
                width=picture.width, height=picture.height, format=picture.format, time_base=_TICK
            ),
            graph.add(self._name),
            graph.add("buffersink"),
        )
        graph.configure()
        return graph
