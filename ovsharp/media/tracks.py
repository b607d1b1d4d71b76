"""What goes along beside the pictures: sound, subtitles, covers, fonts, chapters and metadata."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

import cv2
import numpy as np

from ovsharp.errors import MediaError, UsageError
from ovsharp.media.languages import language_in
from ovsharp.media.letters import LETTERS

FORMATS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska", ".webm": "webm"}
"""Endings of containers that can be written, and what FFmpeg calls them."""

Audio = Literal["keep", "copy", "none", "aac", "opus"]
"""What to do with sound: copy it, and convert what the container cannot hold; copy it or refuse;
leave it out; or convert all of it."""
AUDIO: tuple[Audio, ...] = ("keep", "copy", "none", "aac", "opus")

_ENCODERS = {"aac": "aac", "opus": "libopus"}
_WORDS = {".mp4": "mov_text", ".m4v": "mov_text", ".mov": "mov_text", ".mkv": "srt",
          ".webm": "webvtt"}  # fmt: skip
"""What subtitles of text become where they cannot stay as they are."""
_TEXT = ("srt", "subrip", "ass", "ssa", "webvtt", "mov_text", "text")
_ATTACHED_PICTURE = 0x400
_PICTURES = {"mjpeg": "jpg", "png": "png"}
"""Codecs of covers, and how their files end."""
_NOT_COPIED = {
    *("encoder", "major_brand", "minor_version", "compatible_brands", "duration", "rotate"),
    *("alpha_mode", "software"),
}
_OF_THE_FILE = {"handler_name", "vendor_id", "creation_time", "language", "timecode"}
"""Tags that every container writes in its own way, or by itself."""


@dataclass(frozen=True)
class Track:
    """A stream of the source that goes along."""

    stream: Any
    """PyAV's."""
    encoder: str = ""
    """What codes its sound or words anew; none copies its packets."""
    picture: bool = False
    """Whether it is the picture of a cover."""


def plan_tracks(
    source: Any, main: int, ending: str, audio: Audio = "keep"
) -> tuple[list[Track], list[str]]:
    """Choose the streams of a video that go along, and how.

    Whether a container takes a stream is tried: a header is written.

    Args:
        source: PyAV's container.
        main: index of the stream whose frames are sharpened.
        ending: of the output, one of `FORMATS`.
        audio: what to do with sound.

    Returns:
        The tracks, and a note for each that is changed or left out.

    Raises:
        MediaError: the output cannot hold a stream of sound or subtitles even when it is converted.
    """
    tracks: list[Track] = []
    notes: list[str] = []
    for stream in source.streams:
        if stream.index == main:
            continue
        if stream.type == "audio":
            if audio != "none":
                tracks.append(_sound(source, stream, main, ending, audio, notes))
        elif stream.type == "video":
            if is_cover(stream):
                if _shows_covers(stream, ending):
                    tracks.append(Track(stream, picture=True))
                else:
                    notes.append(f"the cover picture was left out: {ending} holds none of its kind")
        elif stream.type == "attachment" and ending != ".mkv":
            notes.append(f"the attachment {stream.name or stream.index} was left out ({ending})")
        elif takes(stream, ending):
            tracks.append(Track(stream))
        elif stream.type == "subtitle":
            tracks.append(_words(source, stream, main, ending, notes))
        elif not source.chapters():  # mp4 keeps titles of chapters so
            notes.append(f"{stream.type} stream #{stream.index} was left out")
    for stream in (track.stream for track in tracks if not track.picture):
        language = stream.metadata.get("language")
        if language and language != "und" and language_in(ending, language) is None:
            notes.append(f"the language of stream #{stream.index} ({language}) was left out")
    return tracks, notes


def streams_to_copy(source: Any, main: int, ending: str) -> tuple[list[Any], list[str]]:
    """Choose what goes along with a video that is copied packet by packet.

    Args:
        source: PyAV's container.
        main: index of the stream that holds the pictures.
        ending: of the output, one of `FORMATS`.

    Returns:
        The streams, but for other pictures, and a note for each that is left out.

    Raises:
        MediaError: the output cannot hold a sound or subtitle stream.
    """
    tracks, notes = plan_tracks(source, main, ending, "copy")
    for track in tracks:
        if track.encoder:
            raise _unfit(source, track.stream, main, ending)
    return [track.stream for track in tracks if not track.picture], notes


def is_cover(stream: Any) -> bool:
    """Tell the picture of a cover from a video."""
    return bool(stream.disposition & _ATTACHED_PICTURE)


def cover_name(stream: Any) -> tuple[str, str]:
    """Give the name and the type of a cover as a file."""
    ending = _PICTURES[codec_of(stream)]
    return f"cover.{ending}", "image/jpeg" if ending == "jpg" else f"image/{ending}"


def takes(stream: Any, ending: str) -> bool:
    """Tell whether a container takes the packets of a stream as they are.

    A file is written to the memory: some containers refuse sound only at the end, when they
    describe it.

    Args:
        stream: PyAV's, of a file.
        ending: of the output, one of `FORMATS`.
    """
    import av

    packet = first_packet(stream) if stream.type == "audio" else None
    try:
        with av.open(io.BytesIO(), "w", format=FORMATS[ending]) as out:
            _stand_in(out, ending)
            added = out.add_stream_from_template(stream, opaque=True)
            out.start_encoding()
            if packet is not None:
                packet.pts = packet.dts = 0
                packet.stream = added
                out.mux(packet)
    except (av.error.FFmpegError, ValueError):
        return False
    return True


