"""What an image file says of itself besides its pixels, as Pillow reads it."""

from __future__ import annotations

import os
import re
import struct
from dataclasses import dataclass, replace
from typing import Any, BinaryIO

from PIL import ExifTags, Image, JpegImagePlugin, PngImagePlugin, TiffImagePlugin

from ovsharp.media.picture import Origin

_ORIENTATION = int(ExifTags.Base.Orientation)
_SIDES = (int(ExifTags.Base.ExifImageWidth), int(ExifTags.Base.ExifImageHeight))
_X_RESOLUTION, _Y_RESOLUTION, _UNIT, _INCH = 282, 283, 296, 2
_XMP, _IPTC, _PHOTOSHOP = 700, 33723, 34377
_STRUCTURE = frozenset({254, 255, 256, 257, 258, 259, 262, 263, 264, 265, 266, 273, 277, 278, 279,
                        280, 281, 284, 288, 289, 290, 291, 292, 293, 297, 301, 317, 318, 319, 320,
                        321, 322, 323, 324, 325, 330, 332, 338, 339, 340, 341, 347, 512, 513, 514,
                        529, 530, 531, 532, _XMP, _IPTC, _PHOTOSHOP, 34675, 37724})  # fmt: skip
"""Tags of a TIFF file that say how its own pixels are stored, or hold other metadata."""
_UNREADABLE = (OSError, ValueError, SyntaxError, TypeError, KeyError, OverflowError, struct.error)
"""What Pillow raises for damaged EXIF."""
_COLOUR = (b"gAMA", b"cHRM", b"sRGB", b"cICP")
_SRGB_PRIMARIES, _SRGB_TRANSFERS = (1, 2), (1, 2, 6, 13)
"""Unknown counts as sRGB, as everywhere (H.273)."""
_TEXTS = (b"tEXt", b"zTXt", b"iTXt")
XMP_KEY = "XML:com.adobe.xmp"
"""Under which a PNG has XMP among its texts."""
_XMP_ORIENTATION = (
    rb"""\s*tiff:Orientation\s*=\s*["']\d["']""",
    rb"\s*<tiff:Orientation>\d</tiff:Orientation>",
)


@dataclass(frozen=True)
class Metadata:
    """Of one file."""

    orientation: int
    """1..8, as EXIF counts; 1 is upright."""
    profile: bytes | None
    """ICC; None if there is none."""
    exif: bytes | None
    """A TIFF structure without orientation and thumbnail; None if there is none."""
    origin: Origin
    notes: tuple[str, ...]
    """What could not be kept."""

    def without_profile(self) -> Metadata:
        """Give all but the colour profile."""
        return replace(self, profile=None)


def read_metadata(image: Image.Image, file: BinaryIO) -> Metadata:
    """Read the metadata of an image that Pillow has opened; no pixels are decoded.

    Args:
        image: as `Image.open` gives it.
        file: what it was opened from.
    """
    notes = []
    info = image.info
    chunks = _png_chunks(file) if image.format == "PNG" else []
    for data in (data for kind, data in chunks if kind == b"eXIf"):
        info["exif"] = data
    orientation, exif = 1, None
    try:
        # Not image.getexif(): for a PNG that decodes all pixels.
        block = Image.Image.getexif(image)
        orientation = int(block.get(_ORIENTATION, 1))
        exif = _cleaned(block)
    except _UNREADABLE as error:
        notes.append(f"damaged EXIF was left out ({error})")
    tags = dict(image.tag_v2) if isinstance(image, TiffImagePlugin.TiffImageFile) else {}
    if {_IPTC, _PHOTOSHOP} & set(tags):
        notes.append("IPTC was left out")
    text = info.get("xmp") or info.get(XMP_KEY) or b""
    xmp: bytes = text.encode() if isinstance(text, str) else text
    for pattern in _XMP_ORIENTATION:
        xmp = re.sub(pattern, b"", xmp)
    origin = Origin(
        xmp=xmp or None,
        dpi=_dpi(image, tags, turned=orientation > 4),
        colour={kind: data for kind, data in chunks if kind in _COLOUR} or _coded(image, file),
        texts=[
            (kind, data)
            for kind, data in chunks
            if kind in _TEXTS and not data.startswith(XMP_KEY.encode())
        ],
        lossless=image.format == "WEBP" and _webp_is_lossless(file),
        **_jpeg_coding(image),
        **_heic_coding(image),
    )
    return Metadata(orientation, info.get("icc_profile") or None, exif, origin, tuple(notes))


def read_tiff_metadata(file: BinaryIO, profile: bytes | None) -> Metadata:
    """Read the metadata of a TIFF file that Pillow cannot open; its pictures come upright."""
    file.seek(0)
    block = Image.Exif()
    block.load_from_fp(file)
    return Metadata(1, profile, _cleaned(block), Origin(), ())


def exif_block(exif: bytes | None) -> Image.Exif:
    """Give EXIF as Pillow holds it."""
    block = Image.Exif()
    if exif is not None:
        block.load(exif)
    return block


