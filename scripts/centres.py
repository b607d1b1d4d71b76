"""The part of a photo that shipped models are scored on."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ovsharp.media import Frame, read_frame

SIDE = 512
"""Photos are cropped to their centre of this many pixels."""


def read_centre(path: Path) -> Frame:
    """Read the centre of a photo; its sides are multiples of 8, SIDE at most."""
    image = read_frame(path)
    height, width = (min(side, SIDE) // 8 * 8 for side in image.shape[:2])
    top, left = (image.shape[0] - height) // 2, (image.shape[1] - width) // 2
    return np.ascontiguousarray(image[top : top + height, left : left + width])
