from __future__ import annotations

import re

import numpy as np
import pytest

from ovsharp.benchmarks.page import to_html
from ovsharp.benchmarks.samples import Sample, most_detailed
from tests.benchmarks.reports import report, row
from tests.reports.reader import read_page

NASTY = '<script>alert("1")</script>&'


@pytest.fixture
def page() -> str:
    made = report(
        row("fp32", "eager f32", ms=90.0, model=NASTY),
        row("fp32", "f32", ms=30.0, model=NASTY),
        row("int8", "int8+bf16", ms=9.0, model=NASTY, ssim=0.8495),
        notes=(NASTY,),
        recommendations=(NASTY,),
        device_name=NASTY,
    )
    picture = np.zeros((16, 16, 3), np.uint8)
    sample = Sample(NASTY, NASTY, (("input", picture), ("FP32, f32", picture), ("truth", picture)))
    return to_html(made, [sample])


def test_the_page_needs_nothing_else(page: str) -> None:
    reader = read_page(page)
    assert reader.links
    assert all(link.startswith("data:image/webp;base64,") for link in reader.links)
    assert not {"script", "link", "iframe", "object"} & set(reader.tags)
    assert not re.search(r"@import|url\(|https?://", page)


def test_all_text_is_escaped(page: str) -> None:
    assert "<script>" not in page
    assert "&lt;script&gt;alert(&quot;1&quot;)" in page


def test_the_page_shows_charts_tables_and_pictures(page: str) -> None:
    tags = read_page(page).tags
    assert tags.count("img") == 3
    assert tags.count("table") == 2
    assert tags.count("svg") == 3, "plot, its legend, and bars of one size"
    assert "30 FPS" in page
    assert "60 FPS" in page


def test_nothing_measured_makes_a_page_too() -> None:
    bare = row("fp32", "f32")
    empty = type(bare)(**{**vars(bare), "speeds": (), "quality": None})
    read_page(to_html(report(empty), []))


def test_the_crop_is_where_the_detail_is() -> None:
    image = np.full((100, 120, 3), 90, np.uint8)
    image[60:80:2, 70:90] = 250
    top, left = most_detailed(image, 24)
    assert 55 <= top <= 62
    assert 64 <= left <= 71


def test_an_image_smaller_than_the_crop_starts_at_its_corner() -> None:
    assert most_detailed(np.zeros((10, 12, 3), np.uint8), 144) == (0, 0)
