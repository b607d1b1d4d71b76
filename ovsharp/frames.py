"""Frames: the checks and the resampling that every model shares."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from ovsharp.errors import InferenceError

Frame = npt.NDArray[np.uint8]
"""A picture: uint8, H x W x 3, BGR."""
STRONGEST = 1.5
"""How far a strength may go, where 1 is the model's own result."""
MOST_UNSHARP = 2.0
"""The largest amount of an unsharp mask."""


def check_frame(frame: object) -> None:
    """Check that an array is a frame.

    Raises:
        InferenceError: it is not; the message says how to make one of it.

    Example:
        >>> check_frame(np.zeros((4, 4), np.uint8))
        Traceback (most recent call last):
        ovsharp.errors.InferenceError: expected a BGR frame of shape (height, width, 3), got \
(4, 4), which is grey: use cv2.cvtColor(frame, cv2.COLOR_GRAY2BGR)
    """
    if frame is None:
        raise InferenceError(
            "expected a frame, got None: it is what cv2.imread gives for a file that is missing or "
            "no image, and a cv2.VideoCapture at its end"
        )
    if not isinstance(frame, np.ndarray):
        raise InferenceError(
            f"expected a frame as a numpy array, got {type(frame).__name__}; use np.asarray(frame)"
        )
    if frame.dtype != np.uint8:
        raise InferenceError(
            f"expected a uint8 frame with values 0..255, got {frame.dtype}; {_to_uint8(frame)}"
        )
    if frame.ndim != 3 or frame.shape[2] != 3:
        raise InferenceError(
            f"expected a BGR frame of shape (height, width, 3), got {frame.shape}{_to_bgr(frame)}"
        )
    if frame.size == 0:
        raise InferenceError(f"the frame is empty: its shape is {frame.shape}")


def check_out(out: Frame, shape: tuple[int, int, int], frame: Frame) -> None:
    """Check that a result can be written into an array of the caller.

    Raises:
        InferenceError: it is not a writeable, C-contiguous uint8 array of that shape, or it
            shares memory with the frame.
    """
    if not isinstance(out, np.ndarray) or out.dtype != np.uint8 or out.shape != shape:
        got = f"{out.dtype} {out.shape}" if isinstance(out, np.ndarray) else type(out).__name__
        raise InferenceError(f"out must be a uint8 array of shape {shape}, got {got}")
    if not out.flags.c_contiguous or not out.flags.writeable:
        raise InferenceError(
            "out must be C-contiguous and writeable; use np.empty(shape, np.uint8)"
        )
    if np.may_share_memory(out, frame):
        raise InferenceError("out shares memory with the frame; give it an array of its own")


def upscale(frame: Frame, scale: int) -> Frame:
    """Enlarge a frame by OpenCV's bicubic resampler: the `base` that some models correct.

    Args:
        frame: uint8, H x W x 3.
        scale: 1 or more; 1 gives the frame itself.

    Returns:
        uint8, H * scale x W * scale x 3.

    Example:
        >>> upscale(np.zeros((2, 3, 3), np.uint8), 4).shape
        (8, 12, 3)
    """
    if scale == 1:
        return frame
    size = (frame.shape[1] * scale, frame.shape[0] * scale)
    return np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_CUBIC), np.uint8)


def blend(sharp: Frame, plain: Frame, strength: float) -> None:
    """Go from `plain` to `sharp` by a share of the way, in place; above 1 beyond it."""
    cv2.addWeighted(sharp, strength, plain, 1 - strength, 0, dst=sharp)


def unsharp(picture: Frame, amount: float) -> None:
    """Raise the contrast of edges, in place: picture + amount * (picture - its 3x3 Gaussian)."""
    cv2.addWeighted(picture, 1 + amount, cv2.GaussianBlur(picture, (3, 3), 0), -amount, 0, picture)


def _to_uint8(frame: npt.NDArray[np.generic]) -> str:
    if np.issubdtype(frame.dtype, np.floating):
        return "if it is 0..1, use np.rint(frame.clip(0, 1) * 255).astype(np.uint8)"
    if frame.dtype == np.uint16:
        return "if it is 0..65535, use (frame // 257).astype(np.uint8)"
    return "convert it first"


def _to_bgr(frame: Frame) -> str:
    if frame.ndim == 2 or (frame.ndim == 3 and frame.shape[2] == 1):
        return ", which is grey: use cv2.cvtColor(frame, cv2.COLOR_GRAY2BGR)"
    if frame.ndim == 3 and frame.shape[2] == 4:
        return ", which has four channels: use cv2.cvtColor(frame, cv2.COLOR_BGRA2BGR)"
    if frame.ndim == 4:
        return ": give one frame at a time"
    if frame.ndim == 3 and frame.shape[0] == 3:
        return ", whose channels come first: use frame.transpose(1, 2, 0)"
    return ""
