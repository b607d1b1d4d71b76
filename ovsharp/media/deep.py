"""Video of more than 8 bits, HDR too: what a network changes is added to the frame as it is coded.

A network sees and makes 8-bit frames. Its correction - the difference between what it made and
what it saw - is brought into the coding of the video and added to all bits of the decoded frame, in
the video's own transfer curve: nothing is mapped, and what is left alone keeps every bit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import numpy.typing as npt

from ovsharp.media.colour import BT2020, FULL, LIMITED, Colour, from_bgr
from ovsharp.media.picture import Frame
from ovsharp.media.side_data import side_data
from ovsharp.media.upright import Upright

if TYPE_CHECKING:
    from av import VideoFrame

_HDR = {16: "PQ", 18: "HLG"}
_CUBIC = 4
_DYNAMIC = {"DOVI_RPU_BUFFER": "Dolby Vision", "DYNAMIC_HDR_PLUS": "HDR10+"}
_Plane = npt.NDArray[np.uint16]


@dataclass(frozen=True, eq=False)
class Deep:
    """A decoded frame of more than 8 bits, and what a network sees of it."""

    frame: VideoFrame
    """Upright."""
    seen: Frame
    """uint8, H x W x 3, BGR."""

    def fits(self, after: Frame) -> bool:
        """Tell whether a frame is a result of this one, of its size or a multiple."""
        height, width = self.seen.shape[:2]
        scale = after.shape[0] // height
        return after.shape[:2] == (scale * height, scale * width)

    def enlarged(self, after: Frame) -> Frame:
        """Give what was seen in the size of a result: what its correction is counted from."""
        if self.seen.shape == after.shape:
            return self.seen
        size = (after.shape[1], after.shape[0])
        return np.asarray(cv2.resize(self.seen, size, interpolation=cv2.INTER_CUBIC), np.uint8)

    def corrected(
        self, before: Frame, after: Frame, colour: Colour, pixels: str, siting: str
    ) -> VideoFrame:
        """Add a correction.

        Args:
            before: uint8, H x W x 3, BGR: what was seen, in the size of `after`.
            after: uint8, H x W x 3, BGR.
            colour: how the video is coded.
            pixels: pixel format of the result, of more than 8 bits.
            siting: where samples of chroma lie, as `from_bgr` takes it.
        """
        height, width = after.shape[:2]
        coded = FULL if int(self.frame.color_range) == FULL else LIMITED
        ranges = {} if coded == colour.range else {"src_color_range": coded}
        ranges |= {"dst_color_range": colour.range} if ranges else {}
        base = self.frame.reformat(width, height, pixels, interpolation=_CUBIC, **ranges)
        if np.array_equal(before, after):
            return base
        top = (1 << base.format.components[0].bits) - 1
        old, new = (from_bgr(frame, colour, pixels, siting=siting) for frame in (before, after))
        planes = [
            np.clip(kept.astype(np.int32) + made - seen.astype(np.int32), 0, top)
            for kept, made, seen in zip(_planes(base), _planes(new), _planes(old), strict=True)
        ]
        return _frame_of(planes, pixels)


def is_deep(frame: VideoFrame) -> bool:
    """Tell whether a frame has more than 8 bits, in YUV."""
    form = frame.format
    deep = max(component.bits for component in form.components) > 8
    return deep and not form.is_rgb and len(form.components) > 2


def turned(frame: VideoFrame, turn: Upright) -> VideoFrame | None:
    """Turn a decoded frame of more than 8 bits upright; None where its coding cannot be turned."""
    if not turn:
        return frame
    form = frame.format
    pixels = f"yuv{_SAMPLINGS.get((form.chroma_width(64), form.chroma_height(64)))}p"
    if "None" in pixels or (turn.transposed and "422" in pixels):
        return None
    pixels += f"{form.components[0].bits}le"
    planes = [turn.applied(plane) for plane in _planes(frame.reformat(format=pixels))]
    return _frame_of(planes, pixels)


def hdr_of(frame: VideoFrame) -> str:
    """Name the transfer curve of a frame, if it is one of HDR."""
    return _HDR.get(int(frame.color_trc), "")


def hdr_colour(frame: VideoFrame) -> Colour:
    """Read how a frame of HDR is coded: as BT.2020 where the file does not say."""
    matrix = int(frame.colorspace)
    full = int(frame.color_range) == FULL
    return Colour(
        BT2020 if matrix in (0, 2) else matrix,
        FULL if full else LIMITED,
        int(frame.color_primaries),
        int(frame.color_trc),
    )


def dynamic_hdr(frame: VideoFrame) -> list[str]:
    """Name the metadata of HDR that changes from frame to frame, and is not kept."""
    found = {data.type.name for data in side_data(frame)}
    return [name for key, name in _DYNAMIC.items() if key in found]


def hdr_options(frame: VideoFrame, encoder: str) -> dict[str, str]:
    """Give the options by which an encoder writes the metadata of HDR of a frame.

    These are the colours and the brightness of the screen on which it was graded (SMPTE ST 2086),
    and the highest brightness in it (CTA-861.3).

    Returns:
        Empty if there are none, or the encoder takes none.
    """
    data = {one.type.name: bytes(one) for one in side_data(frame)}
    display, light = data.get("MASTERING_DISPLAY_METADATA"), data.get("CONTENT_LIGHT_LEVEL")
    if encoder not in ("libx265", "libsvtav1") or not (display or light):
        return {}
    whole = encoder == "libx265"
    names = ("master-display", "max-cll") if whole else ("mastering-display", "content-light")
    params = ["hdr10=1"] if whole else []
    if display:
        params.append(f"{names[0]}={_display(display, whole)}")
    if light:
        most, mean = np.frombuffer(light, np.uint32)[:2]
        params.append(f"{names[1]}={most},{mean}")
    return {"x265-params" if whole else "svtav1-params": ":".join(params)}


def _display(data: bytes, whole: bool) -> str:
    """Write AVMasteringDisplayMetadata as encoders read it: green, blue, red, white, brightness."""
    pairs = np.frombuffer(data[:80], np.int32).reshape(10, 2)
    red, green, blue, white, bright = (
        [pairs[index + place, 0] / max(1, pairs[index + place, 1]) for place in (0, 1)]
        for index in (0, 2, 4, 6, 8)
    )
    places = {"G": green, "B": blue, "R": red, "WP": white, "L": bright[::-1]}
    units = {"L": 10_000}
    return "".join(
        f"{name}({','.join(_number(value, units.get(name, 50_000), whole) for value in pair)})"
        for name, pair in places.items()
    )


def _number(value: float, unit: int, whole: bool) -> str:
    return str(round(value * unit)) if whole else f"{value:.4f}"


_SAMPLINGS = {(32, 32): "420", (32, 64): "422", (64, 64): "444"}


def _planes(frame: VideoFrame) -> list[_Plane]:
    """Give the planes of a frame in two bytes a value, without what pads their rows."""
    return [
        np.frombuffer(bytes(plane), np.uint16).reshape(plane.height, -1)[:, : plane.width]
        for plane in frame.planes
    ]


def _frame_of(planes: list[Any], pixels: str) -> VideoFrame:
    from av import VideoFrame

    frame = VideoFrame(planes[0].shape[1], planes[0].shape[0], pixels)
    for plane, values in zip(frame.planes, planes, strict=True):
        rows = np.zeros((plane.height, plane.line_size // 2), np.uint16)
        rows[:, : plane.width] = values
        plane.update(rows.tobytes())
    return frame