def first_packet(stream: Any) -> Any | None:
    """Read the first packet of a stream, in a reading of its own; None where there is none."""
    import av

    with av.open(stream.container.name, metadata_errors=LETTERS) as source:
        packets = source.demux(source.streams[stream.index])
        return next((packet for packet in packets if packet.size), None)


def lost_tags(source: Any, main: int, ending: str) -> list[str]:
    """Name the tags of a video that a container does not keep.

    Args:
        source: PyAV's container.
        main: index of the stream whose frames are sharpened.
        ending: of the output, one of `FORMATS`.
    """
    import av

    tags = kept(source.metadata)
    own = {key: value for key, value in kept(source.streams[main].metadata).items() if value}
    buffer = io.BytesIO()
    options = container_options(ending, tags, in_memory=True)
    with av.open(buffer, "w", format=FORMATS[ending], container_options=options) as out:
        out.metadata.update(tags)
        video = _stand_in(out, ending)
        video.metadata.update(own)
        out.start_encoding()
        packet = av.Packet(cv2.imencode(".jpg", np.zeros((16, 16, 3), np.uint8))[1].tobytes())
        packet.stream, packet.time_base, packet.is_keyframe = video, Fraction(1, 1000), True
        packet.pts = packet.dts = 0
        out.mux(packet)
    buffer.seek(0)
    with av.open(buffer, metadata_errors=LETTERS) as made:
        found = {key.lower() for key in made.metadata}
        found_own = {key.lower() for key in made.streams[0].metadata} if made.streams else set()
    lost = [key for key in tags if key.lower() not in found]
    lost += [key for key in own if key.lower() not in found_own | found]
    return [key for key in dict.fromkeys(lost) if key.lower() not in _OF_THE_FILE]


def container_options(
    ending: str, tags: Iterable[str], *, in_memory: bool = False
) -> dict[str, str]:
    """Give the options of the container.

    Args:
        ending: of the output, one of `FORMATS`.
        tags: keys of the metadata that it shall hold.
        in_memory: nothing that needs a file.

    Example:
        >>> container_options(".mp4", ["title", "com.apple.quicktime.model"])
        {'movflags': '+faststart+use_metadata_tags'}
    """
    if FORMATS[ending] not in ("mp4", "mov"):
        return {}
    # Players on a network need not read to the end before they begin; and keys of the makers of
    # phones are kept in a table of their own kind.
    makers = any(key.startswith("com.") for key in tags)
    flags = "+faststart" * (not in_memory) + "+use_metadata_tags" * makers
    return {"movflags": flags} if flags else {}


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


def _sound(
    source: Any, stream: Any, main: int, ending: str, audio: Audio, notes: list[str]
) -> Track:
    """Decide about a stream of sound."""
    if audio in ("keep", "copy") and takes(stream, ending):
        return Track(stream)
    if audio == "copy":
        raise _unfit(source, stream, main, ending)
    name = codec_of(stream)
    if audio != "keep":
        encoder = _ENCODERS[audio]
        if encoder not in codecs_of(ending) and audio not in codecs_of(ending):
            raise UsageError(f"{ending} cannot hold --audio {audio}; leave it out")
    elif ending == ".webm":
        encoder = "libopus"
    elif ending == ".mkv" and name.startswith(("pcm_", "adpcm_")):
        encoder = "pcm_s16le"  # all that these hold
    else:
        encoder = "aac"
    if not name or stream.codec_context.channels > _MOST_CHANNELS:
        raise _unfit(source, stream, main, ending)
    why = "" if audio != "keep" else f": {ending} cannot hold it"
    made = encoder.removeprefix("lib")
    notes.append(f"audio stream #{stream.index} ({name}) was converted to {made}{why}")
    return Track(stream, encoder)


def _words(source: Any, stream: Any, main: int, ending: str, notes: list[str]) -> Track:
    """Decide about subtitles that a container does not take as they are."""
    name, made = codec_of(stream), _WORDS[ending]
    if name not in _TEXT:
        raise _unfit(source, stream, main, ending)
    lost = ", without its fonts, colours and places" * (name in ("ass", "ssa"))
    notes.append(
        f"subtitle stream #{stream.index} ({name}) was converted to {made}{lost}: {ending} cannot "
        f"hold it"
    )
    return Track(stream, made)


_MOST_CHANNELS = 8
"""What FFmpeg's encoder of AAC takes."""


def _shows_covers(stream: Any, ending: str) -> bool:
    return FORMATS[ending] in ("mp4", "matroska") and codec_of(stream) in _PICTURES


def _stand_in(out: Any, ending: str) -> Any:
    """Add a video that needs no encoder: some streams are taken beside one only."""
    codec = "vp8" if ending == ".webm" else "mjpeg"
    return out.add_mux_stream(codec, width=16, height=16, time_base=Fraction(1, 1000))


def _unfit(source: Any, stream: Any, main: int, ending: str) -> MediaError:
    others = [s for s in source.streams if s.type in ("audio", "subtitle") and s.index != main]
    fitting = [
        form
        for form in FORMATS
        if all(takes(other, form) or codec_of(other) in _TEXT for other in others)
    ]
    advice = f"write {' or '.join(fitting)}" if fitting else "leave it out with ffmpeg first"
    return MediaError(
        f"{ending} cannot hold the {stream.type} stream #{stream.index} "
        f"({codec_of(stream) or 'unknown'}) of {source.name}; {advice}"
    )
