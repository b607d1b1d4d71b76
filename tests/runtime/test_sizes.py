"""Sizes of one design: what names mean, and what a router chooses among."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ovsharp.errors import UsageError
from ovsharp.runtime import Sharpener, sizes
from ovsharp.runtime.sizes import family, of_size, routed, sized
from tests.runtime.models import noise

NAMES = (
    *("call-balanced", "call-fast", "call-quality"),
    *("call-codec", "call-codec-fast", "call-codec-quality"),
    *("call-half", "x4-balanced", "x4-fast", "x4-jpeg"),
)


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Models of the test's own, in some sizes."""
    monkeypatch.setattr(sizes, "shipped_models", lambda: {name: {} for name in NAMES})


@pytest.mark.usefixtures("there")
def test_a_name_means_the_same_design_in_each_size() -> None:
    for name in ("call-codec", "call-codec-fast", "call-codec-quality"):
        assert of_size(name, "best") == "call-codec-quality"
        assert of_size(name, "balanced") == "call-codec"
        assert of_size(name, "fast") == "call-codec-fast"
    assert of_size("call-quality", "balanced") == "call-balanced"
    assert of_size("call-half", "best") == ""
    assert of_size("unknown", "balanced") == ""


@pytest.mark.usefixtures("there")
def test_families_are_of_models_and_of_routers() -> None:
    assert family("call-codec") == ("call-codec-quality", "call-codec", "call-codec-fast")
    assert family(None) == family("call") == ("call-quality", "call-balanced", "call-fast")
    assert family("x4-fast") == ("x4-balanced", "x4-fast")
    for alone in ("call-half", "unknown", Path("call-codec")):
        with pytest.raises(UsageError, match="no other sizes"):
            family(alone)


@pytest.mark.usefixtures("there")
def test_a_model_that_is_not_there_in_a_size_is_refused() -> None:
    assert sized("call-codec", "best") == "call-codec-quality"
    for model in ("call-half", Path("call-codec.xml"), "mine.xml", None):
        with pytest.raises(UsageError, match="not there as 'best'"):
            sized(model, "best")


@pytest.mark.usefixtures("there")
def test_a_router_takes_the_size_of_each_model() -> None:
    models = ("call-balanced", "call-codec", "call-half")
    assert routed(models, "balanced") == models
    assert routed(models, "best") == ("call-quality", "call-codec-quality", "call-half")
    with pytest.raises(UsageError, match="call-fast is one for everything"):
        routed(models, "fast")
    assert routed(models[:2], "fast") == ("call-fast", "call-codec-fast")


@pytest.mark.parametrize("quality", ["high", "", "Best"])
def test_another_word_is_refused_with_the_list(quality: str) -> None:
    with pytest.raises(UsageError, match="one of fast, balanced, best"):
        Sharpener("sharp-balanced", quality=quality)  # type: ignore[arg-type]


def test_a_rate_chooses_the_quality_itself() -> None:
    with pytest.raises(UsageError, match="target_fps chooses the quality"):
        Sharpener(quality="best", target_fps=30)


def test_a_quality_is_the_model_of_that_size() -> None:
    frame = noise(48, 64)
    with (
        Sharpener("sharp-balanced", quality="fast", threads=1) as chosen,
        Sharpener("sharp-fast", threads=1) as named,
    ):
        assert chosen.variant == "sharp-fast"
        assert np.array_equal(chosen(frame), named(frame))
