"""What an image file says of itself: its EXIF block and its colour profile."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

from PIL import Image
from PIL.ExifTags import IFD, Base

_ORIENTATION = int(Base.Orientation)
_SIDES = (int(Base.ExifImageWidth), int(Base.ExifImageHeight))
_STRUCTURE = frozenset({254, 255, 256, 257, 258, 259, 262, 263, 264, 265, 266, 273, 277, 278, 279,
                        280, 281, 284, 288, 289, 290, 291, 292, 293, 297, 301, 317, 318, 319, 320,
                        321, 322, 323, 324, 325, 330, 332, 338, 339, 340, 341, 347, 512, 513, 514,
                        529, 530, 531, 532, 700, 33723, 34377, 34675, 37724})  # fmt: skip
"""Tags of a TIFF file that say how its own pixels are stored, or hold other metadata."""
_UNREADABLE = (OSError, ValueError, SyntaxError, TypeError, KeyError, OverflowError, struct.error)
"""What Pillow raises for damaged EXIF."""


@dataclass(frozen=True)
class Metadata:
    """Of one file."""

    orientation: int
    """1..8, as EXIF counts; 1 is upright."""
    profile: bytes | None
    """ICC; None if there is none."""
    exif: bytes | None
    """A TIFF structure without orientation and thumbnail; None if there is none."""
    notes: tuple[str, ...]
    """What could not be kept."""


def read_metadata(image: Image.Image) -> Metadata:
    """Read the metadata of an image whose header Pillow has read; no pixels are decoded."""
    notes = []
    orientation, exif = 1, None
    try:
        # Not image.getexif(): for a PNG that decodes all pixels.
        block = Image.Image.getexif(image)
        orientation = int(block.get(_ORIENTATION, 1))
        for tag in _STRUCTURE & set(block):
            del block[tag]
        if _ORIENTATION in block:
            del block[_ORIENTATION]
        exif = block.tobytes()[len(b"Exif\0\0") :] if len(block) else None
    except _UNREADABLE as error:
        notes.append(f"damaged EXIF was left out ({error})")
    return Metadata(orientation, image.info.get("icc_profile") or None, exif, tuple(notes))


def exif_block(exif: bytes) -> Image.Exif:
    """Give EXIF as Pillow holds it."""
    block = Image.Exif()
    block.load(exif)
    return block


def fitted(exif: bytes, width: int, height: int) -> bytes:
    """Tell EXIF the size of the picture that it goes with, where it names one."""
    block = exif_block(exif)
    inner: dict[int, Any] = block.get_ifd(IFD.Exif)
    if not set(_SIDES) & set(inner):
        return exif
    inner.update(zip(_SIDES, (width, height), strict=True))
    return block.tobytes()[len(b"Exif\0\0") :]


def colour_space(profile: bytes) -> str:
    """Tell what a colour profile is for: `RGB`, `GRAY`, `CMYK`, ... (ICC.1, header byte 16).

    Example:
        >>> colour_space(bytes(16) + b"GRAY" + bytes(108))
        'GRAY'
    """
    return profile[16:20].decode("ascii", "replace").strip()
