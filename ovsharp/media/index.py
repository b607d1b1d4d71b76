"""When the frames of a video are shown, by its packets alone: nothing is decoded."""

from __future__ import annotations

import math

from ovsharp.errors import MediaError, UsageError
from ovsharp.media.opening import open_video
from ovsharp.media.reader import TINY, VideoReader


def frame_times(clip: VideoReader) -> list[int]:
    """Give the time of each frame that a reader would give, in ticks of its `time_base`.

    It is what the packets say: whether decoding gives the same, whoever decodes has to check.
    1,769 frames take 0.06 s.

    Raises:
        UsageError: a pipe, or a format without an index.
        MediaError: frames without times, or the file is damaged.
    """
    import av

    if not clip.path.is_file():
        raise UsageError(f"{clip.path} is no file: what is read once cannot be split among workers")
    times: set[int] = set()
    with open_video(clip.path) as container:
        if not clip.indexed:
            raise UsageError(
                f"{clip.path} has no index ({container.format.name}) by which work could be split "
                f"among workers; make it an .mkv or .mp4 (ffmpeg -i IN -c copy OUT.mkv), or leave "
                f"--workers and --cluster out"
            )
        try:
            for packet in container.demux(container.streams[clip.index]):
                if not packet.size or packet.is_discard:
                    continue
                if packet.pts is None:
                    raise MediaError(
                        f"{clip.path} has frames without times: work cannot be split among "
                        f"workers; leave --workers and --cluster out"
                    )
                times.add(packet.pts)
        except av.error.FFmpegError as error:
            raise MediaError(f"{clip.path} is damaged ({error.strerror}); copy it again") from error
    return _wanted(clip, sorted(times))


def _wanted(clip: VideoReader, times: list[int]) -> list[int]:
    """Leave out what `start`, `end` and `every` leave out."""
    begin, end = -math.inf, math.inf if clip.end is None else clip.end - TINY
    if clip.start:
        begin = math.ceil((clip.start + clip.origin - TINY) / clip.time_base)
    kept = [
        time for time in times if time >= begin and float(time * clip.time_base) - clip.origin < end
    ]
    return kept[:: clip.every]
