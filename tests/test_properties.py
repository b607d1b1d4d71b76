"""What holds for any frame, any option and any file, whatever it is."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("hypothesis", reason="hypothesis is not installed")
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from ovsharp.benchmarks.variants import parse_model
from ovsharp.degrade import Recipe, parse
from ovsharp.engine import as_frame, pad
from ovsharp.engine.tiles import plan
from ovsharp.errors import InferenceError, MediaError, OvsharpError, UsageError
from ovsharp.media import Size, read_frame
from tests.networks import frame_spec

# The same examples each time; a busy machine is no failure.
settings.register_profile("steady", derandomize=True, deadline=None, database=None)
settings.load_profile("steady")

side = st.integers(1, 5000)
few = st.integers(1, 40)


@st.composite
def images(draw: st.DrawFn) -> np.ndarray:
    """Grey or colour, 8 bits or floats from 0 to 1, in any memory layout."""
    shape: list[int] = [draw(few), draw(few)]
    shape += draw(st.sampled_from([[], [1], [3]]))
    kind = draw(st.sampled_from([np.uint8, np.float16, np.float32, np.float64]))
    chance = np.random.default_rng(draw(st.integers(0, 99)))
    levels = chance.integers(0, 256, [2 * size for size in shape[:2]] + shape[2:])
    image = levels.astype(np.uint8) if kind is np.uint8 else (levels / 255).astype(kind)
    view = image[:: draw(st.sampled_from([1, 2, -1, -2])), :: draw(st.sampled_from([1, 2, -2]))]
    return np.asfortranarray(view) if draw(st.booleans()) else view


@given(images(), st.sampled_from(["bgr", "rgb"]))
def test_an_image_that_nothing_changes_comes_back_as_it_was(image: np.ndarray, colour: Any) -> None:
    before = image.copy()
    frame, back = as_frame(image, colour)
    assert frame.dtype == np.uint8
    assert frame.shape == (*image.shape[:2], 3)
    result = back(frame.copy())
    assert result.dtype == image.dtype
    assert result.shape == image.shape
    assert np.array_equal(result, before)
    assert np.array_equal(image, before)


_ANY = st.one_of(
    arrays.integer_dtypes(), arrays.unsigned_integer_dtypes(), arrays.floating_dtypes()
)


@given(arrays.arrays(_ANY, arrays.array_shapes(max_dims=4, max_side=5, min_side=0)))
def test_any_array_is_an_image_or_gets_a_sentence(array: np.ndarray) -> None:
    try:
        frame, back = as_frame(array)
    except InferenceError as error:
        assert str(error)[0].islower()
        return
    assert frame.size
    assert back(frame).shape == array.shape


@given(side, side, st.integers(1, 16), st.integers(0, 40), st.sampled_from([None, 256, 1024]))
def test_tiles_keep_every_pixel_once(
    height: int, width: int, multiple: int, margin: int, tile: int | None
) -> None:
    spec = frame_spec(multiple=multiple, margin=margin, minimum=multiple)
    cut = plan(height, width, spec, tile)
    assert all(now >= then for now, then in zip(cut.padded, (height, width), strict=True))
    assert all(size % multiple == 0 for size in cut.size)
    kept = 0
    for one in cut.tiles:
        assert 0 <= one.top <= one.keep_top < one.keep_bottom <= one.top + cut.size[0]
        assert 0 <= one.left <= one.keep_left < one.keep_right <= one.left + cut.size[1]
        rows = min(one.keep_bottom, height) - min(one.keep_top, height)
        columns = min(one.keep_right, width) - min(one.keep_left, width)
        kept += rows * columns
    assert kept == height * width


@given(few, few, few, few, st.booleans())
def test_padding_repeats_the_edge(
    height: int, width: int, below: int, right: int, copy: bool
) -> None:
    frame = np.random.default_rng(height).integers(0, 256, (height, width, 3), np.uint8)
    padded = pad(frame, height + below - 1, width + right - 1, copy=copy)
    wanted = np.pad(frame, ((0, below - 1), (0, right - 1), (0, 0)), mode="edge")
    assert np.array_equal(padded, wanted)
    assert padded.flags.c_contiguous
    assert padded.flags.writeable


@given(st.text(max_size=40))
def test_any_text_is_an_option_or_gets_a_sentence(text: str) -> None:
    for reader in (parse, Size.parse, parse_model):
        with contextlib.suppress(UsageError):
            reader(text)


@given(
    st.sampled_from(["gla", "jpeg", "blur", "noise", "down", "h264", "one_of"]),
    st.dictionaries(
        st.sampled_from(["sigma", "quality", "scale", "method", "crf"]),
        st.one_of(st.integers(-9, 99), st.floats(), st.sampled_from(["area", "..", "1..3"])),
    ),
)
def test_any_recipe_is_one_or_gets_a_sentence(name: str, options: dict[str, object]) -> None:
    text = f"{name}({', '.join(f'{key}={value}' for key, value in options.items())})"
    with contextlib.suppress(UsageError):
        recipe = parse(text)
        assert isinstance(recipe, Recipe)
        assert isinstance(parse(recipe.text), Recipe)


_HEADS = (
    b"",
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
    b"\xff\xd8\xff\xe0\0\x10JFIF\0",
    b"II*\0\x08\0\0\0",
    b"MM\0+\0\x08\0\0",
    b"BM",
    b"RIFF\x40\0\0\0WEBPVP8 ",
    b"\0\0\0\x1cftypavif",
)


@given(st.sampled_from(_HEADS), st.binary(max_size=200))
def test_any_short_file_is_an_image_or_gets_a_sentence(head: bytes, rest: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.png"
        path.write_bytes(head + rest)
        with contextlib.suppress(MediaError):
            assert read_frame(path).ndim == 3


@settings(max_examples=40)
@given(st.sampled_from([b"", b"\x80\x02", b"PK\x03\x04", b"\x40\0\0\0\0\0\0\0{"]), st.binary())
def test_any_short_file_is_a_checkpoint_or_gets_a_sentence(head: bytes, rest: bytes) -> None:
    models = pytest.importorskip("ovsharp.models")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.pth"
        path.write_bytes(head + rest)
        with contextlib.suppress(OvsharpError):
            models.read_weights(path)
