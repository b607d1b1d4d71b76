"""From an image file to its pixels, grey or BGR, and alpha, as stored.

Pillow opens and decodes; 16 bits, which it would cut to 8, are left to OpenCV (PNG) and tifffile.
"""

from __future__ import annotations

import io
import logging
import lzma
import math
import struct
import warnings
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageCms, ImageFile, TiffImagePlugin

from ovsharp.errors import MediaError
from ovsharp.limits import MEGAPIXELS
from ovsharp.media.heic import is_heic, learn_heic, read_deep_heic
from ovsharp.media.metadata import Metadata, avif_bits, read_metadata, read_tiff_metadata
from ovsharp.media.opencv import decoded
from ovsharp.media.picture import Plane, colour_space, upright
from ovsharp.media.tiff import MULTIPLIED, MULTIPLIED_NOTE, NO_MEANING_NOTE, TiffPage, open_tiff

# What it finds wrong is raised as an error, or does no harm.
logging.getLogger("PIL").addHandler(logging.NullHandler())

_BYTES_A_PIXEL, _MORE_BYTES = 8, 64 << 20
"""Of the largest image without compression; larger files are refused before they are read."""

_READABLE = ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "AVIF")
_DAMAGED = (OSError, ValueError, SyntaxError, TypeError, EOFError, LookupError, RuntimeError,
            struct.error, zlib.error, lzma.LZMAError, ImageCms.PyCMSError)  # fmt: skip
"""What the libraries raise for damaged files."""
_ENDINGS = {
    "PNG": ".png",
    "JPEG": ".jpg",
    "MPO": ".jpg",
    "WEBP": ".webp",
    "TIFF": ".tif",
    "BMP": ".bmp",
    "DIB": ".bmp",
    "AVIF": ".avif",
    "HEIF": ".heic",
}
"""By Pillow's names; an MPO is a JPEG with more pictures behind it."""
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_DEEP = "I;16"
"""Pillow's name for 16 bits of grey; of colour it keeps 8."""


@dataclass(frozen=True)
class Decoded:
    """An image as its file has it, upright."""

    pixels: Plane
    """uint8 or uint16; H x W if grey, else H x W x 3 BGR."""
    alpha: Plane | None
    """H x W, not multiplied into `pixels`."""
    metadata: Metadata
    notes: list[str]
    """What was converted or left out."""


def decode(path: Path) -> Decoded:
    """Decode an image file by its content, whatever its name.

    Raises:
        MediaError: as `read_picture`.
        MissingExtraError: HEIC, without the extra that reads it.
        OSError: the file is missing or cannot be read.
    """
    with path.open("rb") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what Pillow minds, it raises, or it does no harm
        image = _opened(path, file)
        if image is None:
            return _decode_tiff(path, file, None)
        with image:
            if max(_tag(image, TiffImagePlugin.BITSPERSAMPLE)) > 8:
                return _decode_tiff(path, file, image)
            _check_size(path, *image.size)
            try:
                return _decode(path, image, file)
            except _DAMAGED as error:
                raise _damaged(path, image.format) from error


def ending_of(path: Path) -> str:
    """Tell the ending that a file should have by its content, e.g. `.jpg`.

    Raises:
        MediaError: no image that ovsharp reads.
        MissingExtraError: HEIC, without the extra that reads it.
        OSError: the file is missing or cannot be read.
    """
    with path.open("rb") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        image = _opened(path, file)
        return _ENDINGS["TIFF" if image is None else str(image.format)]


def picture_size(path: str | Path) -> tuple[int, int]:
    """Tell width and height of an image file by its header, as stored: before it is turned upright.

    Raises:
        MediaError: no image that ovsharp reads.
        MissingExtraError: HEIC, without the extra that reads it.
        OSError: the file is missing or cannot be read.
    """
    path = Path(path)
    with path.open("rb") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        image = _opened(path, file)
        if image is not None:
            return image.size
        try:
            page = open_tiff(file)
        except _DAMAGED as error:
            raise _no_image(path, b"") from error
        return page.width, page.height


