"""Images and videos: sources and sinks of frames."""

from ovsharp.media.find import find_images, find_pairs, holds_pairs
from ovsharp.media.images import (
    IMAGE_ENDINGS,
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
    "Frame",
    "Picture",
    "find_images",
    "find_pairs",
    "holds_pairs",
    "is_video",
    "read_frame",
    "read_picture",
    "side_by_side",
    "video_frames",
    "write_picture",
]
