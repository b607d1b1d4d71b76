"""Whether a video would be left as it is: frames are looked at, and nothing is coded."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ovsharp.media import Shot
from ovsharp.runtime import Session


def stays_untouched(
    source: Iterable[Shot],
    sharpener: Session,
    *,
    segment: int = 0,
    on_frame: Callable[[int], None] | None = None,
) -> bool:
    """Say whether no frame of a video is sharpened; ends with the first one that is.

    Args:
        source: shots in order, from the first one on.
        sharpener: or a session of one; stays open.
        segment: as of the `Pipeline` that is to write them, which then chooses the same.
        on_frame: told how many were looked at.
    """
    for place, shot in enumerate(source):
        if segment and place % segment == 0:
            sharpener.restart()
        sharpener(shot.frame)
        if sharpener.sharpened:
            return False
        if on_frame is not None:
            on_frame(place + 1)
    return True
