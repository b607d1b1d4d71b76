"""Colours between YUV and BGR: read as the file says, and back where they were."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from ovsharp.errors import MediaError
from ovsharp.media import BT601, BT709, LIMITED, Colour, colour_of, from_bgr, siting_of, to_bgr
from ovsharp.media.colour import BT2020, FULL
from tests.photos import crop

av = pytest.importorskip("av")

PHOTO = crop(0, 160, 128, 128)
WEIGHTS = {
    BT709: (0.0722, 0.7152, 0.2126),
    BT601: (0.114, 0.587, 0.299),
    BT2020: (0.0593, 0.678, 0.2627),
}
"""Of blue, green and red in the luma of each matrix."""


def test_numbers_are_those_of_h_273() -> None:
    assert (BT709, BT601, BT2020) == (1, 6, 9)
    assert (LIMITED, FULL) == (1, 2)  # as FFmpeg counts them


def decoded(name: str = "yuv420p", size: tuple[int, int] = (96, 64), **tags: int) -> Any:
    """A frame as a decoder gives it; what it does not tell is unspecified."""
    told = {"color_trc": 2, "colorspace": 2, "color_range": 0, "color_primaries": 2, **tags}
    pixels = SimpleNamespace(name=name, is_rgb=name in ("bgr24", "gbrp"))
    return SimpleNamespace(format=pixels, width=size[0], height=size[1], **told)


@pytest.mark.parametrize(
    ("size", "matrix"),
    [
        ((1280, 720), BT709),
        ((720, 1280), BT709),
        ((1920, 1080), BT709),
        ((1280, 718), BT601),
        ((640, 480), BT601),
    ],
)
def test_what_a_file_does_not_say_is_taken_as_players_take_it(
    size: tuple[int, int], matrix: int
) -> None:
    assert colour_of(decoded(size=size)) == Colour(matrix, LIMITED, 2, 2)
    assert colour_of(decoded(size=size, colorspace=0)).matrix == matrix


@pytest.mark.parametrize("matrix", [1, 4, 5, 6, 7, 9])
def test_what_a_file_says_is_kept(matrix: int) -> None:
    told = decoded(colorspace=matrix, color_range=1, color_primaries=5, color_trc=13)
    assert colour_of(told) == Colour(matrix, LIMITED, 5, 13)
    told.color_range = 2
    assert colour_of(told) == Colour(matrix, FULL, 5, 13)


def test_the_range_may_stand_in_the_pixel_format() -> None:
    assert colour_of(decoded("yuvj420p")).range == FULL
    assert colour_of(decoded("yuv420p")).range == LIMITED


@pytest.mark.parametrize("size", [(96, 64), (1280, 720)])
def test_rgb_is_written_as_a_file_that_says_nothing(size: tuple[int, int]) -> None:
    expected = colour_of(decoded(size=size))
    assert colour_of(decoded("gbrp", size, colorspace=9, color_range=2)) == expected


@pytest.mark.parametrize(("transfer", "name"), [(16, r"PQ \(HDR10\)"), (18, "HLG")])
def test_hdr_is_refused_by_name(transfer: int, name: str) -> None:
    with pytest.raises(MediaError, match=f"is HDR, {name}: .* 'tonemap'"):
        colour_of(decoded(color_trc=transfer))


def test_what_is_not_told_is_unspecified() -> None:
    assert Colour(BT709, LIMITED) == Colour(BT709, LIMITED, primaries=2, transfer=2)


def test_labels_are_words() -> None:
    assert Colour(BT709, LIMITED).label == "BT.709 limited"
    assert Colour(5, FULL).label == Colour(BT601, FULL).label == "BT.601 full"
    assert Colour(BT2020, LIMITED).label == "BT.2020 limited"
    assert Colour(7, LIMITED).label == "matrix 7 limited"


@pytest.mark.parametrize(
    ("codec", "pixels", "where"),
    [
        *((codec, "yuv420p", "left") for codec in ("h264", "hevc", "mpeg4", "ffv1", "prores")),
        *((codec, "yuv420p", "center") for codec in ("vp8", "vp9", "av1")),
        ("vp9", "yuv422p", "left"),
        ("av1", "yuv422p10le", "left"),
    ],
)
def test_chroma_is_where_codecs_have_it(codec: str, pixels: str, where: str) -> None:
    assert siting_of(codec, pixels) == where


def test_chroma_is_of_420_unless_told() -> None:
    assert (siting_of("h264"), siting_of("vp8")) == ("left", "center")


@pytest.mark.parametrize("extent", [LIMITED, FULL])
@pytest.mark.parametrize("matrix", [BT709, BT601, 5, BT2020])
@pytest.mark.parametrize("pixels", ["yuv420p", "yuv422p", "yuv444p"])
def test_a_frame_comes_back_with_its_means(matrix: int, extent: int, pixels: str) -> None:
    colour = Colour(matrix, extent)
    back = to_bgr(from_bgr(PHOTO, colour, pixels), colour).astype(int)
    assert np.abs((back - PHOTO).mean((0, 1))).max() < (0.1 if extent == LIMITED else 0.2)
    if pixels == "yuv444p":
        assert np.abs(back - PHOTO).max() <= 4


@pytest.mark.parametrize("matrix", WEIGHTS)
@pytest.mark.parametrize("extent", [LIMITED, FULL])
def test_luma_is_that_of_the_matrix(matrix: int, extent: int) -> None:
    low, high = (16, 235) if extent == LIMITED else (0, 255)
    for channel, weight in enumerate(WEIGHTS[matrix]):
        frame = np.zeros((16, 16, 3), np.uint8)
        frame[..., channel] = 255
        luma = from_bgr(frame, Colour(matrix, extent), "yuv420p").to_ndarray()[:16]
        assert np.abs(luma - (low + weight * (high - low))).max() <= 1


def test_rgb_passes_as_it_is() -> None:
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(PHOTO[..., ::-1]), "rgb24")
    assert np.array_equal(to_bgr(frame, Colour(BT601, FULL)), PHOTO)


@pytest.mark.parametrize(("siting", "offset"), [("left", 0.0), ("center", 0.5)])
def test_chroma_lies_where_it_is_asked_for(siting: str, offset: float) -> None:
    """A red spot at column 40, in samples that lie at even columns or between two."""
    across, down = np.meshgrid(np.arange(96), np.arange(64))
    weight = np.exp(-((across - 40) ** 2 + (down - 32) ** 2) / 60)[..., None]
    frame = np.rint(110 + weight * np.array([-60, -40, 100])).astype(np.uint8)
    coded = from_bgr(frame, Colour(BT709, FULL), "yuv420p", siting=siting)
    red = coded.to_ndarray()[64 + 16 :].reshape(32, 48).astype(float) - 128
    red[red < red.max() / 20] = 0
    column = 2 * (red.sum(axis=0) @ np.arange(48)) / red.sum() + offset
    assert column == pytest.approx(40, abs=0.15)


def test_chroma_lies_at_the_left_unless_told() -> None:
    colour = Colour(BT709, FULL)
    plain, left, center = (
        from_bgr(PHOTO, colour, "yuv420p", **options).to_ndarray()
        for options in ({}, {"siting": "left"}, {"siting": "center"})
    )
    assert np.array_equal(plain, left)
    assert not np.array_equal(plain, center)


def test_each_frame_is_converted_as_it_asks() -> None:
    """What is kept from the frame before serves no other size, matrix, range or pixel format."""
    small = np.ascontiguousarray(PHOTO[:64, :96])
    for _ in range(2):
        for frame in (PHOTO, small):
            for colour in (Colour(BT709, LIMITED), Colour(BT601, LIMITED), Colour(BT709, FULL)):
                for pixels in ("yuv420p", "yuv444p"):
                    coded = from_bgr(frame, colour, pixels)
                    assert (coded.height, coded.width) == frame.shape[:2]
                    assert coded.format.name == pixels
                    back = to_bgr(coded, colour).astype(int) - frame
                    assert np.abs(back.mean((0, 1))).max() < 0.5
