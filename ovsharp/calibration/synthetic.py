"""Drawn frames for what photographs rarely hold: pure white, pure black, flat areas, gradients."""

from __future__ import annotations

import numpy as np

from ovsharp.media import Frame
from ovsharp.spec import ModelSpec

_FLAT = {
    "white": (255, 255, 255),
    "black": (0, 0, 0),
    "dark": (16, 16, 16),
    "grey": (128, 128, 128),
    "blue": (255, 0, 0),
    "green": (0, 255, 0),
    "red": (0, 0, 255),
}

GRADIENTS = ("across", "down")
"""Names of the frames that are not flat."""


def synthetic_frames(height: int, width: int) -> dict[str, Frame]:
    """Draw the frames that every INT8 model is calibrated on and checked with.

    Args:
        height: rows.
        width: columns.

    Returns:
        uint8, height x width x 3, BGR, by name: flat ones, and a gradient from black to white
        along each side.

    Example:
        >>> frames = synthetic_frames(8, 16)
        >>> frames["white"].min(), frames["across"][0, -1].tolist()
        (np.uint8(255), [255, 255, 255])
    """
    shape = (height, width, 3)
    frames = {name: np.full(shape, colour, np.uint8) for name, colour in _FLAT.items()}
    frames["across"] = _gradient(np.linspace(0, 255, width)[None, :, None], shape)
    frames["down"] = _gradient(np.linspace(0, 255, height)[:, None, None], shape)
    return frames


def drawn_frames(spec: ModelSpec, side: int) -> dict[str, Frame]:
    """Draw them for a model, so large that its borders leave a square in the middle.

    Args:
        spec: of the model; of the size that it is bound to, if it is.
        side: of that square, in pixels of the frame; rounded up to what the model takes.
    """
    whole = side + 2 * (spec.margin or 0)
    return synthetic_frames(*(spec.size or spec.padded(whole, whole)))


def _gradient(ramp: np.ndarray, shape: tuple[int, int, int]) -> Frame:
    return np.ascontiguousarray(np.broadcast_to(np.rint(ramp).astype(np.uint8), shape))
