"""The one padding: the last row and column of a frame, repeated."""

from __future__ import annotations

import cv2
import numpy as np

from ovsharp.engine.buffers import copy_frame
from ovsharp.frames import Frame


def pad(frame: Frame, height: int, width: int, *, copy: bool = False) -> Frame:
    """Give a frame of a size, its last row and column repeated below and right.

    Args:
        frame: uint8, H x W x 3.
        height: H or more.
        width: W or more.
        copy: whether the result must be an array of its own.

    Returns:
        height x width x 3, C-contiguous and writeable; `frame` itself where it is all that.

    Example:
        >>> pad(np.arange(6, dtype=np.uint8).reshape(1, 2, 3), 1, 3).tolist()
        [[[0, 1, 2], [3, 4, 5], [3, 4, 5]]]
    """
    below, right = height - frame.shape[0], width - frame.shape[1]
    if below or right:
        padded = cv2.copyMakeBorder(frame, 0, below, 0, right, cv2.BORDER_REPLICATE)
        return np.asarray(padded, np.uint8)
    # OpenVINO shares the memory of writeable arrays only, even if it just reads it.
    return copy_frame(frame) if copy else np.require(frame, requirements=["C", "W"])
