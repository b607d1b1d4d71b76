"""`Words`: subtitles of text coded anew, where a container cannot hold them as they are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


class Words:
    """Decodes packets of subtitles and codes them anew; words, times and simple styles are kept.

    Made, and used, as `sound.Converter`.
    """

    def __init__(self, out: Any, source: Any, encoder: str) -> None:
        self._decoder = source.codec_context
        self._decoder.open(strict=False)  # which makes the header
        self.stream: Any = out.add_stream(encoder)
        self.stream.codec_context.subtitle_header = self._decoder.subtitle_header

    def packets(self, packet: Any | None) -> Iterator[Any]:
        """Take a packet, or None at the end; give what is coded of it."""
        if packet is None or not packet.size:
            return
        lines = self._decoder.decode2(packet)
        if lines is None or not len(lines):
            return
        made = self.stream.codec_context.encode_subtitle(lines)
        made.stream, made.time_base = self.stream, packet.time_base
        made.pts, made.dts, made.duration = packet.pts, packet.pts, packet.duration
        yield made
