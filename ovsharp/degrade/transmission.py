"""What packet loss does: blocks and slices that never arrived, filled by a decoder's guess.

A decoder that misses macroblocks shows what stood there in the frame before. The frame before is
imagined here as the same picture, moved by some pixels.
"""

from __future__ import annotations

import numpy as np

from ovsharp.media import Frame

MACROBLOCK = 16
"""Side of the blocks that H.264 and VP8 code, in pixels."""


def lost_blocks(
    image: Frame, rng: np.random.Generator, *, share: float = 0.02, shift: int = 4
) -> Frame:
    """Replace a `share` of the 16x16 blocks by the picture as it was, up to `shift` pixels off."""
    rows, columns = _blocks(image)
    return _conceal(image, rng, rng.random((rows, columns)) < share, shift)


def lost_slices(
    image: Frame, rng: np.random.Generator, *, share: float = 0.05, shift: int = 4
) -> Frame:
    """Replace a `share` of the rows of blocks, each from a random column to its right end."""
    rows, columns = _blocks(image)
    start = rng.integers(columns, size=(rows, 1))
    lost = (rng.random((rows, 1)) < share) & (np.arange(columns) >= start)
    return _conceal(image, rng, lost, shift)


def _blocks(image: Frame) -> tuple[int, int]:
    return -(-image.shape[0] // MACROBLOCK), -(-image.shape[1] // MACROBLOCK)


def _conceal(image: Frame, rng: np.random.Generator, lost: np.ndarray, shift: int) -> Frame:
    down, right = (int(pixels) for pixels in rng.integers(-shift, shift + 1, size=2))
    height, width = image.shape[:2]
    rows = np.clip(np.arange(height) - down, 0, height - 1)
    columns = np.clip(np.arange(width) - right, 0, width - 1)
    before = image[rows][:, columns]
    mask = np.repeat(np.repeat(lost, MACROBLOCK, 0), MACROBLOCK, 1)[:height, :width, None]
    return np.where(mask, before, image)
