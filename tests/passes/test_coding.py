import cv2
import numpy as np
import pytest

from ovsharp.engine import upscale
from ovsharp.passes.coding import Coding
from tests.photos import crop

RANGES = [(0.0, 1.0), (-1.0, 1.0), (0.0, 255.0)]


def photo() -> np.ndarray:
    return crop(100, 180, 64, 96)


@pytest.mark.parametrize("bounds", RANGES)
@pytest.mark.parametrize("colour", ["rgb", "bgr"])
def test_a_network_that_does_nothing_gives_the_frame_back(
    bounds: tuple[float, float], colour: str
) -> None:
    frames = photo()[None]
    coding = Coding(value_range=bounds, output_range=bounds, colour=colour)

    values = coding.encode(frames)

    assert values.shape == (1, 3, 64, 96)
    assert values.min() >= bounds[0]
    assert values.max() <= bounds[1]
    np.testing.assert_allclose(coding.decode(values, None), frames, atol=1e-3)


def test_colour_order_mean_and_std_are_those_of_the_network() -> None:
    frames = np.zeros((1, 1, 1, 3), np.uint8)
    frames[..., 0], frames[..., 1], frames[..., 2] = 255, 127, 0  # blue, green, red
    coding = Coding(mean=(0.1, 0.2, 0.3), std=(0.5, 1.0, 2.0))

    red, green, blue = coding.encode(frames)[0, :, 0, 0]

    assert red == pytest.approx((0 - 0.1) / 0.5)
    assert green == pytest.approx((127 / 255 - 0.2) / 1.0)
    assert blue == pytest.approx((1 - 0.3) / 2.0)


def test_a_normalised_output_is_undone_and_a_plain_one_is_not() -> None:
    frames = photo()[None]
    normal = Coding(mean=(0.4, 0.5, 0.6), std=(0.2, 0.3, 0.4), normalised_output=True)
    plain = Coding(mean=(0.4, 0.5, 0.6), std=(0.2, 0.3, 0.4))

    np.testing.assert_allclose(normal.decode(normal.encode(frames), None), frames, atol=1e-3)
    picture = (frames[..., ::-1] / 255).astype(np.float32).transpose(0, 3, 1, 2)
    np.testing.assert_allclose(plain.decode(picture, None), frames, atol=1e-3)


def test_luma_is_that_of_ycrcb() -> None:
    frame = photo()
    values = Coding(colour="luma").encode(frame[None])

    expected = cv2.cvtColor(frame, cv2.COLOR_BGR2YCrCb)[..., 0]
    assert np.abs(values[0, 0] * 255 - expected).max() <= 0.51


def test_new_luma_on_the_base_equals_a_swap_in_ycrcb() -> None:
    small = photo()
    base = upscale(small, 2)
    luma = cv2.cvtColor(base, cv2.COLOR_BGR2YCrCb)[..., 0].astype(np.float32)
    sharper = np.clip(luma + 7 * np.sin(np.arange(luma.shape[1]) / 3), 0, 255).astype(np.float32)

    ours = Coding(colour="luma").decode(sharper[None, None] / 255, base[None])[0]

    swapped = cv2.cvtColor(base.astype(np.float32) / 255, cv2.COLOR_BGR2YCrCb)
    swapped[..., 0] = sharper / 255
    theirs = cv2.cvtColor(swapped, cv2.COLOR_YCrCb2BGR) * 255
    # OpenCV's factors for the way back are rounded to three digits.
    assert np.abs(ours - theirs).max() < 0.25
