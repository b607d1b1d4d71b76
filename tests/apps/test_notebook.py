from __future__ import annotations

import cv2
import numpy as np
import pytest
from PIL import Image

from ovsharp import before_after
from ovsharp.errors import InferenceError, MediaError


def test_a_notebook_shows_both() -> None:
    before = np.full((4, 6, 3), (255, 0, 0), np.uint8)  # red in RGB
    after = np.full((8, 12, 3), (0, 255, 0), np.uint8)
    shown = before_after(before, after, colour="rgb")
    assert repr(shown) == "<before | after: 6x4 | 12x8>"
    png = np.frombuffer(shown._repr_png_(), np.uint8)
    picture = cv2.imdecode(png, cv2.IMREAD_COLOR)
    assert picture is not None
    assert picture.shape == (8, 28, 3)
    assert picture[4, 4].tolist() == [0, 0, 255]
    assert picture[4, -4].tolist() == [0, 255, 0]


def test_all_kinds_that_a_sharpener_takes() -> None:
    assert before_after(Image.new("L", (6, 4)), np.zeros((4, 6))).after.shape == (4, 6, 3)


def test_what_does_not_belong_together() -> None:
    grey = np.zeros((4, 6), np.uint8)
    with pytest.raises(MediaError, match="result of 6x4 or a multiple, got 6x5"):
        before_after(grey, np.zeros((5, 6), np.uint8))
    with pytest.raises(InferenceError, match="got None"):
        before_after(grey, None)  # type: ignore[arg-type]
