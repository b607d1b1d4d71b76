from __future__ import annotations

import base64

import cv2
import numpy as np
import pytest

from ovsharp.errors import MediaError
from ovsharp.reports import LOSSLESS, bullets, cards, html_page, picture_url


def test_a_page_needs_nothing_else_and_names_itself() -> None:
    page = html_page("a < b", ["<h1>one</h1>", "", "<p>two</p>"], style=".mine {}", script="go()")
    assert "<title>a &lt; b</title>" in page
    assert "<h1>one</h1>\n<p>two</p>\n<script>go()</script>\n</body>" in page
    assert ".mine {}</style>" in page
    assert "http" not in page


def test_lists_and_charts_leave_out_what_is_empty() -> None:
    assert bullets(["<b>"]) == "<ul><li>&lt;b&gt;</li></ul>"
    assert cards(["<svg/>", ""]) == '<div class="charts"><div class="card"><svg/></div></div>'


def test_a_picture_is_held_by_its_address() -> None:
    picture = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    kind, data = picture_url(picture).split(",")
    assert kind == "data:image/png;base64"
    read = cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR)
    assert np.array_equal(read, picture)
    assert picture_url(picture, ".jpg").startswith("data:image/jpeg;base64,")


def test_a_picture_that_cannot_be_encoded_is_an_error() -> None:
    with pytest.raises(MediaError, match="could not encode a picture"):
        picture_url(np.zeros((1, 70_000, 3), np.uint8), ".jpg")


def test_a_picture_in_less_bytes_keeps_every_pixel() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
    kind, _, content = picture_url(picture, ".webp", LOSSLESS).partition(",")
    assert kind == "data:image/webp;base64"
    kept = cv2.imdecode(np.frombuffer(base64.b64decode(content), np.uint8), cv2.IMREAD_COLOR)
    assert np.array_equal(kept, picture)
