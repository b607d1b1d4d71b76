"""Image formats: what each can hold, and how it is written."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, TiffImagePlugin

from ovsharp.errors import MediaError
from ovsharp.media.metadata import exif_block

QUALITY = 95
"""Of JPEG and WebP, where nothing else is asked for."""


@dataclass(frozen=True)
class Format:
    """A format that can be written."""

    name: str
    deep: bool = False
    """Holds 16 bits."""
    alpha: bool = True
    metadata: bool = True
    """Holds EXIF and a colour profile."""
    lossy: bool = False
    """Has a quality."""


_JPEG = Format("JPEG", alpha=False, lossy=True)
_TIFF = Format("TIFF", deep=True)
FORMATS = {
    ".png": Format("PNG", deep=True),
    ".jpg": _JPEG,
    ".jpeg": _JPEG,
    ".webp": Format("WebP", lossy=True),
    ".tif": _TIFF,
    ".tiff": _TIFF,
    ".bmp": Format("BMP", metadata=False),
}
IMAGE_ENDINGS = tuple(FORMATS)
"""What can be written, and what is taken for an image inside folders and globs."""


def format_of(path: Path) -> Format:
    """Tell a format by a file's ending.

    Raises:
        MediaError: an ending that is not in `IMAGE_ENDINGS`.
    """
    if path.suffix.lower() not in FORMATS:
        raise MediaError(
            f"cannot tell the image format of {path.name or path}: expected a name ending in "
            f"{', '.join(FORMATS)}"
        )
    return FORMATS[path.suffix.lower()]


def encode(
    path: Path,
    pixels: npt.NDArray[np.uint8 | np.uint16],
    *,
    profile: bytes | None = None,
    exif: bytes | None = None,
    quality: int = QUALITY,
) -> bytes:
    """Give the bytes of an image file.

    OpenCV encodes PNG and BMP, Pillow JPEG and WebP. PNG gets its metadata put in afterwards, and
    TIFF is put together here: no library writes 16-bit colour together with metadata.

    Args:
        path: its ending names the format.
        pixels: H x W, or H x W x 3 or 4, BGR(A); uint16 for PNG and TIFF only, no alpha for JPEG.
        profile: ICC; left out of BMP.
        exif: a TIFF structure; left out of BMP.
        quality: 1..100, of JPEG and WebP.

    Raises:
        MediaError: too large for the format, or metadata that is.
    """
    form = format_of(path)
    try:
        if form.lossy:
            return _pillow(form, pixels, profile, exif, quality)
        if form is _TIFF:
            return _tiff(pixels, profile, exif)
        with quiet():
            ok, data = cv2.imencode(path.suffix.lower(), pixels)
        if ok:
            encoded = data.tobytes()
            return _with_chunks(encoded, profile, exif) if form.metadata else encoded
        reason = ""
    except (cv2.error, OSError, ValueError, struct.error) as error:
        reason = f" ({error})"
    height, width = pixels.shape[:2]
    raise MediaError(
        f"{path.name}: cannot write {width}x{height} pixels as {form.name}{reason}; "
        f"try a .png or .tif"
    )


@contextmanager
def quiet() -> Iterator[None]:
    """Keep OpenCV from writing to stderr what is raised as an error anyway."""
    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        cv2.utils.logging.setLogLevel(level)


def _pillow(
    form: Format,
    pixels: npt.NDArray[np.uint8 | np.uint16],
    profile: bytes | None,
    exif: bytes | None,
    quality: int,
) -> bytes:
    out = io.BytesIO()
    options = {"icc_profile": profile, "exif": exif and b"Exif\0\0" + exif}
    given = {name: value for name, value in options.items() if value}
    Image.fromarray(_rgb(pixels)).save(out, form.name.upper(), quality=quality, **given)
    return out.getvalue()


def _with_chunks(png: bytes, profile: bytes | None, exif: bytes | None) -> bytes:
    """Put chunks behind the header of a PNG, where both are allowed (PNG 3, 5.6)."""
    chunks = b""
    if profile is not None:
        chunks += _chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(profile))
    if exif is not None:
        chunks += _chunk(b"eXIf", exif)
    header = len(b"\x89PNG\r\n\x1a\n") + 12 + 13
    return png[:header] + chunks + png[header:]


def _chunk(kind: bytes, content: bytes) -> bytes:
    return (
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", zlib.crc32(kind + content))
    )


def _tiff(
    pixels: npt.NDArray[np.uint8 | np.uint16], profile: bytes | None, exif: bytes | None
) -> bytes:
    """Write one strip, Deflate with horizontal differences (TIFF 6.0, sections 8 and 14)."""
    planes = np.atleast_3d(_rgb(pixels))
    height, width, channels = planes.shape
    differences = planes.copy()
    differences[:, 1:] -= planes[:, :-1]  # wraps around, as it shall
    little = differences.astype(planes.dtype.newbyteorder("<"), copy=False)
    strip = zlib.compress(little.tobytes(), 6)
    directory = TiffImagePlugin.ImageFileDirectory_v2()
    if exif is not None:
        block = exif_block(exif)
        for tag in block:
            directory[tag] = block.get_ifd(tag) or block[tag]
    directory[TiffImagePlugin.IMAGEWIDTH] = width
    directory[TiffImagePlugin.IMAGELENGTH] = height
    directory[TiffImagePlugin.BITSPERSAMPLE] = (8 * planes.itemsize,) * channels
    directory[TiffImagePlugin.COMPRESSION] = 8
    directory[TiffImagePlugin.PHOTOMETRIC_INTERPRETATION] = 1 if channels == 1 else 2
    directory[TiffImagePlugin.STRIPOFFSETS] = 0  # Pillow makes it the end of the directory
    directory[TiffImagePlugin.SAMPLESPERPIXEL] = channels
    directory[TiffImagePlugin.ROWSPERSTRIP] = height
    directory[TiffImagePlugin.STRIPBYTECOUNTS] = len(strip)
    directory[TiffImagePlugin.PLANAR_CONFIGURATION] = 1
    directory[TiffImagePlugin.PREDICTOR] = 2
    if channels == 4:
        directory[TiffImagePlugin.EXTRASAMPLES] = 2  # alpha that is not multiplied in
    if profile is not None:
        directory[TiffImagePlugin.ICCPROFILE] = profile
    out = io.BytesIO()
    directory.save(out)
    out.write(strip)
    return out.getvalue()


def _rgb(pixels: npt.NDArray[np.uint8 | np.uint16]) -> npt.NDArray[np.uint8 | np.uint16]:
    """Turn BGR(A) into RGB(A); grey stays."""
    if pixels.ndim == 2:
        return np.ascontiguousarray(pixels)
    code = cv2.COLOR_BGR2RGB if pixels.shape[2] == 3 else cv2.COLOR_BGRA2RGBA
    return cv2.cvtColor(pixels, code).astype(pixels.dtype, copy=False)
