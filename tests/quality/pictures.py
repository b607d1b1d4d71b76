"""A photo and what can happen to it, for the tests of the measures."""

from __future__ import annotations

import cv2
import numpy as np
from skimage import data

PHOTO = data.astronaut()[:211, 100:333, ::-1].copy()
RNG = np.random.default_rng(0)
OTHERS = {
    "blurred": cv2.GaussianBlur(PHOTO, (7, 7), 1.5),
    "noisy": np.clip(PHOTO + RNG.normal(0, 20, PHOTO.shape), 0, 255).astype(np.uint8),
    "inverted": 255 - PHOTO,
    "black": np.zeros_like(PHOTO),
    "mirrored": PHOTO[:, ::-1],
}
