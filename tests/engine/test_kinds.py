"""Images of every kind come back as what they were, sharpened as the frame that they show."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from ovsharp import Sharpener
from ovsharp.engine import as_frame
from ovsharp.errors import InferenceError, UsageError
from tests.networks import write_frame_model
from tests.runtime.models import noise


@pytest.fixture(scope="module", params=[1, 2])
def sharpener(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Sharpener]:
    folder = tmp_path_factory.mktemp("kinds")
    with Sharpener(write_frame_model(folder, scale=request.param), threads=1) as sharpener:
        yield sharpener


def test_rgb_is_bgr_turned_around(sharpener: Sharpener) -> None:
    frame = noise(24, 32)
    wanted = sharpener(frame)[..., ::-1]
    rgb = frame[..., ::-1]
    futures = [sharpener.submit(rgb, colour="rgb"), sharpener.submit(rgb, colour="rgb")]
    many = list(sharpener.stream([rgb, rgb], colour="rgb"))
    one = asyncio.run(sharpener.asharpen(rgb, colour="rgb"))
    for made in (sharpener(rgb, colour="rgb"), one, *many, *(one.result() for one in futures)):
        assert np.array_equal(made, wanted)
        assert made.flags.c_contiguous
        assert made.flags.owndata


@pytest.mark.parametrize("shape", [(24, 32), (24, 32, 1)])
def test_grey_stays_grey(sharpener: Sharpener, shape: tuple[int, ...]) -> None:
    grey = noise(24, 32)[..., :1].reshape(shape)
    made = sharpener(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR))
    scale = sharpener.spec.scale
    result = sharpener(grey)
    assert result.shape == (24 * scale, 32 * scale, *shape[2:])
    assert np.array_equal(result.reshape(result.shape[:2]), cv2.cvtColor(made, cv2.COLOR_BGR2GRAY))


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("shape", [(24, 32), (24, 32, 1), (24, 32, 3)])
def test_floats_get_the_correction(
    sharpener: Sharpener, kind: type[np.floating], shape: tuple[int, ...]
) -> None:
    image = np.random.default_rng(1).random(shape).astype(kind)
    result, scale = sharpener(image, colour="rgb"), sharpener.spec.scale
    assert result.dtype == kind
    assert result.shape == (24 * scale, 32 * scale, *shape[2:])
    levels = np.rint(image.astype(np.float64) * 255).astype(np.uint8)
    wanted = sharpener(levels, colour="rgb") / 255
    # But for what rounding to 8 bits took away, and rounding to 11 bits of float16.
    assert abs(result - wanted).max() <= (0.8 if scale == 1 else 1.6) / 255


def test_floats_that_are_left_alone_stay_exact() -> None:
    image = np.random.default_rng(1).random((24, 32, 3)).astype(np.float32)
    with Sharpener(threads=1) as sharpener:
        sharpener.pin("untouched")
        assert np.array_equal(sharpener(image), image)


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_pillows_images(sharpener: Sharpener, mode: str) -> None:
    image = Image.fromarray(noise(24, 32)).convert(mode)
    image.info["icc_profile"] = b"kept"
    made = sharpener(image)
    assert isinstance(made, Image.Image)
    assert made.mode == mode
    assert made.info["icc_profile"] == b"kept"
    assert np.array_equal(np.asarray(made), sharpener(np.asarray(image), colour="rgb"))


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.full((4, 4, 3), 255.0), r"from 0 to 1, got 255 to 255; if they are 0\.\.255, use"),
        (np.full((4, 4), np.nan), "from 0 to 1, got nan"),
        (np.full((4, 4), -0.5), "got -0.5 to -0.5"),
        (np.zeros((4, 4), np.uint16), "got uint16; .*257"),
        (np.zeros((4, 4), bool), "got bool"),
        (np.zeros((4, 4, 4)), "four channels"),
        (np.zeros((3, 8, 8), np.float32), "channels come first"),
        (np.zeros((0, 4), np.float32), "got float32"),
        (np.zeros((4, 0), np.uint8), "grey"),
        (None, "cv2.imread"),
        (Image.new("RGBA", (4, 4)), r"got RGBA; use image.convert\('RGB'\) \(without its transp"),
        (Image.new("P", (4, 4)), r"got P; use image.convert\('RGB'\)$"),
    ],
)
def test_what_is_ambiguous_gets_a_sentence(image: object, message: str) -> None:
    with pytest.raises(InferenceError, match=message):
        as_frame(image)


def test_wrong_arguments(sharpener: Sharpener) -> None:
    with pytest.raises(UsageError, match="colour must be 'bgr' or 'rgb', got 'RGB'"):
        sharpener(noise(4, 4), colour="RGB")  # type: ignore[call-overload]
    with pytest.raises(InferenceError, match="out is for uint8 BGR frames"):
        sharpener(np.zeros((4, 4), np.uint8), out=np.zeros((4, 4, 3), np.uint8))


def test_a_session_is_told_from_others(tmp_path: Path) -> None:
    model = write_frame_model(tmp_path)
    with Sharpener(model, threads=1) as sharpener, sharpener.session() as call:
        call(noise(4, 4))
        assert repr(call) == f"<Session of {sharpener!r}: 1 frames, {call.variant}>"