def fitted(exif: bytes, width: int, height: int) -> bytes:
    """Tell EXIF the size of the picture that it goes with, where it names one."""
    block = exif_block(exif)
    inner: dict[int, Any] = block.get_ifd(ExifTags.IFD.Exif)
    if not set(_SIDES) & set(inner):
        return exif
    inner.update(zip(_SIDES, (width, height), strict=True))
    return _bare(block)


def with_dpi(exif: bytes | None, dpi: tuple[float, float]) -> bytes:
    """Write a resolution into EXIF that has none, for formats without another place for it."""
    block = exif_block(exif)
    if _X_RESOLUTION not in block:
        block.update({_X_RESOLUTION: dpi[0], _Y_RESOLUTION: dpi[1], _UNIT: _INCH})
    return _bare(block)


def _cleaned(block: Image.Exif) -> bytes | None:
    for tag in {_ORIENTATION, *_STRUCTURE} & set(block):
        del block[tag]
    return _bare(block) if len(block) else None


def _bare(block: Image.Exif) -> bytes:
    return block.tobytes()[len(b"Exif\0\0") :]


def _dpi(image: Image.Image, tags: dict[int, Any], *, turned: bool) -> tuple[float, float] | None:
    # Where a TIFF or a JPEG says nothing, Pillow makes it up; what EXIF says stays in EXIF.
    made_up = {
        "TIFF": _X_RESOLUTION not in tags or tags.get(_UNIT, _INCH) == 1,
        "JPEG": not image.info.get("jfif_unit"),
    }
    if "dpi" not in image.info or made_up.get(str(image.format), False):
        return None
    across, down = (float(value) for value in image.info["dpi"])
    if across <= 0 or down <= 0:
        return None
    return (down, across) if turned else (across, down)


def _jpeg_coding(image: Image.Image) -> dict[str, Any]:
    if not isinstance(image, JpegImagePlugin.JpegImageFile):
        return {}
    segments = [data for name, data in image.applist if name == "APP13"]
    return {
        "tables": [image.quantization[key] for key in sorted(image.quantization)],
        # -1 is what Pillow cannot write: all colours are more than any other sampling.
        "sampling": max(0, JpegImagePlugin.get_sampling(image)),
        "progressive": bool(image.info.get("progressive")),
        "iptc": segments[0] if segments else None,
    }


def _heic_coding(image: Image.Image) -> dict[str, Any]:
    if image.format != "HEIF":
        return {}
    bits, chroma = int(image.info["bit_depth"]), image.info.get("chroma", 420)
    return {"bits": bits if bits > 8 else 16, "heic_sampling": {444: 0, 422: 1}.get(chroma, 2)}


def _coded(image: Image.Image, file: BinaryIO) -> dict[bytes, bytes]:
    """Give what AVIF and HEIC say of their colours where no profile does, as a PNG says it."""
    if image.format not in ("AVIF", "HEIF") or image.info.get("icc_profile"):
        return {}
    primaries, transfer = avif_colour(file)
    if primaries in _SRGB_PRIMARIES and transfer in _SRGB_TRANSFERS:
        return {}
    return {b"cICP": bytes((primaries, transfer, 0, 1))}


def avif_colour(file: BinaryIO) -> tuple[int, int]:
    """Read primaries and transfer (ITU-T H.273) of AVIF or HEIC; 2 is unknown."""
    found = _box(file, b"colrnclx", 4)
    return struct.unpack(">HH", found) if found else (2, 2)


def avif_bits(file: BinaryIO) -> int:
    """Read the bits per channel of AVIF: 8, 10 or 12 (AV1 in ISOBMFF, 2.3.3)."""
    found = _box(file, b"av1C", 3)
    flags = found[2] if found else 0
    return 8 if not flags & 0x40 else 12 if flags & 0x20 else 10


def _box(file: BinaryIO, name: bytes, size: int) -> bytes | None:
    """Find the first bytes of a box by its name; the boxes of properties stand in front."""
    file.seek(0)
    head = file.read(1 << 16)
    place = head.find(name) + len(name)
    return head[place : place + size] if name in head and len(head) >= place + size else None


def _webp_is_lossless(file: BinaryIO) -> bool:
    """Tell by the first chunk that holds pixels (RFC 9649)."""
    file.seek(len(b"RIFF....WEBP"))
    while len(header := file.read(8)) == 8:
        kind, size = struct.unpack("<4sI", header)
        if kind in (b"VP8 ", b"VP8L"):
            return bool(kind == b"VP8L")
        # The chunks of an animation's first frame lie inside it, behind 16 bytes.
        file.seek(16 if kind == b"ANMF" else size + size % 2, os.SEEK_CUR)
    return False


def _png_chunks(file: BinaryIO) -> list[tuple[bytes, bytes]]:
    """Read the chunks that say something, also those behind the pixels; damage ends the list."""
    found = []
    file.seek(8)
    stream = PngImagePlugin.ChunkStream(file)
    try:
        while True:
            kind, start, length = stream.read()
            if kind in (*_COLOUR, *_TEXTS, b"eXIf"):
                found.append((kind, file.read(length)))
            if kind == b"IEND":
                return found
            file.seek(start + length + len(b"CRC."))
    except (OSError, ValueError, SyntaxError, struct.error):
        return found
