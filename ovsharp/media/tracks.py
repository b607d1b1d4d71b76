"""What is copied beside the pictures: sound, subtitles, chapters and metadata."""

from __future__ import annotations

import io
from fractions import Fraction
from typing import Any

from ovsharp.errors import MediaError

FORMATS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska", ".webm": "webm"}
"""Endings of containers that can be written, and what FFmpeg calls them."""

_NOT_COPIED = {"encoder", "major_brand", "minor_version", "compatible_brands", "duration", "rotate"}


def streams_to_copy(source: Any, main: int, ending: str) -> tuple[list[Any], list[str]]:
    """Choose the streams of a video that go along.

    Args:
        source: PyAV's container.
        main: index of the stream whose frames are sharpened.
        ending: of the output, one of `FORMATS`.

    Returns:
        The streams, and a note for each that is left out.

    Raises:
        MediaError: the output cannot hold a sound or subtitle stream.
    """
    holds = codecs_of(ending)
    chosen, notes = [], []
    for stream in source.streams:
        if stream.index == main or stream.type == "video":
            continue
        name = codec_of(stream)
        if name in holds:
            chosen.append(stream)
        elif stream.type in ("audio", "subtitle"):
            raise MediaError(
                f"{ending} cannot hold the {stream.type} stream #{stream.index} "
                f"({name or 'unknown'}) of {source.name}; {_advice(source, main)}"
            )
        elif not (stream.type == "data" and source.chapters()):  # mp4 keeps titles of chapters so
            notes.append(f"{stream.type} stream #{stream.index} was left out")
    return chosen, notes


def chapters_between(
    chapters: list[Any], begin: Fraction, end: Fraction | None
) -> list[dict[str, Any]]:
    """Cut chapters to a part of the video, whose times begin at 0.

    Args:
        chapters: as PyAV gives them.
        begin: seconds.
        end: seconds; None is the end of the video.

    Example:
        >>> whole = [{"id": 1, "start": 0, "end": 8, "time_base": Fraction(1, 2), "metadata": {}},
        ...          {"id": 2, "start": 8, "end": 20, "time_base": Fraction(1, 2), "metadata": {}}]
        >>> [(c["start"], c["end"]) for c in chapters_between(whole, Fraction(3), Fraction(7))]
        [(0, 2), (2, 8)]
    """
    found = []
    for chapter in chapters:
        base = chapter["time_base"]
        first = max(0, round(chapter["start"] - begin / base))
        last = chapter["end"] if end is None else min(chapter["end"], end / base)
        if last - begin / base > first:
            found.append({**chapter, "start": first, "end": round(last - begin / base)})
    return found


def kept(metadata: dict[str, str]) -> dict[str, str]:
    """Leave out what describes the old file and not its content.

    Example:
        >>> kept({"title": "A film", "ENCODER": "x", "NUMBER_OF_FRAMES": "9"})
        {'title': 'A film'}
    """
    return {
        key: value
        for key, value in metadata.items()
        if key.lower() not in _NOT_COPIED
        and not key.startswith(("_STATISTICS", "NUMBER_OF", "BPS"))
    }


def codec_of(stream: Any) -> str:
    """Name what a stream is coded by; empty if FFmpeg does not know it."""
    return stream.codec_context.name if stream.codec_context is not None else ""


def codecs_of(ending: str) -> set[str]:
    """Name what a container can hold.

    Args:
        ending: one of `FORMATS`.
    """
    import av

    return set(av.open(io.BytesIO(), "w", format=FORMATS[ending]).supported_codecs)


def _advice(source: Any, main: int) -> str:
    names = {
        codec_of(stream)
        for stream in source.streams
        if stream.index != main and stream.type in ("audio", "subtitle")
    }
    fitting = [ending for ending in FORMATS if names <= codecs_of(ending)]
    if fitting:
        return f"write {' or '.join(fitting)}"
    return "leave it out, or convert it, with ffmpeg first"
