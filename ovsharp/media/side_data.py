"""What FFmpeg tells beside the pixels of a decoded frame."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from av import VideoFrame
    from av.sidedata.sidedata import SideData


def side_data(frame: VideoFrame) -> Iterable[SideData]:
    """Give the side data of a frame; none where one is of a kind that PyAV has no name for.

    EXIF is such a kind, which images have, and motion JPEG: https://github.com/PyAV-Org/PyAV/pull/2392
    """
    try:
        return cast("Iterable[SideData]", frame.side_data)  # by its stubs, a Mapping
    except ValueError:
        return ()
