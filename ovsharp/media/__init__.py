"""Images and videos: sources and sinks of frames."""

from ovsharp.media.camera import Camera, Capture
from ovsharp.media.colour import (
    BT601,
    BT709,
    LIMITED,
    Colour,
    colour_of,
    from_bgr,
    siting_of,
    to_bgr,
)
from ovsharp.media.copied import check_copy
from ovsharp.media.decoding import ending_of, picture_size
from ovsharp.media.distinct import Distinct, difference_hash
from ovsharp.media.encoders import AUTO, CODECS, Encoder, holder, open_encoder
from ovsharp.media.fields import Deinterlace
from ovsharp.media.find import (
    category_of,
    find_images,
    find_pairs,
    find_videos,
    holds_pairs,
    refuse_url,
)
from ovsharp.media.finished import Finished, identity
from ovsharp.media.formats import FORMATS, IMAGE_ENDINGS, QUALITY, format_of
from ovsharp.media.images import read_frame, read_picture, write_picture
from ovsharp.media.index import frame_times
from ovsharp.media.numbered import Numbered, numbered_in
from ovsharp.media.numbered_writer import NumberedWriter
from ovsharp.media.picture import Frame, Picture, side_by_side
from ovsharp.media.raw import RawVideo
from ovsharp.media.reader import VideoReader, read_video
from ovsharp.media.recorder import Recorder
from ovsharp.media.region import Region
from ovsharp.media.screen import Screen
from ovsharp.media.segment_writer import SegmentWriter
from ovsharp.media.shot import Shot
from ovsharp.media.sizing import Size
from ovsharp.media.tracks import AUDIO, Audio
from ovsharp.media.video import VIDEO_ENDINGS, is_video, video_frames
from ovsharp.media.virtual_camera import VirtualCamera
from ovsharp.media.window import Window
from ovsharp.media.writer import CONTAINERS, SEGMENT, VideoWriter, write_video

__all__ = [
    "AUDIO",
    "AUTO",
    "BT601",
    "BT709",
    "CODECS",
    "CONTAINERS",
    "FORMATS",
    "IMAGE_ENDINGS",
    "LIMITED",
    "QUALITY",
    "SEGMENT",
    "VIDEO_ENDINGS",
    "Audio",
    "Camera",
    "Capture",
    "Colour",
    "Deinterlace",
    "Distinct",
    "Encoder",
    "Finished",
    "Frame",
    "Numbered",
    "NumberedWriter",
    "Picture",
    "RawVideo",
    "Recorder",
    "Region",
    "Screen",
    "SegmentWriter",
    "Shot",
    "Size",
    "VideoReader",
    "VideoWriter",
    "VirtualCamera",
    "Window",
    "category_of",
    "check_copy",
    "colour_of",
    "difference_hash",
    "ending_of",
    "find_images",
    "find_pairs",
    "find_videos",
    "format_of",
    "frame_times",
    "from_bgr",
    "holder",
    "holds_pairs",
    "identity",
    "is_video",
    "numbered_in",
    "open_encoder",
    "picture_size",
    "read_frame",
    "read_picture",
    "read_video",
    "refuse_url",
    "side_by_side",
    "siting_of",
    "to_bgr",
    "video_frames",
    "write_picture",
    "write_video",
]
