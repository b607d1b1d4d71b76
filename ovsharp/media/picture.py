"""A `Picture`: what an image file holds, for a network that sees 8-bit colour frames only.

What an image has beyond that is never guessed and never lost in silence: the picture keeps it,
and what a network made of its frame becomes a picture of the same kind again.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from ovsharp.errors import MediaError

Frame = npt.NDArray[np.uint8]
Plane = npt.NDArray[np.uint8 | np.uint16]


@dataclass(frozen=True)
class Origin:
    """What the file of a picture said besides, and how it was coded: for the file made from it."""

    xmp: bytes | None = None
    """Without its orientation."""
    dpi: tuple[float, float] | None = None
    """Pixels per inch, across and down."""
    colour: dict[bytes, bytes] = field(default_factory=dict)
    """What colours mean where no profile says it, as a PNG does: gAMA, cHRM, sRGB, cICP."""
    texts: Sequence[tuple[bytes, bytes]] = ()
    """Text chunks of a PNG, as they are."""
    iptc: bytes | None = None
    """The Photoshop segment of a JPEG, which holds IPTC, as it is."""
    tables: Sequence[Sequence[int]] | None = None
    """Quantization tables of a JPEG: what it was coded with is its quality."""
    sampling: int = 0
    """Of the colours of a JPEG: 0 is 4:4:4, 1 is 4:2:2, 2 is 4:2:0."""
    heic_sampling: int = 2
    """The same of a HEIC file, whose readers may know no other than 4:2:0."""
    progressive: bool = False
    lossless: bool = False
    """A WebP without loss."""
    bits: int = 16
    """How many of 16 are meant: 10 or 12 of a HEIC file."""


@dataclass(frozen=True, eq=False)
class Picture:
    """An upright image as its file has it."""

    pixels: Plane
    """uint8 or uint16; H x W if grey, else H x W x 3 BGR."""
    alpha: Plane | None = None
    """H x W, of the same depth as `pixels`, not multiplied into them; None if there is none."""
    profile: bytes | None = None
    """ICC profile that says what the colours mean; None for sRGB, or where nothing is said."""
    exif: bytes | None = None
    """EXIF as a TIFF structure, without orientation and thumbnail; None if there is none."""
    notes: tuple[str, ...] = ()
    """What was converted or left out when it was read, a sentence each."""
    origin: Origin = Origin()
    """What else the file said, and how it was coded."""

    @property
    def grey(self) -> bool:
        """Whether the image has one channel."""
        return self.pixels.ndim == 2

    @property
    def depth(self) -> int:
        """Bits per channel, 8 or 16."""
        return 8 * self.pixels.itemsize

    @property
    def bits(self) -> int:
        """Bits per channel that are meant: `depth`, or less in 16 bits of a HEIC file."""
        return min(self.depth, self.origin.bits)

    @cached_property
    def frame(self) -> Frame:
        """What a network sees: uint8 H x W x 3 BGR, without alpha, 16 bits rounded to 8.

        Colours of wholly transparent pixels are never seen, and may be anything: those of the
        nearest visible pixel stand in for them, so that nothing hidden bleeds into an edge.
        """
        pixels = to_8_bits(self._visible)
        return np.repeat(pixels[..., None], 3, axis=2) if self.grey else pixels

    def sharpened(self, frame: Frame) -> Picture:
        """Give the picture that a network's output makes of this one.

        Grey stays grey (the output's luma), alpha is kept (enlarged bicubically with the
        frame). A network works on 8 bits, so what a 16-bit picture gets is the network's
        *correction*, `pixels + 257 * (frame - self.frame)`, clamped: whatever the network leaves
        alone keeps all of its 16 bits. Where the frame is larger than the picture, the
        bicubically enlarged picture takes its place in that formula. Wholly transparent pixels
        stay as they are where the size does. Colour profile and EXIF are kept.

        Args:
            frame: uint8, sH x sW x 3, BGR, for a whole number s.

        Raises:
            MediaError: a frame of another size.
        """
        (height, width), size = self.pixels.shape[:2], frame.shape[:2]
        scale = size[0] // height
        if scale < 1 or size != (scale * height, scale * width):
            raise MediaError(
                f"a result of {size[1]}x{size[0]} does not belong to an image of {width}x{height}"
            )
        pixels: Plane = _luma(frame) if self.grey else frame
        if self.depth == 16:
            original = _enlarged(self._visible, scale)
            correction = pixels.astype(np.int32) - to_8_bits(original)
            pixels = np.clip(original + 257 * correction, 0, 65535).astype(np.uint16)
        if self.alpha is None:
            return dataclasses.replace(self, pixels=pixels)
        if scale == 1:
            hidden = self.alpha == 0
            kept = np.where(hidden if self.grey else hidden[..., None], self.pixels, pixels)
            return dataclasses.replace(self, pixels=kept)
        return dataclasses.replace(self, pixels=pixels, alpha=_enlarged(self.alpha, scale))

    def resized(self, width: int, height: int) -> Picture:
        """Give the picture in another size, resampled by Lanczos' filter; alpha with it."""
        if self.pixels.shape[:2] == (height, width):
            return self
        alpha = None if self.alpha is None else _resampled(self.alpha, width, height)
        pixels = _resampled(self._visible, width, height)
        return dataclasses.replace(self, pixels=pixels, alpha=alpha)

    def beside(self, frame: Frame) -> Picture:
        """Give this picture and a network's output side by side: 8 bits, colour, no alpha."""
        rgb = self.profile is not None and colour_space(self.profile) == "RGB"
        pixels = side_by_side(self.frame, frame)
        return Picture(pixels, profile=self.profile if rgb else None, notes=self.notes)

    @cached_property
    def _visible(self) -> Plane:
        """The pixels, the hidden ones in the colour of the nearest that is not."""
        if self.alpha is None or not self.alpha.any() or self.alpha.all():
            return self.pixels
        hidden = (self.alpha == 0).astype(np.uint8)
        labels = cv2.distanceTransformWithLabels(
            hidden, cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
        )[1]
        seen = hidden == 0
        colours = np.zeros((int(labels.max()) + 1, *self.pixels.shape[2:]), self.pixels.dtype)
        colours[labels[seen]] = self.pixels[seen]
        return colours[labels]


