"""Files that are complete or absent."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def staged(folder: Path) -> Iterator[Path]:
    """Give a temporary folder whose files are moved into `folder` when the block succeeds.

    When the block raises (Ctrl-C included), nothing is left behind: not the temporary folder,
    and not `folder` itself where this call had to make it. Files in `folder` of the same name
    are replaced one by one in alphabetical order, each atomically.

    Args:
        folder: made, with its parents, if it does not exist.

    Raises:
        OSError: `folder` cannot be made or written.
    """
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=".ovsharp-", dir=folder))
        try:
            yield staging
            for path in sorted(staging.iterdir()):
                os.replace(path, folder / path.name)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    except BaseException:
        for path in made:
            with suppress(OSError):  # never made, or no longer empty
                path.rmdir()
        raise


def sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file's bytes.

    Raises:
        OSError: the file cannot be read.
    """
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
