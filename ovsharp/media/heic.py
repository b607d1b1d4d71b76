"""HEIC, by pillow-heif: an extra, for the package brings its own codecs."""

from __future__ import annotations

import io
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from ovsharp.extras import need
from ovsharp.media.picture import Picture, Plane

_BRANDS = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"hevm")
_ANY = (b"mif1", b"msf1")
"""Brands that AVIF files may have as well."""
_SAMPLING = (444, 422, 420)
_MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
_PHONES = 10
"""Bits that readers of deep HEIC all know."""


def is_heic(head: bytes) -> bool:
    """Tell by the first 64 bytes of a file."""
    brand = head[8:12] if head[4:8] == b"ftyp" else b""
    return brand in _BRANDS or (brand in _ANY and b"avi" not in head[:64])


def learn_heic() -> None:
    """Teach Pillow the format.

    Raises:
        MissingExtraError: pillow-heif is not installed.
    """
    need("pillow_heif", extra="heic")
    import pillow_heif

    pillow_heif.register_heif_opener()


def read_deep_heic(file: BinaryIO, bits: int) -> npt.NDArray[np.uint16]:
    """Decode more than 8 bits to 16: H x W x channels, RGB(A); upright."""
    import pillow_heif

    file.seek(0)
    image = pillow_heif.open_heif(file, convert_hdr_to_8bit=False)
    high: npt.NDArray[np.uint16] = np.atleast_3d(np.array(image, np.uint16))
    high |= high >> bits  # its bits are the upper ones
    return high


def encode_heic(rgb: Plane, picture: Picture, quality: int) -> bytes:
    """Encode H x W, or H x W x 2, 3 or 4: grey, grey and alpha, RGB or RGBA."""
    import pillow_heif

    height, width = rgb.shape[:2]
    channels = 1 if rgb.ndim == 2 else rgb.shape[2]
    deep = rgb.dtype == np.uint16
    origin = picture.origin
    options: dict[str, Any] = {"quality": quality, "chroma": _SAMPLING[origin.heic_sampling]}
    if deep:
        options["bit_depth"] = origin.bits if origin.bits < 16 else _PHONES
    if b"cICP" in origin.colour:
        primaries, transfer = origin.colour[b"cICP"][:2]
        options |= {"color_primaries": primaries, "transfer_characteristics": transfer}
    said = {
        "icc_profile": picture.profile,
        "exif": picture.exif and b"Exif\0\0" + picture.exif,
        "xmp": origin.xmp,
    }
    out = io.BytesIO()
    pillow_heif.encode(
        _MODES[channels] + (";16" if deep else ""),
        (width, height),
        rgb.tobytes(),
        out,
        **options,
        **{name: value for name, value in said.items() if value},
    )
    return out.getvalue()
