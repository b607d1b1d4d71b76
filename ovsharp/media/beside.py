"""`Beside`: what goes along beside the pictures, on its way from one container into another."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from ovsharp.media.languages import language_in
from ovsharp.media.sound import Converter
from ovsharp.media.timeline import Timeline
from ovsharp.media.tracks import (
    FORMATS,
    Audio,
    Track,
    chapters_between,
    cover_name,
    first_packet,
    kept,
    plan_tracks,
)
from ovsharp.media.words import Words

_MICROSECOND = Fraction(1, 1_000_000)
"""What FFmpeg rounds the beginning of a file to."""


class Beside:
    """Adds the streams, chapters and tags of a source to an output, then gives their packets.

    Args:
        out: PyAV's container that is written; its header must not be written yet.
        source: PyAV's container.
        main: index of the stream whose frames are sharpened.
        ending: of the output, one of `FORMATS`.
        audio: what to do with sound.
        shift: seconds that are taken from all times; what is earlier is left out.
        end: seconds, of the source, from which on nothing is taken; None for all.
    """

    def __init__(
        self,
        out: Any,
        source: Any,
        main: int,
        ending: str,
        *,
        audio: Audio,
        shift: Fraction,
        end: Fraction | None,
    ) -> None:
        self._out, self._source, self._ending = out, source, ending
        self._shift, self._end = shift, end
        out.metadata.update(kept(source.metadata))
        out.set_chapters(chapters_between(source.chapters(), shift, end))
        self._copies: dict[int, Any] = {}
        self._converters: dict[int, Converter | Words] = {}
        self._covers: list[Any] = []
        for track in plan_tracks(source, main, ending, audio)[0]:
            self._add(track)

    def packets(self) -> Iterator[tuple[float, Any]]:
        """Give the packets with their times in seconds, which grow."""
        yield from ((float("-inf"), packet) for packet in self._covers)
        streams = {*self._copies, *self._converters}
        if not streams:
            return
        timeline = Timeline(self._source.format.name)
        last: dict[int, int] = {}
        wanted = [] if timeline.joinable else [self._source.streams[index] for index in streams]
        for packet in self._source.demux(wanted):
            timeline.place(packet)
            index = packet.stream.index
            if index not in streams or packet.dts is None or packet.pts is None:
                continue
            begin = packet.pts * packet.time_base
            if packet.dts < last.get(index, packet.dts):  # what overlaps where two were joined
                continue
            last[index] = packet.dts
            early = self._shift and begin < self._shift - _MICROSECOND
            if early or (self._end is not None and begin >= self._end):
                continue
            offset = round(self._shift / packet.time_base)
            packet.pts, packet.dts = packet.pts - offset, packet.dts - offset
            if index in self._converters:
                yield from _timed(self._converters[index].packets(packet))
            else:
                packet.stream = self._copies[index]
                yield float(packet.dts * packet.time_base), packet
        for converter in self._converters.values():
            yield from _timed(converter.packets(None))

    def _add(self, track: Track) -> None:
        stream = track.stream
        if track.picture:
            self._add_cover(stream)
            return
        if track.encoder:
            kind = Words if stream.type == "subtitle" else Converter
            converter = self._converters[stream.index] = kind(self._out, stream, track.encoder)
            added = converter.stream
        else:
            added = self._out.add_stream_from_template(stream)
            if stream.type != "attachment":
                self._copies[stream.index] = added
        tags = kept(stream.metadata)
        if language := tags.pop("language", None):
            code = language_in(self._ending, language)
            tags |= {} if code is None else {"language": code}
        added.metadata.update(tags)
        if stream.type != "attachment":
            added.disposition = stream.disposition

    def _add_cover(self, stream: Any) -> None:
        cover = first_packet(stream)
        if cover is None:
            return
        if FORMATS[self._ending] == "matroska":
            self._out.add_attachment(*cover_name(stream), bytes(cover))
            return
        added = self._out.add_stream_from_template(stream, opaque=True)
        added.disposition = stream.disposition
        cover.pts = cover.dts = 0
        cover.stream = added
        self._covers.append(cover)


def _timed(packets: Iterator[Any]) -> Iterator[tuple[float, Any]]:
    return ((float(packet.dts * packet.time_base), packet) for packet in packets)
