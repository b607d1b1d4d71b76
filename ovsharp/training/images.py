"""The sharp images that a training draws from."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import psutil

from ovsharp.errors import MediaError, TrainingError
from ovsharp.media import Frame, category_of, find_images, read_frame


class Images(Sequence[Frame]):
    """Sharp images: as many as fit are held in memory, the others are read when they are drawn.

    Args:
        paths: of image files.
        smallest: shortest side in pixels; smaller images are left out, corrupt ones too.
        memory: bytes that may be held; half of what is free if left out.

    Raises:
        TrainingError: no image is left.
    """

    def __init__(self, paths: Sequence[Path], *, smallest: int, memory: int | None = None) -> None:
        room = psutil.virtual_memory().available // 2 if memory is None else memory
        self._images: list[Frame | Path] = []
        self.skipped: dict[Path, str] = {}
        """What was left out, and why."""
        for path in paths:
            try:
                image = read_frame(path)
            except MediaError as error:
                self.skipped[path] = str(error)
                continue
            height, width = image.shape[:2]
            if min(height, width) < smallest:
                self.skipped[path] = f"{width}x{height}, smaller than {smallest}x{smallest}"
                continue
            room -= image.nbytes
            self._images.append(image if room >= 0 else path)
        if not self._images:
            raise TrainingError(
                f"none of the {len(paths)} images can be used: expected images of "
                f"{smallest}x{smallest} pixels or more; "
                + "; ".join(f"{path.name}: {why}" for path, why in [*self.skipped.items()][:3])
            )

    def __len__(self) -> int:
        return len(self._images)

    # One image at a time is all that is needed: no slices.
    def __getitem__(self, index: int) -> Frame:  # type: ignore[override]
        image = self._images[index]
        return read_frame(image) if isinstance(image, Path) else image


def split(folder: Path, *, share: float) -> tuple[list[Path], list[Path]]:
    """Divide the images of a folder into those to train on and those to validate on.

    Of each category (see `category_of`) the same share is validated on, chosen by a hash of the
    name: a new image changes the side of few others, and no run differs from the next.

    Args:
        folder: of images, in it or below it.
        share: of the images to validate on, above 0 and below 1.

    Returns:
        Paths to train on, paths to validate on; neither is empty.

    Raises:
        MediaError: there is no such folder, or no image in it.
        TrainingError: there is one image only.
    """
    categories: dict[str, list[Path]] = {}
    for path in find_images([folder]):
        categories.setdefault(category_of(path.relative_to(folder)), []).append(path)
    train: list[Path] = []
    val: list[Path] = []
    for paths in categories.values():
        paths.sort(
            key=lambda path: hashlib.sha256(path.relative_to(folder).as_posix().encode()).digest()
        )
        count = max(1, round(share * len(paths))) if len(paths) > 1 else 0
        val += paths[:count]
        train += paths[count:]
    if not val:
        if len(train) < 2:
            raise TrainingError(f"{folder} has one image only: expected two or more, or --val DIR")
        val.append(train.pop())
    return sorted(train), sorted(val)