def _opened(path: Path, file: BinaryIO) -> ImageFile.ImageFile | None:
    """Open an image by its header; None for a TIFF that Pillow does not know."""
    size = path.stat().st_size
    if size > _BYTES_A_PIXEL * 1e6 * MEGAPIXELS.value + _MORE_BYTES:
        raise _too_large(path, f", with {size / 1e9:.1f} GB")
    head = file.read(64)
    file.seek(0)
    heic = is_heic(head)
    if heic:
        learn_heic()
    try:
        return Image.open(file, formats=("HEIF",) if heic else _READABLE)
    except Image.DecompressionBombError as error:
        raise _too_large(path) from error
    except _DAMAGED as error:
        if head.startswith(_TIFF):
            return None
        raise _no_image(path, head) from error


def _decode(path: Path, image: ImageFile.ImageFile, file: BinaryIO) -> Decoded:
    """Decode what Pillow has opened."""
    pictures = int(getattr(image, "n_frames", 1))
    notes = [f"only the first of {pictures} pictures was read"] if pictures > 1 else []
    deep = ";16" in str(image.tile) if image.format == "PNG" else image.info.get("bit_depth", 8) > 8
    if not deep:
        image.load()  # turns a TIFF upright, by what its metadata says
    metadata = read_metadata(image, file)
    extras = _tag(image, TiffImagePlugin.EXTRASAMPLES)
    if image.format == "AVIF" and avif_bits(file) > 8:
        notes.append(f"{avif_bits(file)} bits per channel were read as 8")
    if MULTIPLIED in extras:
        notes.append(MULTIPLIED_NOTE)
    if 0 in extras:
        notes.append(NO_MEANING_NOTE)
    if image.mode == "CMYK":
        pixels, alpha = _bgr_of_cmyk(image, metadata.profile), None
        how = "without a profile" if metadata.profile is None else "by its profile"
        notes.append(f"CMYK was converted to sRGB {how}")
        metadata = metadata.without_profile()
    elif deep and image.format == "PNG":
        pixels, alpha = _deep_png(image, file)
    elif deep:
        stored = read_deep_heic(file, metadata.origin.bits)
        pixels, alpha = _apart(
            stored[..., [2, 1, 0, 3][: stored.shape[2]]] if stored.shape[2] > 2 else stored
        )
    elif image.mode in ("I", "F", "LAB", _DEEP):
        raise _unknown_kind(path, f"{image.format} image", image.mode)
    else:
        pixels, alpha = _planes(image)
    if image.format not in ("TIFF", "HEIF"):  # which come upright
        pixels = upright(pixels, metadata.orientation)
        alpha = None if alpha is None else upright(alpha, metadata.orientation)
    return Decoded(pixels, alpha, *_with_its_profile(metadata, pixels, notes))


def _decode_tiff(path: Path, file: BinaryIO, image: Image.Image | None) -> Decoded:
    """Decode a TIFF of 16 bits, or one that Pillow could not open."""
    try:
        page: TiffPage = open_tiff(file)
    except _DAMAGED as error:
        raise _no_image(path, b"") from error
    _check_size(path, page.width, page.height)
    if not page.known:
        raise _unknown_kind(path, "TIFF image", page.kind)
    try:
        pixels, alpha, notes = page.read()
        if image is None:
            metadata = read_tiff_metadata(file, page.profile)
        else:
            metadata = read_metadata(image, file)
    except _DAMAGED as error:
        raise _damaged(path, "TIFF") from error
    if page.pictures > 1:
        notes.append(f"only the first of {page.pictures} pictures was read")
    return Decoded(pixels, alpha, *_with_its_profile(metadata, pixels, notes))


def _tag(image: Image.Image, tag: int) -> tuple[int, ...]:
    """Give the values of a TIFF's tag; -1 where it has none, or is no TIFF."""
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        return tuple(image.tag_v2.get(tag, (-1,)))
    return (-1,)