def side_by_side(before: Frame, after: Frame) -> Frame:
    """Put two frames beside each other, a thin white line between them.

    Args:
        before: uint8 H x W x 3; enlarged bicubically to the height of `after`.
        after: uint8 sH x sW x 3, for a whole number s.

    Returns:
        uint8 sH x (2 sW + 4) x 3.

    Example:
        >>> side_by_side(np.zeros((8, 8, 3), np.uint8), np.zeros((16, 16, 3), np.uint8)).shape
        (16, 36, 3)
    """
    height = after.shape[0]
    before = to_8_bits(_enlarged(before, height // before.shape[0]))
    return np.hstack([before, np.full((height, 4, 3), 255, np.uint8), after])


def colour_space(profile: bytes) -> str:
    """Tell what a colour profile is for: `RGB`, `GRAY`, `CMYK`, ... (ICC.1, header byte 16).

    Example:
        >>> colour_space(bytes(16) + b"GRAY" + bytes(108))
        'GRAY'
    """
    return profile[16:20].decode("ascii", "replace").strip()


def to_8_bits(values: Plane) -> Frame:
    """Round 16 bits to 8; 8 bits stay as they are."""
    if values.itemsize == 1:
        return values.astype(np.uint8, copy=False)
    return ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)


def upright(pixels: Plane, orientation: int) -> Plane:
    """Turn an image as its EXIF orientation (1..8) says; other values are taken for 1."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)


def _enlarged(values: Plane, scale: int) -> Plane:
    if scale == 1:
        return values
    size = (values.shape[1] * scale, values.shape[0] * scale)
    enlarged = cv2.resize(values, size, interpolation=cv2.INTER_CUBIC)
    return enlarged.astype(values.dtype, copy=False)


def _resampled(values: Plane, width: int, height: int) -> Plane:
    """Resample by Pillow, whose filters, unlike OpenCV's, do not alias where they shrink."""
    if values.dtype == np.uint8:
        image = Image.fromarray(values).resize((width, height), Image.Resampling.LANCZOS)
        return np.asarray(image)
    planes = [  # Pillow knows 16-bit colour plane by plane only
        Image.fromarray(plane.astype(np.float32)).resize((width, height), Image.Resampling.LANCZOS)
        for plane in np.moveaxis(np.atleast_3d(values), 2, 0)
    ]
    deep = np.dstack([np.asarray(plane) for plane in planes]).round().clip(0, 65535)
    return deep.astype(np.uint16).reshape(height, width, *values.shape[2:])


def _luma(frame: Frame) -> Frame:
    return cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY).astype(np.uint8, copy=False)
