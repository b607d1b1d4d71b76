"""Image files: read as a frame, written back in the depth, colour and transparency they had.

Networks work on 8-bit colour frames. What an image file has beyond that is never guessed and
never lost in silence: a `Picture` keeps it, and `write_picture` puts it back.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from ovsharp.errors import MediaError
from ovsharp.files import staged

Frame = npt.NDArray[np.uint8]
Plane = npt.NDArray[np.uint8 | np.uint16]

MAX_PIXELS = 150_000_000
"""Larger images are refused before they are decoded: a small file can claim any size."""

_READABLE = ("PNG", "JPEG", "WEBP", "TIFF", "BMP")
_EXIF_ORIENTATION = 0x0112


@dataclass(frozen=True)
class _Format:
    name: str
    deep: bool
    """Holds 16 bits."""
    alpha: bool
    parameters: tuple[int, ...] = ()


_PNG = _Format("PNG", deep=True, alpha=True)
_JPEG = _Format("JPEG", deep=False, alpha=False, parameters=(cv2.IMWRITE_JPEG_QUALITY, 95))
_WEBP = _Format("WebP", deep=False, alpha=True, parameters=(cv2.IMWRITE_WEBP_QUALITY, 95))
_TIFF = _Format("TIFF", deep=True, alpha=True)
_BMP = _Format("BMP", deep=False, alpha=True)
_FORMATS = {
    ".png": _PNG,
    ".jpg": _JPEG,
    ".jpeg": _JPEG,
    ".webp": _WEBP,
    ".tif": _TIFF,
    ".tiff": _TIFF,
    ".bmp": _BMP,
}
IMAGE_ENDINGS = tuple(_FORMATS)
"""What can be written, and what is taken for an image inside folders and globs."""


@dataclass(frozen=True, eq=False)
class Picture:
    """An upright image as its file has it."""

    pixels: Plane
    """uint8 or uint16; H x W if grey, else H x W x 3 BGR."""
    alpha: Plane | None = None
    """H x W, of the same depth as `pixels`; None if the image has no transparency."""

    @property
    def grey(self) -> bool:
        """Whether the image has one channel."""
        return self.pixels.ndim == 2

    @property
    def depth(self) -> int:
        """Bits per channel, 8 or 16."""
        return 8 * self.pixels.itemsize

    @cached_property
    def frame(self) -> Frame:
        """What a network sees: uint8 H x W x 3 BGR, without alpha, 16 bits rounded to 8."""
        pixels = _to_8_bits(self.pixels)
        return np.repeat(pixels[..., None], 3, axis=2) if self.grey else pixels

    def sharpened(self, frame: Frame) -> Picture:
        """Give the picture that a network's output makes of this one.

        Grey stays grey (the output's luma), alpha is kept (enlarged bicubically with the
        frame). A network works on 8 bits, so what a 16-bit picture gets is the network's
        *correction*, `pixels + 257 * (frame - self.frame)`, clamped: whatever the network leaves
        alone keeps all of its 16 bits. Where the frame is larger than the picture, the
        bicubically enlarged picture takes its place in that formula.

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
        alpha = None if self.alpha is None else _enlarge(self.alpha, scale)
        pixels = _luma(frame) if self.grey else frame
        if self.depth == 8:
            return Picture(pixels, alpha)
        original = _enlarge(self.pixels, scale)
        correction = pixels.astype(np.int32) - _to_8_bits(original)
        return Picture(np.clip(original + 257 * correction, 0, 65535).astype(np.uint16), alpha)


def read_picture(path: str | Path) -> Picture:
    """Read an image file: PNG, JPEG, WebP, TIFF or BMP by its content, whatever its name.

    The picture is upright: an EXIF orientation has been applied. Palettes and CMYK become BGR. Of
    an animation or a TIFF with several pages the first picture is read. Metadata and colour
    profiles are not.

    Raises:
        MediaError: no such image, a damaged or truncated one, one with more than `MAX_PIXELS`
            pixels, or one with other channels than grey or colour and alpha of 8 or 16 bits.
        OSError: the file is missing or cannot be read.
    """
    with Path(path).open("rb") as file:
        header = _read_header(path, file)
        file.seek(0)
        decoded = _decode(file.read())
    if decoded is None:
        raise MediaError(f"{path} is a {header.format} image that is damaged or truncated")
    expected = (4,) if header.alpha else (1, 3)
    if (
        decoded.dtype not in (np.uint8, np.uint16)
        or decoded.shape[2] not in expected
        or header.mode == "LAB"
    ):
        raise MediaError(
            f"{path} is a {header.format} image of a kind that OpenCV cannot read ({header.mode}, "
            f"{decoded.dtype}): expected grey or RGB, with or without alpha, of 8 or 16 bits"
        )
    if header.format != "TIFF":  # OpenCV turns TIFF images itself, and no others in this mode
        decoded = _upright(decoded, header.orientation)
    grey = decoded.shape[2] == 1 or header.mode == "LA"
    alpha = decoded[..., 3].copy() if header.alpha else None
    return Picture((decoded[..., 0] if grey else decoded[..., :3]).copy(), alpha)


def read_frame(path: str | Path) -> Frame:
    """Read an image file as a frame: uint8 H x W x 3 BGR.

    Grey becomes three equal channels, alpha is dropped, 16 bits are rounded to 8.

    Raises:
        MediaError: as `read_picture`.
        OSError: the file is missing or cannot be read.
    """
    return read_picture(path).frame


