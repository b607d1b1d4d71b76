"""Encoded packets on disk, in segments that are each complete or absent."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ovsharp.files import settle

_RECORD = struct.Struct("<qq?II")


@dataclass(frozen=True)
class Piece:
    """An encoded packet."""

    pts: int
    duration: int
    key: bool
    data: bytes
    beside: bytes = b""
    """What Matroska keeps beside it: the transparency of VP9."""


def segments_in(folder: Path) -> list[Path]:
    """List the finished segments of a work folder, in order, up to the first gap."""
    found: list[Path] = []
    while (path := segment_path(folder, len(found))).is_file():
        found.append(path)
    return found


def packed(head: dict[str, object], pieces: list[Piece]) -> bytes:
    """Give the content of a segment's file."""
    parts = [json.dumps(head).encode() + b"\n"]
    for piece in pieces:
        sizes = len(piece.data), len(piece.beside)
        parts.append(_RECORD.pack(piece.pts, piece.duration, piece.key, *sizes))
        parts += [piece.data, piece.beside]
    return b"".join(parts)


def segment_path(folder: Path, index: int) -> Path:
    """Give the path of a segment in a work folder."""
    return folder / f"segment-{index:06}"


def write_segment(path: Path, content: bytes) -> None:
    """Write a segment; the file appears when all of it is on the disk."""
    staging = path.with_name(f".{path.name}")
    try:
        with staging.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(staging, path)
        settle(path)
    except BaseException:
        staging.unlink(missing_ok=True)
        raise


def segment_head(path: Path) -> dict[str, object]:
    """Read the head of a segment."""
    with path.open("rb") as file:
        head: dict[str, object] = json.loads(file.readline())
    return head


def pieces_of(path: Path, *, content: bool = True) -> Iterator[Piece]:
    """Give the packets of a segment in the order of decoding.

    Args:
        path: of the segment.
        content: whether to read their bytes, or to leave them empty.
    """
    with path.open("rb") as file:
        file.readline()
        while record := file.read(_RECORD.size):
            pts, duration, key, size, more = _RECORD.unpack(record)
            if content:
                yield Piece(pts, duration, key, file.read(size), file.read(more))
            else:
                file.seek(size + more, os.SEEK_CUR)
                yield Piece(pts, duration, key, b"")
