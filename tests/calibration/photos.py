"""Small folders of photographs for the tests of this room."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from skimage import data

HEIGHT, WIDTH = 96, 112


def photos(count: int) -> list[np.ndarray]:
    """uint8 96 x 112 x 3 BGR crops of scikit-image's photographs, all different."""
    sources = [data.astronaut(), data.coffee(), data.chelsea(), data.rocket()]
    found = []
    for index in range(count):
        image = sources[index % 4]
        top, left = 13 * (index // 4) + 90, 11 * (index // 4) + 120
        found.append(np.ascontiguousarray(image[top : top + HEIGHT, left : left + WIDTH, ::-1]))
    return found


def write_photos(folder: Path, count: int) -> Path:
    """Write photos as photo-0.png, photo-1.png, ..."""
    folder.mkdir(parents=True, exist_ok=True)
    for index, photo in enumerate(photos(count)):
        cv2.imwrite(str(folder / f"photo-{index}.png"), photo)
    return folder
