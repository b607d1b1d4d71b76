"""Arrays in files that are as large as they will be from the beginning."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt


def stored(
    path: Path, kind: type[np.generic], shape: tuple[int, ...], *, fresh: bool
) -> npt.NDArray[Any]:
    """Give an array that is a file.

    Its place on the disk is taken at once, where the system can: a disk that is full later would
    end the process at the first byte that finds no place, without a word.

    Args:
        path: of the file.
        kind: of the numbers.
        shape: of the array.
        fresh: whether it is made anew, all zero.

    Raises:
        OSError: it cannot be read or written, or has no place.
    """
    array = np.lib.format.open_memmap(path, "w+" if fresh else "r+", kind, shape)
    if fresh and hasattr(os, "posix_fallocate"):
        with path.open("r+b") as file:
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
    return array
