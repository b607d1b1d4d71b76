"""PSNR-Y against scikit-image's `rgb2ycbcr`."""

from __future__ import annotations

import math

import pytest
from skimage.color import rgb2ycbcr
from skimage.metrics import peak_signal_noise_ratio

from ovsharp.quality import psnr_y
from tests.quality.pictures import OTHERS, PHOTO


@pytest.mark.parametrize("name", OTHERS)
def test_it_is_that_of_scikit_image(name: str) -> None:
    image, truth = (rgb2ycbcr(picture[..., ::-1])[..., 0] for picture in (OTHERS[name], PHOTO))
    expected = peak_signal_noise_ratio(truth, image, data_range=255)
    assert psnr_y(OTHERS[name], PHOTO) == pytest.approx(expected, abs=1e-6)


def test_equal_images() -> None:
    assert psnr_y(PHOTO, PHOTO) == math.inf
