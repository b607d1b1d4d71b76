"""Image formats: what each can hold, and how it is written."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image, PngImagePlugin, TiffImagePlugin

from ovsharp.errors import MediaError
from ovsharp.media.heic import encode_heic, learn_heic
from ovsharp.media.metadata import XMP_KEY, exif_block, with_dpi
from ovsharp.media.opencv import encoded
from ovsharp.media.picture import Picture, Plane

QUALITY = 95
"""Of formats with loss, where nothing else is asked for."""
_INCH = 0.0254
"""In metres."""


@dataclass(frozen=True)
class Format:
    """A format that can be written."""

    name: str
    encode: Callable[[Plane, Picture, int | None], bytes]
    """Takes the channels as one array (grey, grey and alpha, BGR or BGRA), what goes with them,
    and the quality that was asked for."""
    bits: int = 8
    """Per channel."""
    alpha: bool = True
    metadata: bool = True
    """Holds EXIF, XMP and a colour profile."""
    lossy: bool = False
    """Has a quality."""
    segment: int = 1 << 40
    """Bytes that EXIF or XMP may have."""


def format_of(path: Path) -> Format:
    """Tell the format to write by a file's ending.

    Raises:
        MediaError: an ending that is not in `IMAGE_ENDINGS`.
        MissingExtraError: HEIC, without the extra that writes it.
    """
    if path.suffix.lower() not in FORMATS:
        raise MediaError(
            f"cannot tell the image format of {path.name or path}: expected a name ending in "
            f"{', '.join(FORMATS)}"
        )
    form = FORMATS[path.suffix.lower()]
    if form is _HEIC:
        learn_heic()
    return form


def encode(path: Path, pixels: Plane, picture: Picture, quality: int | None = None) -> bytes:
    """Give the bytes of an image file.

    Args:
        path: its ending names the format.
        pixels: H x W, or H x W x 2, 3 or 4: grey, grey and alpha, BGR or BGRA; uint16 for PNG and
            TIFF and HEIC only, no alpha for JPEG.
        picture: its colour profile, EXIF and origin are written, as far as the format holds them.
        quality: 1..100, where there is loss; None for that of the picture's own file, else
            `QUALITY`.

    Raises:
        MissingExtraError: HEIC, without the extra that writes it.
        MediaError: too large for the format, or metadata that is.
    """
    form = format_of(path)
    try:
        return form.encode(pixels, picture, quality)
    except (OSError, ValueError, RuntimeError, struct.error) as error:
        height, width = pixels.shape[:2]
        raise MediaError(
            f"{path.name}: cannot write {width}x{height} pixels as {form.name} ({error}); "
            f"try a .png or .tif"
        ) from error


@cache
def jpeg_tables(quality: int) -> list[list[int]]:
    """Give the quantization tables that libjpeg takes for a quality of 1..100."""
    out = io.BytesIO()
    Image.new("RGB", (8, 8)).save(out, "JPEG", quality=quality)
    with Image.open(out) as image:
        tables: dict[int, list[int]] = getattr(image, "quantization")  # noqa: B009 - of JPEG only
        return [tables[key] for key in sorted(tables)]


def jpeg_quality(picture: Picture) -> int:
    """Tell what quality a picture's own JPEG file was coded with, by its tables."""
    luma = sum((picture.origin.tables or jpeg_tables(QUALITY))[0])
    return min(range(1, 101), key=lambda quality: abs(sum(jpeg_tables(quality)[0]) - luma))


def _jpeg(pixels: Plane, picture: Picture, quality: int | None) -> bytes:
    origin = picture.origin
    options: dict[str, Any] = {"subsampling": origin.sampling, "progressive": origin.progressive}
    if origin.tables is not None and quality is None:
        options["qtables"] = origin.tables
    else:
        options["quality"] = quality or QUALITY
    if origin.dpi is not None:
        options["dpi"] = origin.dpi
    if origin.iptc is not None:
        options["extra"] = b"\xff\xed" + struct.pack(">H", len(origin.iptc) + 2) + origin.iptc
    return _pillow("JPEG", pixels, picture, **options)


def _webp(pixels: Plane, picture: Picture, quality: int | None) -> bytes:
    lossless = picture.origin.lossless and quality is None
    options = {"lossless": True, "exact": True} if lossless else {"quality": quality or QUALITY}
    return _pillow("WEBP", pixels, _dpi_in_exif(picture), **options)


def _avif(pixels: Plane, picture: Picture, quality: int | None) -> bytes:
    options = {"quality": quality or QUALITY, "subsampling": "4:4:4"}
    return _pillow("AVIF", pixels, _dpi_in_exif(picture), **options)


def _heic(pixels: Plane, picture: Picture, quality: int | None) -> bytes:
    return encode_heic(_rgb(pixels), _dpi_in_exif(picture), quality or QUALITY)


def _pillow(kind: str, pixels: Plane, picture: Picture, **options: Any) -> bytes:
    exif = picture.exif and b"Exif\0\0" + picture.exif
    said = {"icc_profile": picture.profile, "exif": exif, "xmp": picture.origin.xmp}
    out = io.BytesIO()
    given = {name: value for name, value in said.items() if value}
    Image.fromarray(_rgb(pixels)).save(out, kind, **options, **given)
    return out.getvalue()


