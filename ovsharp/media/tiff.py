"""TIFF of 16 bits, or with channels that Pillow does not know: tifffile reads it."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import tifffile

from ovsharp.media.opencv import decoded
from ovsharp.media.picture import Plane, upright

# What it finds wrong is raised as an error, or does no harm.
logging.getLogger("tifffile").addHandler(logging.NullHandler())

_GREY = {0: True, 1: False}
"""Whether a photometric interpretation of grey means white by 0."""
_COLOUR = 2
MULTIPLIED, UNMULTIPLIED = 1, 2
"""Kinds of alpha: in the colours, or beside them (TIFF 6.0, ExtraSamples)."""
MULTIPLIED_NOTE = "alpha that was multiplied into the colours was taken out of them"
NO_MEANING_NOTE = "a channel to which the file gives no meaning was left out"


@dataclass(frozen=True)
class TiffPage:
    """The first picture of a TIFF file, not yet decoded."""

    file: BinaryIO
    width: int
    height: int
    pictures: int
    profile: bytes | None
    orientation: int
    kind: str
    """In words, for a message."""
    bits: int
    colours: int
    """Channels of grey or colour; 0 if the page is neither."""
    extras: tuple[int, ...]
    """What the channels behind them are."""
    white_is_zero: bool

    @property
    def known(self) -> bool:
        """Whether `read` decodes it."""
        return self.bits in (8, 16) and self.colours > 0

    def read(self) -> tuple[Plane, Plane | None, list[str]]:
        """Decode: grey or BGR, alpha (not multiplied in), notes; upright.

        Raises:
            ValueError: damaged, or a compression that neither library knows. Other errors of
                tifffile pass through.
        """
        stored = self._stored()
        top = np.iinfo(stored.dtype).max
        pixels = stored[..., [2, 1, 0]] if self.colours == 3 else stored[..., 0]
        if self.white_is_zero:
            pixels = top - pixels
        places = [i for i, kind in enumerate(self.extras) if kind in (MULTIPLIED, UNMULTIPLIED)]
        alpha = stored[..., self.colours + places[0]].copy() if places else None
        notes = []
        if alpha is not None and self.extras[places[0]] == MULTIPLIED:
            pixels = _divided(pixels, alpha)
            notes.append(MULTIPLIED_NOTE)
        if len(self.extras) > len(places[:1]):
            notes.append(NO_MEANING_NOTE)
        return np.ascontiguousarray(pixels), alpha, notes

    def _stored(self) -> Plane:
        """Give all channels, H x W x channels, RGB first."""
        self.file.seek(0)
        try:
            with tifffile.TiffFile(self.file) as tiff:
                page = tiff.pages.first
                stored = page.asarray()
                stored = np.moveaxis(stored, 0, 2) if page.axes == "SYX" else np.atleast_3d(stored)
        except ValueError as error:
            if "imagecodecs" not in str(error):  # what tifffile decompresses LZW and others with
                raise
            self.file.seek(0)
            stored = decoded(self.file.read())  # OpenCV turns a TIFF itself
            return stored[..., [2, 1, 0, 3][: stored.shape[2]]] if self.colours == 3 else stored
        if stored.dtype not in (np.uint8, np.uint16):
            raise ValueError(f"its values are {stored.dtype}")
        return upright(stored, self.orientation)


def open_tiff(file: BinaryIO) -> TiffPage:
    """Read the header of the first picture of a TIFF file.

    Raises:
        ValueError: no TIFF, or a damaged one. Other errors of tifffile pass through.
    """
    file.seek(0)
    with tifffile.TiffFile(file) as tiff:
        page = tiff.pages.first
        photometric, samples = int(page.photometric), int(page.samplesperpixel)
        colours = 3 if photometric == _COLOUR else 1 if photometric in _GREY else 0
        plain = page.axes in ("YX", "YXS", "SYX") and page.dtype in (np.uint8, np.uint16)
        extras = tuple(int(extra) for extra in page.extrasamples)
        missing = (samples - colours - len(extras)) * (0,)
        orientation = page.tags.get("Orientation")
        return TiffPage(
            file=file,
            width=int(page.imagewidth),
            height=int(page.imagelength),
            pictures=len(tiff.pages),
            profile=page.iccprofile,
            orientation=1 if orientation is None else int(orientation.value),
            kind=f"TIFF, {samples} x {page.bitspersample} bits, {page.photometric!s}",
            bits=int(page.bitspersample),
            colours=colours if plain and colours <= samples else 0,
            extras=extras + missing,
            white_is_zero=_GREY.get(photometric, False),
        )


def _divided(pixels: Plane, alpha: Plane) -> Plane:
    """Take alpha out of the colours that it was multiplied into."""
    top = np.iinfo(pixels.dtype).max
    by = np.maximum(alpha, 1).astype(np.float32)
    by = by if pixels.ndim == 2 else by[..., None]
    return np.minimum(np.rint(pixels * (top / by)), top).astype(pixels.dtype)
