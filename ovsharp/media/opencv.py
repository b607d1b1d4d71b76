"""OpenCV's decoder and encoder of images, without its words on stderr."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import cv2
import numpy as np

from ovsharp.media.picture import Plane


def decoded(data: bytes) -> Plane:
    """Decode as stored: H x W x channels, BGR(A).

    Raises:
        ValueError: OpenCV does not decode it.
    """
    with _quiet():
        try:
            pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
        except cv2.error as error:
            raise ValueError(str(error)) from error
    if pixels is None or pixels.dtype not in (np.uint8, np.uint16):
        raise ValueError("OpenCV does not decode it")
    return np.atleast_3d(pixels).astype(pixels.dtype, copy=False)


def encoded(ending: str, pixels: Plane) -> bytes:
    """Encode H x W, or H x W x 3 or 4, BGR(A).

    Raises:
        ValueError: OpenCV does not encode it.
    """
    with _quiet():
        try:
            ok, data = cv2.imencode(ending, pixels)
        except cv2.error as error:
            raise ValueError(str(error)) from error
    if not ok:
        raise ValueError("OpenCV does not encode it")
    return data.tobytes()


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep OpenCV from writing to stderr what is raised as an error anyway."""
    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        cv2.utils.logging.setLogLevel(level)