def _planes(image: Image.Image) -> tuple[Plane, Plane | None]:
    """Give 8 bits or fewer as Pillow has decoded them."""
    grey = image.mode in ("1", "L", "LA", "La")
    if image.has_transparency_data:
        stored = np.asarray(image.convert("LA" if grey else "RGBA"))
    else:
        stored = np.atleast_3d(np.asarray(image.convert("L" if grey else "RGB")))
    return _apart(stored if grey else stored[..., [2, 1, 0, 3][: stored.shape[2]]])


def _deep_png(image: Image.Image, file: BinaryIO) -> tuple[Plane, Plane | None]:
    """Decode 16 bits by OpenCV."""
    image.verify()  # OpenCV would take whatever memory a damaged chunk claims
    file.seek(0)
    pixels, alpha = _apart(decoded(file.read()))
    if image.mode == "LA":  # which OpenCV gives as colour
        pixels = pixels[..., 0].copy()
    transparent = image.info.get("transparency")
    if pixels.ndim == 2 and isinstance(transparent, int):
        alpha = np.where(pixels == transparent, 0, 65535).astype(np.uint16)
    return pixels, alpha


def _apart(stored: Plane) -> tuple[Plane, Plane | None]:
    """Part H x W x 1..4 into grey or colour, and alpha."""
    channels = stored.shape[2]
    alpha = stored[..., -1].copy() if channels in (2, 4) else None
    pixels = stored[..., 0] if channels < 3 else stored[..., :3]
    return np.ascontiguousarray(pixels), alpha


def _bgr_of_cmyk(image: Image.Image, profile: bytes | None) -> Plane:
    """Convert by the profile; without one, as if inks were ideal."""
    if profile is None:
        rgb: Image.Image | None = image.convert("RGB")
    else:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        target = ImageCms.createProfile("sRGB")
        rgb = ImageCms.profileToProfile(image, source, target, outputMode="RGB")
    return np.ascontiguousarray(np.asarray(rgb)[..., ::-1])


def _with_its_profile(
    metadata: Metadata, pixels: Plane, notes: list[str]
) -> tuple[Metadata, list[str]]:
    """Keep a colour profile only with colours that it describes."""
    notes = [*metadata.notes, *notes]
    space = "RGB" if metadata.profile is None else colour_space(metadata.profile)
    if space == "RGB" or (space == "GRAY" and pixels.ndim == 2):
        return metadata, notes
    return metadata.without_profile(), [
        *notes, f"its colour profile is for {space} and was left out"
    ]  # fmt: skip


def _check_size(path: Path, width: int, height: int) -> None:
    if width * height > 1e6 * MEGAPIXELS.value:
        raise _too_large(path, f" with {width}x{height} pixels")


def _too_large(path: Path, size: str = "") -> MediaError:
    # Pillow, which reads it, has a limit of its own.
    most = min(MEGAPIXELS.value, 2e-6 * (Image.MAX_IMAGE_PIXELS or math.inf))
    return MediaError(
        f"{path} is too large{size}: expected at most {most:g} megapixels ({MEGAPIXELS.variable})"
    )


def _damaged(path: Path, kind: str | None) -> MediaError:
    return MediaError(f"{path} is a {kind} image that is damaged or truncated")


def _unknown_kind(path: Path, what: str, kind: str) -> MediaError:
    return MediaError(
        f"{path} is a {what} of a kind that ovsharp does not read ({kind}): expected grey or RGB, "
        f"with or without alpha, of 8 or 16 bits"
    )


def _no_image(path: Path, head: bytes) -> MediaError:
    return MediaError(
        f"{path} is no image that ovsharp reads, or it is damaged: {_content(head)}expected "
        f"{', '.join(_READABLE)} or HEIC"
    )


def _content(head: bytes) -> str:
    """Say what a file is that cannot be read."""
    if not head:
        return "the file is empty; "
    kinds = {
        b"GIF8": "GIF",
        b"%PDF": "PDF",
        b"<svg": "SVG",
        b"8BPS": "PSD",
        b"\0\0\0\x0c": "JPEG XL or JPEG 2000",
    }
    kind = "JPEG XL" if head[:2] == b"\xff\x0a" else kinds.get(head[:4])
    return f"it is {kind}; " if kind else ""
