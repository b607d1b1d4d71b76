from __future__ import annotations

import pytest

from ovsharp.errors import UsageError
from ovsharp.reports import Size
from tests.networks import frame_spec


def test_sizes_name_the_output() -> None:
    size = Size.parse("1080p")
    assert size.frame(frame_spec(scale=1)) == (1080, 1920)
    assert size.frame(frame_spec(scale=4)) == (270, 480)


def test_a_size_that_the_scale_does_not_divide_is_rounded_up() -> None:
    assert Size.parse("480p").frame(frame_spec(scale=4)) == (120, 214)


def test_frames_are_padded_to_what_the_model_takes() -> None:
    spec = frame_spec(unshuffle=4)
    assert Size.parse("30x33").padded(spec) == (32, 36)
    assert spec.replace(minimum=15).padded(3, 5) == (16, 16)


def test_a_model_of_one_size_fits_that_size_only() -> None:
    spec = frame_spec(scale=2, size=(360, 640))
    assert Size.parse("720p").fits(spec)
    assert not Size.parse("1080p").fits(spec)


@pytest.mark.parametrize("text", ["", "8K", "100", "8x8", "1e3x10", "-64x64", "100000x100"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="unknown size"):
        Size.parse(text)
