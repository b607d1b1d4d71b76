"""A photo, what can happen to it, and an SSIM of others, for the tests of the measures."""

from __future__ import annotations

import cv2
import numpy as np
from skimage.metrics import structural_similarity

from tests.photos import crop

PHOTO = crop(0, 100, 211, 233)
RNG = np.random.default_rng(0)
OTHERS = {
    "blurred": cv2.GaussianBlur(PHOTO, (7, 7), 1.5),
    "noisy": np.clip(PHOTO + RNG.normal(0, 20, PHOTO.shape), 0, 255).astype(np.uint8),
    "inverted": 255 - PHOTO,
    "black": np.zeros_like(PHOTO),
    "mirrored": PHOTO[:, ::-1],
}


def reference_ssim(image: np.ndarray, truth: np.ndarray) -> float:
    """SSIM as scikit-image computes it with the window of Wang et al."""
    return float(
        structural_similarity(
            image,
            truth,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
            channel_axis=-1,
            data_range=255,
        )
    )
