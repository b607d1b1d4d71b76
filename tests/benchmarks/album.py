"""The first two photos of the benchmark, cut small."""

from __future__ import annotations

from pathlib import Path

import cv2

from ovsharp.measuring.photos import open_album


def write_album(folder: Path, *, width: int) -> Path:
    """Write them as 0.png and 1.png, 96 rows each."""
    for index, (_, _, image) in enumerate(open_album(None, limit=2).items):
        cv2.imwrite(str(folder / f"{index}.png"), image[:96, :width])
    return folder
