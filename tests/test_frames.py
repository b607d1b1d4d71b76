from __future__ import annotations

import cv2
import numpy as np
import pytest

from ovsharp.engine.padding import pad
from ovsharp.errors import InferenceError
from ovsharp.frames import blend, check_frame, check_out, upscale
from tests.runtime.models import noise


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        ([[[1, 2, 3]]], "numpy array, got list"),
        (None, "got None: it is what cv2.imread gives"),
        (np.zeros((4, 4, 3), np.float32), r"0\.\.255, got float32; .*\* 255"),
        (np.zeros((4, 4, 3), np.uint16), "got uint16; .*257"),
        (np.zeros((4, 4, 3), np.int64), "got int64"),
        (np.zeros((4, 4), np.uint8), "grey: use .*COLOR_GRAY2BGR"),
        (np.zeros((4, 4, 1), np.uint8), "grey: use .*COLOR_GRAY2BGR"),
        (np.zeros((4, 4, 4), np.uint8), "four channels: use .*COLOR_BGRA2BGR"),
        (np.zeros((3, 8, 8), np.uint8), r"\(height, width, 3\), got \(3, 8, 8\), .*transpose"),
        (np.zeros((2, 4, 4, 3), np.uint8), "one frame at a time"),
        (np.zeros((0, 4, 3), np.uint8), "empty"),
    ],
)
def test_what_is_no_frame_is_told_how_to_become_one(frame: object, message: str) -> None:
    with pytest.raises(InferenceError, match=message):
        check_frame(frame)


@pytest.mark.parametrize(
    ("out", "message"),
    [
        (np.zeros((4, 5, 3), np.uint8), r"uint8 array of shape \(4, 4, 3\)"),
        (np.zeros((4, 4, 3), np.int8), "got int8"),
        ("out", "got str"),
        (np.zeros((4, 8, 3), np.uint8)[:, ::2], "C-contiguous"),
        (np.frombuffer(bytes(48), np.uint8).reshape(4, 4, 3), "writeable"),
    ],
)
def test_unfit_out(out: object, message: str) -> None:
    with pytest.raises(InferenceError, match=message):
        check_out(out, (4, 4, 3), noise(4, 4))  # type: ignore[arg-type]


def test_out_may_not_overlap_the_frame() -> None:
    buffer = noise(6, 4)
    with pytest.raises(InferenceError, match="shares memory"):
        check_out(buffer[2:], (4, 4, 3), buffer[:4])


def test_pad_repeats_the_last_row_and_column() -> None:
    frame = noise(5, 7)
    expected = np.pad(frame, ((0, 3), (0, 1), (0, 0)), mode="edge")
    assert np.array_equal(pad(frame, 8, 8), expected)


@pytest.mark.parametrize("view", ["flipped", "strided", "read-only"])
def test_pad_takes_any_memory_layout(view: str) -> None:
    frame = noise(10, 14)
    views = {"flipped": frame[::-1, :, ::-1], "strided": frame[::2, ::2], "read-only": frame.copy()}
    views["read-only"].flags.writeable = False
    source = views[view]
    height, width = source.shape[:2]
    for extra in (0, 2):
        padded = pad(source, height + extra, width)
        assert padded.flags.c_contiguous
        assert padded.flags.writeable
        assert np.array_equal(padded, np.pad(source, ((0, extra), (0, 0), (0, 0)), mode="edge"))


def test_pad_copies_only_where_it_must() -> None:
    frame = noise(4, 4)
    assert pad(frame, 4, 4) is frame
    assert not np.shares_memory(pad(frame, 4, 4, copy=True), frame)


def test_upscale_is_opencv_bicubic() -> None:
    frame = noise(5, 7)
    assert np.array_equal(
        upscale(frame, 3), cv2.resize(frame, (21, 15), None, 0, 0, cv2.INTER_CUBIC)
    )
    assert upscale(frame, 1) is frame


@pytest.mark.parametrize("strength", [0.0, 0.3, 1.0])
def test_blend_mixes(strength: float) -> None:
    sharp, plain = noise(6, 6, 1), noise(6, 6, 2)
    expected = strength * sharp.astype(float) + (1 - strength) * plain
    blend(sharp, plain, strength)
    assert np.abs(sharp - expected).max() <= 0.51
