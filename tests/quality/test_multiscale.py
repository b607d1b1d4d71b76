"""MS-SSIM against the paper's formula, written out with SciPy and scikit-image."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from skimage.measure import block_reduce

from ovsharp.errors import UsageError
from ovsharp.quality import ms_ssim
from tests.quality.pictures import OTHERS, PHOTO

EXPONENTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
C1, C2 = 6.5025, 58.5225


def terms(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    def mean(values: np.ndarray) -> np.ndarray:
        return gaussian_filter(values, 1.5, truncate=3.5)[5:-5, 5:-5]

    a, b = mean(x), mean(y)
    structure = (2 * (mean(x * y) - a * b) + C2) / (mean(x * x) - a * a + mean(y * y) - b * b + C2)
    return float(np.mean((2 * a * b + C1) / (a * a + b * b + C1) * structure)), float(
        np.mean(structure)
    )


def oracle(image: np.ndarray, truth: np.ndarray) -> float:
    products = []
    for channel in range(3):
        x, y = image[..., channel].astype(float), truth[..., channel].astype(float)
        product = 1.0
        for level, exponent in enumerate(EXPONENTS):
            whole, structure = terms(x, y)
            product *= max(0.0, whole if level == 4 else structure) ** exponent
            sides = tuple(slice(0, side // 2 * 2) for side in x.shape)
            x, y = (block_reduce(values[sides], (2, 2), np.mean) for values in (x, y))
        products.append(product)
    return float(np.mean(products))


@pytest.mark.parametrize("name", OTHERS)
def test_it_is_the_papers_formula(name: str) -> None:
    assert ms_ssim(OTHERS[name], PHOTO) == pytest.approx(oracle(OTHERS[name], PHOTO), abs=1e-9)


def test_blur_costs_less_than_at_full_resolution_alone() -> None:
    assert 0.9 < ms_ssim(OTHERS["blurred"], PHOTO) < 1
    assert ms_ssim(PHOTO, PHOTO) == pytest.approx(1, abs=1e-12)


def test_small_images_are_refused() -> None:
    assert ms_ssim(PHOTO[:176, :176], PHOTO[:176, :176]) == pytest.approx(1)
    with pytest.raises(UsageError, match="176x176 or more"):
        ms_ssim(PHOTO[:175], PHOTO[:175])
