"""`Converter`: sound coded anew, where a container cannot hold it as it is."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

_RATES = {
    "libopus": (48000,),
    "aac": (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 64000, 88200, 96000),
}
"""Samples per second that an encoder takes; others take all."""
_LAYOUTS = ("mono", "stereo", "2.1", "4.0", "5.0", "5.1", "6.1", "7.1")
"""What 1 to 8 channels are where nothing names them, as FFmpeg takes it."""
_BITS = {"aac": 96_000, "libopus": 64_000}
"""Per second and channel."""


class Converter:
    """Decodes packets of sound and codes them anew.

    What is missing between packets becomes silence, so that the sound stays with the pictures.

    Args:
        out: PyAV's container that is written; its header must not be written yet.
        source: PyAV's stream.
        encoder: what FFmpeg calls it.

    Attributes:
        stream: the new stream.
    """

    def __init__(self, out: Any, source: Any, encoder: str) -> None:
        context = source.codec_context
        self._decoder = context
        self._graph: Any = None
        self._next = 0
        if "channels" in context.layout.name:  # "2 channels", and not which
            context.layout = _LAYOUTS[context.channels - 1]
        self._layout = context.layout.name
        rates = _RATES.get(encoder, (context.sample_rate,))
        self._rate = min(rates, key=lambda rate: (abs(rate - context.sample_rate), -rate))
        self.stream: Any = out.add_stream(encoder, rate=self._rate)
        self.stream.layout = self._layout
        if encoder in _BITS:
            self.stream.bit_rate = _BITS[encoder] * context.channels
        self.stream.time_base = Fraction(1, self._rate)

    def packets(self, packet: Any | None) -> Iterator[Any]:
        """Take a packet, or None at the end; give what is coded so far."""
        for frame in self._decoder.decode(packet):
            if self._graph is None:
                self._graph = self._resampler(frame)
            self._graph.push(frame)
            yield from self._coded()
        if packet is None:
            if self._graph is not None:
                self._graph.push(None)
                yield from self._coded()
            yield from self.stream.encode(None)

    def _coded(self) -> Iterator[Any]:
        import av

        while True:
            try:
                frame = self._graph.pull()
            except (av.error.BlockingIOError, av.error.EOFError):
                return
            if frame.pts is None:  # decoders leave it out, for what follows without a gap
                frame.pts, frame.time_base = self._next, Fraction(1, self._rate)
            self._next = frame.pts + frame.samples
            yield from self.stream.encode(frame)

    def _resampler(self, frame: Any) -> Any:
        import av.filter

        graph = av.filter.Graph()
        takes = self.stream.codec_context.format.name
        nodes = [
            graph.add_abuffer(
                sample_rate=frame.sample_rate,
                format=frame.format.name,
                layout=frame.layout.name,
                time_base=frame.time_base,
            ),
            graph.add("aresample", f"{self._rate}:async=1"),
            graph.add(
                "aformat",
                f"sample_fmts={takes}:sample_rates={self._rate}:channel_layouts={self._layout}",
            ),
            graph.add("abuffersink"),
        ]
        graph.link_nodes(*nodes).configure()
        size = self.stream.codec_context.frame_size
        if size:
            graph.set_audio_frame_size(size)
        return graph
