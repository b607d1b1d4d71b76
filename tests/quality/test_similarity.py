"""SSIM and PSNR against scikit-image, the oracle."""

from __future__ import annotations

import math

import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio

from ovsharp.errors import UsageError
from ovsharp.quality import psnr, ssim
from tests.quality.pictures import OTHERS as DAMAGED
from tests.quality.pictures import PHOTO, reference_ssim

OTHERS = {"itself": PHOTO, **DAMAGED}


@pytest.mark.parametrize("name", OTHERS)
def test_ssim_is_that_of_scikit_image(name: str) -> None:
    assert ssim(OTHERS[name], PHOTO) == pytest.approx(reference_ssim(OTHERS[name], PHOTO), abs=1e-9)


def test_ssim_of_the_smallest_image() -> None:
    image, truth = PHOTO[:11, :11], OTHERS["noisy"][:11, :11]
    assert ssim(image, truth) == pytest.approx(reference_ssim(image, truth), abs=1e-9)


@pytest.mark.parametrize("name", [name for name in OTHERS if name != "itself"])
def test_psnr_is_that_of_scikit_image(name: str) -> None:
    expected = peak_signal_noise_ratio(PHOTO, OTHERS[name], data_range=255)
    assert psnr(OTHERS[name], PHOTO) == pytest.approx(expected, abs=1e-9)


def test_equal_images() -> None:
    assert ssim(PHOTO, PHOTO) == pytest.approx(1, abs=1e-12)
    assert psnr(PHOTO, PHOTO) == math.inf


@pytest.mark.parametrize("measure", [ssim, psnr])
@pytest.mark.parametrize(
    ("image", "truth", "message"),
    [
        (PHOTO, PHOTO[:-1], "different shapes"),
        (PHOTO / 255, PHOTO / 255, "expected uint8"),
        (PHOTO[..., 0], PHOTO[..., 0], "height x width x 3"),
        (PHOTO[:0], PHOTO[:0], "height x width x 3"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    measure: object, image: np.ndarray, truth: np.ndarray, message: str
) -> None:
    assert callable(measure)
    with pytest.raises(UsageError, match=message):
        measure(image, truth)


def test_ssim_refuses_images_smaller_than_its_window() -> None:
    with pytest.raises(UsageError, match="11x11 or more"):
        ssim(PHOTO[:10], PHOTO[:10])


def test_only_bytes_are_compared() -> None:
    with pytest.raises(UsageError, match="expected uint8 images, got float64 and uint8"):
        ssim(PHOTO.astype(float), PHOTO)