def _png(pixels: Plane, picture: Picture, _quality: int | None) -> bytes:
    """OpenCV encodes all but grey with alpha; no library writes 16-bit colour with metadata."""
    if pixels.ndim == 3 and pixels.shape[2] == 2 and pixels.dtype == np.uint8:
        png = _pillow("PNG", pixels, Picture(pixels))
    else:
        png = encoded(".png", _colour(pixels))
    origin = picture.origin
    chunks = [*origin.colour.items(), *origin.texts]
    if picture.profile is not None:
        chunks = [chunk for chunk in chunks if chunk[0] != b"sRGB"]  # one or the other
        chunks.append((b"iCCP", b"ICC profile\0\0" + zlib.compress(picture.profile)))
    if origin.dpi is not None:
        across, down = (round(value / _INCH) for value in origin.dpi)
        chunks.append((b"pHYs", struct.pack(">IIB", across, down, 1)))
    if picture.exif is not None:
        chunks.append((b"eXIf", picture.exif))
    if origin.xmp is not None:
        chunks.append((b"iTXt", XMP_KEY.encode() + b"\0\0\0\0\0" + origin.xmp))
    # Behind the header all of them are allowed (PNG 3, 5.6).
    header = len(b"\x89PNG\r\n\x1a\n") + 12 + 13
    out = io.BytesIO()
    out.write(png[:header])
    for kind, content in chunks:
        PngImagePlugin.putchunk(out, kind, content)
    out.write(png[header:])
    return out.getvalue()


def _bmp(pixels: Plane, picture: Picture, _quality: int | None) -> bytes:
    bmp = bytearray(encoded(".bmp", _colour(pixels)))
    if picture.origin.dpi is not None:
        struct.pack_into("<ii", bmp, 38, *(round(value / _INCH) for value in picture.origin.dpi))
    return bytes(bmp)


def _tiff(pixels: Plane, picture: Picture, _quality: int | None) -> bytes:
    """Write one strip, Deflate with horizontal differences (TIFF 6.0, sections 8 and 14).

    No library writes 16-bit colour together with EXIF.
    """
    planes = np.atleast_3d(_rgb(pixels))
    height, width, channels = planes.shape
    differences = planes.copy()
    differences[:, 1:] -= planes[:, :-1]  # wraps around, as it shall
    little = differences.astype(planes.dtype.newbyteorder("<"), copy=False)
    strip = zlib.compress(little.tobytes(), 6)
    directory = TiffImagePlugin.ImageFileDirectory_v2()
    exif = picture.exif
    block = exif_block(with_dpi(exif, picture.origin.dpi) if picture.origin.dpi else exif)
    for tag in block:
        directory[tag] = block.get_ifd(tag) or block[tag]
    directory[TiffImagePlugin.IMAGEWIDTH] = width
    directory[TiffImagePlugin.IMAGELENGTH] = height
    directory[TiffImagePlugin.BITSPERSAMPLE] = (8 * planes.itemsize,) * channels
    directory[TiffImagePlugin.COMPRESSION] = 8
    directory[TiffImagePlugin.PHOTOMETRIC_INTERPRETATION] = 1 if channels < 3 else 2
    directory[TiffImagePlugin.STRIPOFFSETS] = 0  # Pillow makes it the end of the directory
    directory[TiffImagePlugin.SAMPLESPERPIXEL] = channels
    directory[TiffImagePlugin.ROWSPERSTRIP] = height
    directory[TiffImagePlugin.STRIPBYTECOUNTS] = len(strip)
    directory[TiffImagePlugin.PLANAR_CONFIGURATION] = 1
    directory[TiffImagePlugin.PREDICTOR] = 2
    if channels in (2, 4):
        directory[TiffImagePlugin.EXTRASAMPLES] = 2  # alpha that is not multiplied in
    if picture.profile is not None:
        directory[TiffImagePlugin.ICCPROFILE] = picture.profile
    if picture.origin.xmp is not None:
        directory[TiffImagePlugin.XMP] = picture.origin.xmp
    out = io.BytesIO()
    directory.save(out)
    out.write(strip)
    return out.getvalue()


def _dpi_in_exif(picture: Picture) -> Picture:
    dpi = picture.origin.dpi
    return picture if dpi is None else replace(picture, exif=with_dpi(picture.exif, dpi))


def _colour(pixels: Plane) -> Plane:
    """Give grey with alpha three colours, for libraries that do not know it."""
    grey_alpha = pixels.ndim == 3 and pixels.shape[2] == 2
    return np.ascontiguousarray(pixels[..., [0, 0, 0, 1]]) if grey_alpha else pixels


def _rgb(pixels: Plane) -> Plane:
    """Turn BGR(A) into RGB(A); grey stays."""
    if pixels.ndim == 2 or pixels.shape[2] == 2:
        return np.ascontiguousarray(pixels)
    code = cv2.COLOR_BGR2RGB if pixels.shape[2] == 3 else cv2.COLOR_BGRA2RGBA
    return cv2.cvtColor(pixels, code).astype(pixels.dtype, copy=False)


_JPEG = Format("JPEG", _jpeg, alpha=False, lossy=True, segment=65_000)
_HEIC = Format("HEIC", _heic, bits=12, lossy=True)
_TIFF = Format("TIFF", _tiff, bits=16)
FORMATS = {
    ".png": Format("PNG", _png, bits=16),
    ".jpg": _JPEG,
    ".jpeg": _JPEG,
    ".webp": Format("WebP", _webp, lossy=True),
    ".tif": _TIFF,
    ".tiff": _TIFF,
    ".bmp": Format("BMP", _bmp, metadata=False),
    ".avif": Format("AVIF", _avif, lossy=True),
    ".heic": _HEIC,
    ".heif": _HEIC,
}
IMAGE_ENDINGS = tuple(FORMATS)
"""What can be written, and what is taken for an image inside folders and globs."""