def write_picture(
    path: str | Path, frame: Frame, like: Picture | None = None, *, reduce: bool = False
) -> None:
    """Write an image file, complete or not at all, in the format that its ending names.

    JPEG and WebP are written with quality 95, the others without loss. WebP has no grey: grey
    becomes three equal channels there, as does grey with alpha in every format.

    Args:
        path: ends in one of `IMAGE_ENDINGS`; its folder is made if it does not exist.
        frame: uint8, H x W x 3, BGR.
        like: the picture that the frame was made from: its greyness, alpha and 16 bits are
            kept as `Picture.sharpened` says.
        reduce: drop alpha and round 16 bits to 8 where the format cannot hold them.

    Raises:
        MediaError: an unknown ending, a format that cannot hold alpha or 16 bits without
            `reduce`, or a picture too large for the format.
        OSError: the file cannot be written.
    """
    path = Path(path)
    file_format = _format_of(path)
    picture = Picture(frame) if like is None else like.sharpened(frame)
    if not reduce:
        _check_fits(path, file_format, picture)
    data = _encode(path, file_format, _packed(file_format, picture))
    with staged(path.parent) as staging:
        (staging / path.name).write_bytes(data)


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
    before = _to_8_bits(_enlarge(before, height // before.shape[0]))
    return np.hstack([before, np.full((height, 4, 3), 255, np.uint8), after])


@dataclass(frozen=True)
class _Header:
    format: str
    mode: str
    """As Pillow calls it: L, LA, RGB, RGBA, ..."""
    alpha: bool
    orientation: int


def _read_header(path: str | Path, file: BinaryIO) -> _Header:
    """Learn what OpenCV does not tell, and the size, before the file is read and decoded."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what Pillow minds in a header, decoding judges
            with Image.open(file, formats=_READABLE) as image:
                width, height = image.size
                if width * height > MAX_PIXELS:
                    raise _too_large(path, f" with {width}x{height} pixels")
                return _Header(
                    format=str(image.format),
                    mode=image.mode,
                    alpha="A" in image.getbands() or "transparency" in image.info,
                    # Not image.getexif(): for a PNG that decodes all pixels.
                    orientation=Image.Image.getexif(image).get(_EXIF_ORIENTATION, 1),
                )
    except Image.DecompressionBombError as error:
        raise _too_large(path) from error
    except (OSError, ValueError, SyntaxError, TypeError) as error:
        raise MediaError(
            f"{path} is no image that ovsharp reads, or it is damaged: expected "
            f"{', '.join(_READABLE)}"
        ) from error


def _too_large(path: str | Path, size: str = "") -> MediaError:
    return MediaError(
        f"{path} is too large{size}: expected at most {MAX_PIXELS // 1_000_000} megapixels"
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep OpenCV from writing to stderr what is raised as an error anyway."""
    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        cv2.utils.logging.setLogLevel(level)


def _decode(data: bytes) -> Plane | None:
    """Decode as stored, H x W x channels; None for damaged data."""
    try:
        with _quiet():
            decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        return None
    if decoded is None:
        return None
    return np.atleast_3d(decoded).astype(decoded.dtype, copy=False)


def _upright(pixels: Plane, orientation: int) -> Plane:
    """Turn an image as its EXIF orientation (1..8) says; other values are taken for 1."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)


def _to_8_bits(values: Plane) -> Frame:
    if values.itemsize == 1:
        return values.astype(np.uint8, copy=False)
    return ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)


def _enlarge(values: Plane, scale: int) -> Plane:
    if scale == 1:
        return values
    size = (values.shape[1] * scale, values.shape[0] * scale)
    enlarged = cv2.resize(values, size, interpolation=cv2.INTER_CUBIC)
    return enlarged.astype(values.dtype, copy=False)


def _luma(frame: Frame) -> Frame:
    return cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY).astype(np.uint8, copy=False)


def _format_of(path: Path) -> _Format:
    if path.suffix.lower() not in _FORMATS:
        raise MediaError(
            f"cannot tell the image format of {path.name or path}: expected a name ending in "
            f"{', '.join(_FORMATS)}"
        )
    return _FORMATS[path.suffix.lower()]


def _check_fits(path: Path, file_format: _Format, picture: Picture) -> None:
    lost = []
    if picture.alpha is not None and not file_format.alpha:
        lost.append("alpha")
    if picture.depth == 16 and not file_format.deep:
        lost.append("16 bits")
    if lost:
        raise MediaError(
            f"{path.name}: {file_format.name} cannot hold {' or '.join(lost)}; write a .png or "
            f".tif, or allow the loss with reduce"
        )


def _packed(file_format: _Format, picture: Picture) -> Plane:
    """Give the channels as one array, as far as the format holds them."""
    pixels, alpha = picture.pixels, picture.alpha
    if not file_format.deep:
        pixels, alpha = _to_8_bits(pixels), None if alpha is None else _to_8_bits(alpha)
    if alpha is None or not file_format.alpha:
        return pixels
    colour = [pixels] * 3 if picture.grey else [pixels]
    return np.dstack([*colour, alpha])


def _encode(path: Path, file_format: _Format, pixels: Plane) -> bytes:
    height, width = pixels.shape[:2]
    try:
        with _quiet():
            ok, data = cv2.imencode(path.suffix.lower(), pixels, file_format.parameters)
    except cv2.error:
        ok = False
    if not ok:
        raise MediaError(
            f"{path.name}: OpenCV cannot write {width}x{height} pixels as {file_format.name}; "
            f"try a .png or .tif"
        )
    return data.tobytes()
