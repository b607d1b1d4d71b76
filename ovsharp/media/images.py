"""Image files: read as a frame, written back in the depth, colour and transparency they had.

Networks work on 8-bit colour frames. What an image file has beyond that is never guessed and
never lost in silence: a `Picture` keeps it, and `write_picture` puts it back.
"""

from __future__ import annotations

import dataclasses
import io
import warnings
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms

from ovsharp.errors import MediaError
from ovsharp.files import staged
from ovsharp.media.formats import QUALITY, Format, encode, format_of, quiet
from ovsharp.media.metadata import Metadata, colour_space, fitted, read_metadata

Frame = npt.NDArray[np.uint8]
Plane = npt.NDArray[np.uint8 | np.uint16]

MAX_PIXELS = 150_000_000
"""Larger images are refused before they are decoded: a small file can claim any size."""

_READABLE = ("PNG", "JPEG", "WEBP", "TIFF", "BMP")
_PROFILE, _EXIF = "this colour profile", "this EXIF"
_JPEG_SEGMENT = 65_000


@dataclass(frozen=True, eq=False)
class Picture:
    """An upright image as its file has it."""

    pixels: Plane
    """uint8 or uint16; H x W if grey, else H x W x 3 BGR."""
    alpha: Plane | None = None
    """H x W, of the same depth as `pixels`; None if the image has no transparency."""
    profile: bytes | None = None
    """ICC profile that says what the colours mean; None for sRGB, or where nothing is said."""
    exif: bytes | None = None
    """EXIF as a TIFF structure, without orientation and thumbnail; None if there is none."""
    notes: tuple[str, ...] = ()
    """What was converted or left out when it was read, a sentence each."""

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
        bicubically enlarged picture takes its place in that formula. Colour profile and EXIF are
        kept.

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
            return dataclasses.replace(self, pixels=pixels, alpha=alpha)
        original = _enlarge(self.pixels, scale)
        correction = pixels.astype(np.int32) - _to_8_bits(original)
        deep = np.clip(original + 257 * correction, 0, 65535).astype(np.uint16)
        return dataclasses.replace(self, pixels=deep, alpha=alpha)

    def beside(self, frame: Frame) -> Picture:
        """Give this picture and a network's output side by side: 8 bits, colour, no alpha."""
        profile = self.profile if self.profile and colour_space(self.profile) == "RGB" else None
        return Picture(side_by_side(self.frame, frame), profile=profile, notes=self.notes)


def read_picture(path: str | Path) -> Picture:
    """Read an image file: PNG, JPEG, WebP, TIFF or BMP by its content, whatever its name.

    The picture is upright: an EXIF orientation has been applied, and is no longer in its EXIF.
    Palettes become BGR, and so does CMYK, by its colour profile where it has one. Of an animation
    or a TIFF with several pages the first picture is read; `Picture.notes` says so.

    Raises:
        MediaError: no such image, a damaged or truncated one, one with more than `MAX_PIXELS`
            pixels, or one with other channels than grey or colour and alpha of 8 or 16 bits.
        OSError: the file is missing or cannot be read.
    """
    with Path(path).open("rb") as file:
        header = _read_header(path, file)
        file.seek(0)
        cmyk = header.mode == "CMYK" and header.metadata.profile is not None
        decoded = _decode_cmyk(file, header.metadata) if cmyk else _decode(file.read())
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
    # OpenCV turns TIFF images itself, and no others in this mode.
    if cmyk or header.format != "TIFF":
        decoded = _upright(decoded, header.metadata.orientation)
    grey = decoded.shape[2] == 1 or header.mode == "LA"
    alpha = decoded[..., 3].copy() if header.alpha else None
    pixels = (decoded[..., 0] if grey else decoded[..., :3]).copy()
    profile, notes = _usable(header, pixels)
    return Picture(pixels, alpha, profile, header.metadata.exif, notes)


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
    quality: int = QUALITY,
) -> None:
    """Write an image file, complete or not at all, in the format that its ending names.

    PNG, TIFF and BMP are written without loss. WebP has no grey: grey becomes three equal
    channels there, as does grey with alpha in every format.

    Args:
        path: ends in one of `IMAGE_ENDINGS`; its folder is made if it does not exist.
        frame: uint8, H x W x 3, BGR; or a picture, which is written as it is.
        like: the picture that the frame was made from: its greyness, alpha, 16 bits, colour
            profile and EXIF are kept as `Picture.sharpened` says.
        reduce: drop alpha, 16 bits, colour profile and EXIF where the format cannot hold them.
        quality: 1..100, of JPEG and WebP.

    Raises:
        MediaError: an unknown ending, a format that cannot hold what the picture has without
            `reduce`, or a picture too large for the format.
        OSError: the file cannot be written.
    """
    path = Path(path)
    form = format_of(path)
    if not isinstance(frame, Picture):
        frame = Picture(frame) if like is None else like.sharpened(frame)
    pixels = _packed(form, frame)
    lost = _lost(form, frame, pixels)
    if lost and not reduce:
        raise MediaError(
            f"{path.name}: {form.name} cannot hold {' or '.join(lost)}; write a .png or "
            f".tif, or allow the loss with reduce"
        )
    height, width = pixels.shape[:2]
    data = encode(
        path,
        pixels,
        profile=None if _PROFILE in lost else frame.profile,
        exif=None if frame.exif is None or _EXIF in lost else fitted(frame.exif, width, height),
        quality=quality,
    )
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
    metadata: Metadata
    pictures: int
    """More than one in an animation, or a TIFF of several pages."""


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
                    metadata=read_metadata(image),
                    pictures=int(getattr(image, "n_frames", 1)),
                )
    except Image.DecompressionBombError as error:
        raise _too_large(path) from error
    except (OSError, ValueError, SyntaxError, TypeError) as error:
        raise MediaError(
            f"{path} is no image that ovsharp reads, or it is damaged: {_content(file)}expected "
            f"{', '.join(_READABLE)}"
        ) from error


