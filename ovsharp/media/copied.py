"""A video as it is, in a file of its own: for one that nothing was done to."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import IO, Any

from ovsharp.errors import MediaError, UsageError
from ovsharp.media.letters import LETTERS
from ovsharp.media.opening import open_video
from ovsharp.media.tracks import FORMATS, codec_of, codecs_of, kept, streams_to_copy

_TRIED = 64
"""Packets that are copied to see whether a container keeps them as they are."""


def check_copy(source: Path, index: int, ending: str) -> None:
    """Check that a video can be copied bit for bit into another container.

    Args:
        source: the video.
        index: of the stream whose frames are looked at.
        ending: of the output, one of `CONTAINERS`.

    Raises:
        UsageError: it is a pipe, or numbered images.
        MediaError: it cannot; the message says why.
        OSError: the video cannot be read.
    """
    if not source.is_file():
        raise UsageError(f"{source} is no single file, and only a file can be copied")
    if source.suffix.lower() == ending:
        return
    buffer = io.BytesIO()
    _remux(source, index, ending, buffer, _TRIED)
    buffer.seek(0)
    _compare(source, index, ending, buffer, _TRIED)


def copy_video(source: Path, index: int, target: Path) -> None:
    """Copy a video with all of its streams bit for bit; nothing is coded again.

    The file itself where the endings are the same. Else its packets into another container: as
    many, each byte of them compared, at the same times.

    Args:
        source: the video.
        index: of the stream whose frames were looked at.
        target: ending in one of `CONTAINERS`; written over.

    Raises:
        MediaError: the container cannot hold a stream, or changes a packet.
        OSError: a file cannot be read or written.
    """
    ending = target.suffix.lower()
    if source.suffix.lower() == ending:
        shutil.copyfile(source, target)
        return
    _remux(source, index, ending, str(target), None)
    _compare(source, index, ending, str(target), None)


def _remux(
    source: Path, index: int, ending: str, target: str | IO[bytes], count: int | None
) -> None:
    import av

    with open_video(source) as old:
        streams = _chosen(old, index, ending)
        named = [codec_of(one) for one in streams if one.type != "attachment"]
        if strange := [name for name in named if name not in codecs_of(ending)]:
            raise _unfit(source, ending, f"which cannot hold {', '.join(strange)}")
        try:
            with av.open(target, "w", format=FORMATS[ending]) as new:
                new.metadata.update(kept(old.metadata))
                new.set_chapters(old.chapters())
                tracks: dict[int, Any] = {}
                for stream in streams:
                    track: Any = new.add_stream_from_template(stream)
                    track.metadata.update(kept(stream.metadata))
                    if stream.type != "attachment":
                        track.disposition = stream.disposition
                    tracks[stream.index] = track
                for packet in islice(_packets(old, streams), count):
                    if packet.pts is None:  # AVI stores the order, and no times
                        raise _unfit(source, ending, "its frames have no times")
                    packet.stream = tracks[packet.stream.index]
                    new.mux(packet)
        except (av.error.FFmpegError, ValueError) as error:
            raise _unfit(source, ending, getattr(error, "strerror", None) or error) from error


def _compare(
    source: Path, index: int, ending: str, target: str | IO[bytes], count: int | None
) -> None:
    """Read both files and compare what each stream holds."""
    import av

    with open_video(source) as old, av.open(target, "r", metadata_errors=LETTERS) as new:
        streams = _chosen(old, index, ending)
        wanted = islice(_packets(old, streams), count)
        place = {stream.index: number for number, stream in enumerate(streams)}
        before: list[list[int]] = [[] for _ in streams]
        after: list[list[int]] = [[] for _ in streams]
        for packet in wanted:
            before[place[packet.stream.index]].append(hash(bytes(packet)))
        for packet in new.demux():
            if packet.size and packet.stream.index < len(after):  # titles of chapters come behind
                after[packet.stream.index].append(hash(bytes(packet)))
    if before != after:
        raise _unfit(source, ending, "its packets would be framed in another way")


def _chosen(container: Any, index: int, ending: str) -> list[Any]:
    """Give all streams that go along: those of pictures, and what is copied beside them."""
    beside = streams_to_copy(container, index, ending)[0]
    pictures = [stream for stream in container.streams if stream.type == "video"]
    return sorted([*pictures, *beside], key=lambda stream: int(stream.index))


def _packets(container: Any, streams: list[Any]) -> Iterator[Any]:
    return (packet for packet in container.demux(streams) if packet.size)


def _unfit(source: Path, ending: str, reason: object) -> MediaError:
    same = source.suffix.lower()
    where = f"write {same}, or let it be coded" if same in FORMATS else "let it be coded"
    return MediaError(
        f"{source} cannot be copied into {ending} bit for bit ({reason}): {where} with "
        f"--untouched encode"
    )
