"""Image files: read as a picture, written back in the depth, colour and transparency they had."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from ovsharp.errors import MediaError
from ovsharp.files import staged
from ovsharp.media.decoding import decode
from ovsharp.media.formats import Format, encode, format_of, jpeg_quality
from ovsharp.media.metadata import fitted
from ovsharp.media.picture import Frame, Picture, Plane, colour_space, to_8_bits

_PROFILE, _EXIF, _XMP = "this colour profile", "this EXIF", "this XMP"
_COLOUR = "its colours, which a PNG describes without a profile (gAMA, cHRM, cICP)"
_POOR = 80
"""JPEG quality below which it is said that the source's was kept."""
_SRGB = {
    b"gAMA": (b"\0\0\xb1\x8f",),
    b"cHRM": (bytes.fromhex("00007a26000080840000fa00000080e8000075300000ea6000003a9800001770"),),
    b"cICP": (bytes((1, 13, 0, 1)),),
}
"""What says no more than that the colours are sRGB (PNG 3, 11.3.2.5)."""


def read_picture(path: str | Path) -> Picture:
    """Read an image file: PNG, JPEG, WebP, TIFF, BMP, AVIF or HEIC, by its content.

    The picture is upright: an EXIF orientation has been applied, and is no longer in its EXIF.
    Palettes become BGR, and so does CMYK, by its colour profile where it has one. Of an animation
    or a TIFF with several pages the first picture is read; `Picture.notes` says so.

    Raises:
        MediaError: no such image, a damaged or truncated one, one with more pixels than
            `MEGAPIXELS`, or one with other channels than grey or colour and alpha of 8 or 16 bits.
        MissingExtraError: HEIC, without the extra that reads it.
        OSError: the file is missing or cannot be read.
    """
    image = decode(Path(path))
    said = image.metadata
    return Picture(
        image.pixels, image.alpha, said.profile, said.exif, tuple(image.notes), said.origin
    )


def read_frame(path: str | Path) -> Frame:
    """Read an image file as a frame: uint8 H x W x 3 BGR.

    Grey becomes three equal channels, alpha is dropped, 16 bits are rounded to 8.

    Raises:
        MediaError: as `read_picture`.
        OSError: the file is missing or cannot be read.
    """
    return read_picture(path).frame


def write_picture(
    path: str | Path,
    frame: Frame | Picture,
    like: Picture | None = None,
    *,
    reduce: bool = False,
    quality: int | None = None,
) -> tuple[str, ...]:
    """Write an image file, complete or not at all, in the format that its ending names.

    PNG, TIFF and BMP are written without loss, and so is WebP if the picture's own file was. A
    JPEG that comes from a JPEG gets its quantization tables and its sampling of colours, any
    other is 4:4:4; so is AVIF, while HEIC is 4:2:0 but from a HEIC with more. Grey with alpha
    becomes colour in all but 8-bit PNG and TIFF, and so does grey in WebP.

    Args:
        path: ends in one of `IMAGE_ENDINGS`; its folder is made if it does not exist.
        frame: uint8, H x W x 3, BGR; or a picture, which is written as it is.
        like: the picture that the frame was made from: its greyness, alpha, 16 bits, colour
            profile and EXIF are kept as `Picture.sharpened` says.
        reduce: drop alpha, 16 bits, colour profile and EXIF where the format cannot hold them.
        quality: 1..100, where there is loss; None for that of the picture's own file, else 95.

    Returns:
        What should be known of how it was written, a sentence each.

    Raises:
        MediaError: an unknown ending, a format that cannot hold what the picture has without
            `reduce`, or a picture too large for the format.
        MissingExtraError: HEIC, without the extra that writes it.
        OSError: the file cannot be written.
    """
    path = Path(path)
    form = format_of(path)
    if not isinstance(frame, Picture):
        frame = Picture(frame) if like is None else like.sharpened(frame)
    pixels = _packed(form, frame)
    lost = _lost(form, frame, pixels)
    if lost and not reduce:
        others = "a .png" if _COLOUR in lost else "a .png or .tif"
        raise MediaError(
            f"{path.name}: {form.name} cannot hold {' or '.join(lost)}; write {others}, or allow "
            f"the loss with reduce (--reduce)"
        )
    height, width = pixels.shape[:2]
    kept = replace(
        frame,
        profile=None if _PROFILE in lost else frame.profile,
        exif=None if frame.exif is None or _EXIF in lost else fitted(frame.exif, width, height),
        origin=replace(frame.origin, xmp=None) if _XMP in lost else frame.origin,
    )
    data = encode(path, pixels, kept, quality)
    with staged(path.parent) as staging:
        (staging / path.name).write_bytes(data)
    return _notes(form, frame, quality)


def _lost(form: Format, picture: Picture, pixels: Plane) -> list[str]:
    """Name what a format cannot hold of a picture."""
    profile, exif, xmp = picture.profile, picture.exif, picture.origin.xmp
    grey_only = profile is not None and colour_space(profile) == "GRAY"
    has = {
        "alpha": picture.alpha is not None and not form.alpha,
        f"{picture.bits} bits": picture.bits > form.bits,
        _PROFILE: profile is not None
        and (not form.metadata or (grey_only and (pixels.ndim == 3 or form.name == "WebP"))),
        _EXIF: exif is not None and (not form.metadata or len(exif) > form.segment),
        _XMP: xmp is not None and (not form.metadata or len(xmp) > form.segment),
        _COLOUR: _says_colour(picture) and not _holds_colour(form, picture),
    }
    return [name for name, lost in has.items() if lost]


def _says_colour(picture: Picture) -> bool:
    """Tell whether a PNG says of its colours what a profile does not, and what is not sRGB."""
    said = picture.origin.colour
    if b"cICP" in said:
        return said[b"cICP"] not in _SRGB[b"cICP"]
    if picture.profile is not None or b"sRGB" in said:
        return False
    return any(said[kind] not in _SRGB[kind] for kind in said)


def _holds_colour(form: Format, picture: Picture) -> bool:
    return form.name == "PNG" or (form.name == "HEIC" and b"cICP" in picture.origin.colour)


def _notes(form: Format, picture: Picture, quality: int | None) -> tuple[str, ...]:
    """Say what goes without asking."""
    origin = picture.origin
    notes = []
    if form.name == "JPEG" and origin.tables and quality is None and jpeg_quality(picture) < _POOR:
        notes.append(
            f"written with the JPEG quality of its source, {jpeg_quality(picture)}; "
            f"--encoder-quality 95 keeps more of what was made"
        )
    if origin.texts and form.name != "PNG":
        notes.append("the texts of a PNG were left out")
    if origin.iptc is not None and form.name != "JPEG":
        notes.append("IPTC was left out")
    return tuple(notes)


def _packed(form: Format, picture: Picture) -> Plane:
    """Give the channels as one array, as far as the format holds them."""
    pixels, alpha = picture.pixels, picture.alpha
    if form.bits == 8:
        pixels, alpha = to_8_bits(pixels), None if alpha is None else to_8_bits(alpha)
    return pixels if alpha is None or not form.alpha else np.dstack([pixels, alpha])
