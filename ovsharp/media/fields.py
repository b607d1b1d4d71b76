"""Interlaced video: two half pictures in a frame become one whole, by FFmpeg's filter bwdif."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from av import VideoFrame

Deinterlace = Literal["auto", "on", "off"]
"""Frames that say that they are interlaced; all; or none."""


class Deinterlacer:
    """Makes one whole frame of each interlaced one, at its own time.

    Nothing is done, and no frame is touched, before the first one that says that it is interlaced;
    from there on the filter looks at all, and lets whole ones pass.

    Args:
        mode: which frames.
        time_base: of the times.

    Attributes:
        found: whether there was such a frame.
    """

    def __init__(self, mode: Deinterlace, time_base: Fraction) -> None:
        self.found = False
        self._mode, self._base = mode, time_base
        self._graph: Any = None

    def frames(self, timed: Iterator[tuple[VideoFrame, int]]) -> Iterator[tuple[VideoFrame, int]]:
        """Take frames with their times, and give as many."""
        for frame, pts in timed:
            if self._graph is None and (self._mode == "on" or frame.interlaced_frame):
                self._graph, self.found = self._made(frame), True
            if self._graph is None:
                yield frame, pts
                continue
            frame.pts, frame.time_base = pts, self._base
            self._graph.vpush(frame)
            yield from self._ready()
        if self._graph is not None:
            self._graph.vpush(None)
            yield from self._ready()

    def _ready(self) -> Iterator[tuple[VideoFrame, int]]:
        import av

        while True:
            try:
                frame = self._graph.vpull()
            except (av.error.BlockingIOError, av.error.EOFError):
                return
            # The filter counts in half ticks: it could give two frames for one.
            yield frame, round(frame.pts * frame.time_base / self._base)

    def _made(self, frame: VideoFrame) -> Any:
        import av.filter

        graph = av.filter.Graph()
        which = "all" if self._mode == "on" else "interlaced"
        graph.link_nodes(
            graph.add_buffer(
                width=frame.width,
                height=frame.height,
                format=frame.format,
                time_base=self._base,
            ),
            graph.add("bwdif", f"mode=send_frame:deint={which}"),
            graph.add("buffersink"),
        ).configure()
        return graph
