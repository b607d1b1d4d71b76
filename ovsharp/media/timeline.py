"""`Timeline`: the times of joined recordings, made to grow on."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

_JOINABLE = ("mpegts", "mpeg")
"""Formats whose files can be joined byte by byte, so that times begin anew in the middle."""
_BACK, _AHEAD = Fraction(1, 10), 10
"""Seconds by which times must jump to count as a join, as FFmpeg's own programs take it."""


class Timeline:
    """Moves the packets after a join to where all that was before it ended.

    Readings of the same packets in the same order give the same times, so that what is decoded and
    what is copied stay together: all streams have to be read.

    Args:
        name: of the format, as FFmpeg calls it.

    Attributes:
        joinable: whether files of this format can be joined so; no times of others are moved.
        joins: how many were found.
    """

    def __init__(self, name: str) -> None:
        self.joinable = name in _JOINABLE
        self.joins = 0
        self._offset = Fraction(0)
        # Packets of two recordings may be mixed a little at their join: each stream crosses it by
        # itself, to the place that the first one has chosen.
        self._offsets: dict[int, Fraction] = {}
        self._last: dict[int, Fraction] = {}
        self._step: dict[int, Fraction] = {}
        self._next: dict[int, Fraction] = {}

    def place(self, packet: Any) -> None:
        """Move the times of the next packet."""
        if not self.joinable or packet.time_base is None:
            return
        base, offset = Fraction(packet.time_base), self._offset
        if packet.dts is not None and packet.stream.type in ("video", "audio"):
            offset = self._crossed(packet.stream.index, packet.dts * base, packet.duration * base)
        shift = round(offset / base)
        if shift and packet.dts is not None:
            packet.dts += shift
        if shift and packet.pts is not None:
            packet.pts += shift

    def _crossed(self, stream: int, raw: Fraction, length: Fraction) -> Fraction:
        """Give the offset of a stream, whose next packet has this time and length."""
        offset = self._offsets.setdefault(stream, self._offset)
        due = self._next.get(stream, raw + offset)
        if not -_BACK <= raw + offset - due <= _AHEAD:
            if offset == self._offset:  # no other stream has crossed yet
                self.joins += 1
                self._offset = max(self._next.values()) - raw
            offset = self._offsets[stream] = self._offset
        elif stream in self._last:  # the shortest step is a packet's length, where it tells none
            step = max(raw + offset - self._last[stream], Fraction(0))
            self._step[stream] = min(self._step.get(stream, step), step)
        time = self._last[stream] = raw + offset
        self._next[stream] = time + (length or self._step.get(stream, length))
        return offset
