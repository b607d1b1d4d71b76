"""Images and videos: sources and sinks of frames."""

from ovsharp.media.find import find_images
from ovsharp.media.images import (
    IMAGE_ENDINGS,
    MAX_PIXELS,
    Frame,
    Picture,
    read_frame,
    read_picture,
    side_by_side,
    write_picture,
)
from ovsharp.media.video import is_video, video_frames

__all__ = [
    "IMAGE_ENDINGS",
    "MAX_PIXELS",
    "Frame",
    "Picture",
    "find_images",
    "is_video",
    "read_frame",
    "read_picture",
    "side_by_side",
    "video_frames",
    "write_picture",
]
