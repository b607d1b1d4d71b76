"""How a frame is cut: into tiles where it is large, of a size that the model takes (`padding.py`).

Tiles of one static size overlap by the model's margin on both sides of each cut; what is kept of
a tile never saw the cut, so the result is the one of the whole frame, bit for bit in f32. The
last tile is shifted back into the frame instead of being ragged.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt

from ovsharp.errors import InferenceError, UsageError
from ovsharp.spec import ModelSpec

TILE_ABOVE = 9_000_000
"""Output pixels above which a frame is tiled; a 4K frame has 8.3 million."""
TILE_SIDE = 1024
"""Output pixels per side of an automatic tile."""
WHOLE_LIMIT = 36_000_000
"""Output pixels above which no model runs in one piece."""
STRIPES = 8
"""A stripe keeps this part of the rows: one size more is compiled, and small changes are cheap."""
STRIPES_PAY = 0.75
"""Share of a frame's rows above which stripes would not be faster than the whole."""
_BICUBIC = 2
"""Pixels around that the bicubic base of a model looks at."""


@dataclass(frozen=True)
class Tile:
    """One inference: where it reads, and what is kept of it. In pixels of the input."""

    top: int
    left: int
    keep_top: int
    keep_bottom: int
    keep_left: int
    keep_right: int


@dataclass(frozen=True)
class Plan:
    """How a frame goes through a model."""

    padded: tuple[int, int]
    """(height, width) that the frame is padded to."""
    size: tuple[int, int]
    """(height, width) of every tile."""
    tiles: tuple[Tile, ...]
    """One for a frame that goes through in one piece."""


def check_tile(tile: int | None, spec: ModelSpec) -> None:
    """Check a tile side that a user asked for.

    Raises:
        UsageError: the model cannot be tiled, or not with such small tiles.
    """
    if tile is None:
        return
    if spec.margin is None or spec.size is not None:
        raise UsageError(
            f"{spec.name} cannot be tiled: its output depends on the whole frame, or it takes "
            f"one size only; leave tile out"
        )
    smallest = 2 * _up(spec.margin, spec.multiple) + spec.multiple
    if tile < smallest:
        raise UsageError(
            f"tile {tile} is too small for {spec.name}, which looks {spec.margin} pixels around; "
            f"use {smallest} or more"
        )


def plan(height: int, width: int, spec: ModelSpec, tile: int | None = None) -> Plan:
    """Plan how a frame goes through a model.

    Args:
        height: rows of the frame, 1 or more.
        width: columns of the frame, 1 or more.
        spec: of the model.
        tile: input pixels per side of a tile; None tiles above `TILE_ABOVE` output pixels.

    Raises:
        InferenceError: the model cannot be tiled and the frame is too large for one piece, or
            not of the one size that the model takes.

    Example:
        >>> spec = ModelSpec(name="demo", architecture="demo", scale=1, multiple=4, margin=6)
        >>> cut = plan(101, 30, spec, tile=64)
        >>> cut.padded, cut.size, [tile.top for tile in cut.tiles]
        ((104, 32), (64, 32), [0, 40])
    """
    padded = spec.padded(height, width)
    sides = spec.size or _tile_size(padded, spec, tile)
    if spec.size is not None:
        padded = max(padded[0], sides[0]), max(padded[1], sides[1])
    if spec.size not in (None, (height, width)) and not _can_tile(spec):
        raise InferenceError(
            f"{spec.name} takes frames of {sides[1]}x{sides[0]} only and cannot be tiled, got "
            f"{width}x{height}; resize the frame, or convert the model without --size"
        )
    if sides[0] * sides[1] * spec.scale**2 > WHOLE_LIMIT:
        raise InferenceError(
            f"a frame of {width}x{height} is too large for {spec.name}, which cannot be tiled: "
            f"its output has {sides[0] * sides[1] * spec.scale**2 / 1e6:.0f} million pixels and "
            f"the limit is {WHOLE_LIMIT / 1e6:.0f} million; resize or cut the frame"
        )
    margin = _up(spec.margin or 0, spec.multiple)
    rows = _cuts(height, padded[0], sides[0], margin)
    columns = _cuts(width, padded[1], sides[1], margin)
    return Plan(
        padded,
        sides,
        tuple(
            Tile(top, left, *keep_rows, *keep_columns)
            for (top, keep_rows), (left, keep_columns) in product(rows, columns)
        ),
    )


def stripes(
    whole: Plan, width: int, changed: npt.NDArray[np.bool_], spec: ModelSpec
) -> Plan | None:
    """Plan stripes across a frame that hold whatever some changed rows change in the result.

    Args:
        whole: plan of the frame.
        width: columns of the frame.
        changed: for each row of the frame, whether it changed; one did.
        spec: of the model.

    Returns:
        A plan whose tiles keep these rows only; None where the whole frame is as fast, or the model
        cannot be cut.

    Example:
        >>> spec = ModelSpec(name="demo", architecture="demo", scale=1, multiple=4, margin=6)
        >>> rows = np.arange(800) == 300
        >>> cut = stripes(plan(800, 64, spec), 64, rows, spec)
        >>> cut.size, [(tile.top, tile.keep_top, tile.keep_bottom) for tile in cut.tiles]
        ((116, 64), [(284, 292, 392)])
    """
    if spec.margin is None or spec.size is not None or len(whole.tiles) > 1:
        return None
    height, (padded, columns) = len(changed), whole.padded
    margin = _up(spec.margin, spec.multiple)
    side = _up(height // STRIPES, spec.multiple) + 2 * margin
    reach = max(spec.margin, _BICUBIC if spec.base else 0)
    needed = np.convolve(changed, np.ones(2 * reach + 1))[reach : reach + height] > 0
    tiles: list[Tile] = []
    kept = 0
    while needed[kept:].any():
        if (len(tiles) + 1) * side > STRIPES_PAY * padded:
            return None
        first = kept + int(needed[kept:].argmax())
        first -= first % spec.multiple
        top = min(max(0, first - margin), padded - side)
        last = top + side == padded
        kept = min(height, padded if last else top + side - margin)
        tiles.append(Tile(top, 0, first, kept, 0, width))
    return Plan(whole.padded, (side, columns), tuple(tiles))


def _can_tile(spec: ModelSpec) -> bool:
    if spec.margin is None:
        return False
    return spec.size is None or min(spec.size) > 2 * _up(spec.margin, spec.multiple)


def _tile_size(padded: tuple[int, int], spec: ModelSpec, tile: int | None) -> tuple[int, int]:
    if spec.margin is None:
        return padded
    if tile is None:
        if padded[0] * padded[1] * spec.scale**2 <= TILE_ABOVE:
            return padded
        # At least half of a tile is kept, however far the model looks.
        tile = max(TILE_SIDE // spec.scale, 4 * spec.margin)
    height, width = spec.padded(tile, tile)
    return min(height, padded[0]), min(width, padded[1])


def _cuts(length: int, padded: int, tile: int, margin: int) -> list[tuple[int, tuple[int, int]]]:
    """Where tiles start along one axis, and what each keeps; together they keep 0..length."""
    cuts = []
    start = kept = 0
    while kept < length:
        last = start + tile >= padded
        start = padded - tile if last else start
        stop = padded if last else start + tile - margin
        cuts.append((start, (kept, min(stop, length))))
        kept, start = stop, stop - margin
    return cuts


def _up(value: int, multiple: int) -> int:
    return -(-value // multiple) * multiple