def _content(file: BinaryIO) -> str:
    """Say what a file is that cannot be read."""
    file.seek(0)
    head = file.read(32)
    if not head:
        return "the file is empty; "
    if head[4:12] in (b"ftypheic", b"ftypheix", b"ftypmif1"):
        return "it is HEIC, save it as JPEG first; "
    kinds = {b"GIF8": "GIF", b"%PDF": "PDF", b"<svg": "SVG", b"8BPS": "PSD"}
    kind = kinds.get(head[:4]) or ("AVIF" if head[4:12] == b"ftypavif" else None)
    return f"it is {kind}; " if kind else ""


def _usable(header: _Header, pixels: Plane) -> tuple[bytes | None, tuple[str, ...]]:
    """Give the colour profile, if it describes these pixels, and notes on what is left out."""
    profile, notes = header.metadata.profile, list(header.metadata.notes)
    if header.pictures > 1:
        notes.append(f"only the first of {header.pictures} pictures was read")
    space = "RGB" if profile is None else colour_space(profile)
    if header.mode == "CMYK":
        how = "without a profile" if profile is None else "by its profile"
        notes.append(f"CMYK was converted to sRGB {how}")
        profile = None
    elif space not in ("RGB", "GRAY") or (space == "GRAY" and pixels.ndim == 3):
        notes.append(f"its colour profile is for {space} and was left out")
        profile = None
    return profile, tuple(notes)


def _too_large(path: str | Path, size: str = "") -> MediaError:
    return MediaError(
        f"{path} is too large{size}: expected at most {MAX_PIXELS // 1_000_000} megapixels"
    )


def _decode_cmyk(file: BinaryIO, metadata: Metadata) -> Plane | None:
    """Decode CMYK to BGR by its profile, H x W x 3; None for damaged data or profile."""
    try:
        with Image.open(file, formats=_READABLE) as image:
            source = ImageCms.ImageCmsProfile(io.BytesIO(metadata.profile or b""))
            target = ImageCms.createProfile("sRGB")
            rgb = ImageCms.profileToProfile(image, source, target, outputMode="RGB")
    except (OSError, ValueError, SyntaxError, ImageCms.PyCMSError):
        return None
    return None if rgb is None else np.asarray(rgb)[..., ::-1]


def _decode(data: bytes) -> Plane | None:
    """Decode as stored, H x W x channels; None for damaged data."""
    try:
        with quiet():
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


def _lost(form: Format, picture: Picture, pixels: Plane) -> list[str]:
    """Name what a format cannot hold of a picture."""
    profile, exif = picture.profile, picture.exif
    grey_only = profile is not None and colour_space(profile) == "GRAY"
    has = {
        "alpha": picture.alpha is not None and not form.alpha,
        "16 bits": picture.depth == 16 and not form.deep,
        _PROFILE: profile is not None
        and (not form.metadata or (grey_only and (pixels.ndim == 3 or form.name == "WebP"))),
        # A JPEG keeps it in one segment.
        _EXIF: exif is not None
        and (not form.metadata or (form.name == "JPEG" and len(exif) > _JPEG_SEGMENT)),
    }
    return [name for name, lost in has.items() if lost]


def _packed(form: Format, picture: Picture) -> Plane:
    """Give the channels as one array, as far as the format holds them."""
    pixels, alpha = picture.pixels, picture.alpha
    if not form.deep:
        pixels, alpha = _to_8_bits(pixels), None if alpha is None else _to_8_bits(alpha)
    if alpha is None or not form.alpha:
        return pixels
    colour = [pixels] * 3 if picture.grey else [pixels]
    return np.dstack([*colour, alpha])
