"""`Workroom`: where uploads and results lie; it goes, whatever way the server ends."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from pathlib import Path

import psutil

from ovsharp.closing import Closing

_PREFIX = "ovsharp-serve-"


class Workroom(Closing):
    """A temporary folder that tells in its name which process it belongs to.

    What a killed server has left behind is cleared away by the next one that starts.

    Args:
        parent: None for the temporary folder of the system.

    Example:
        >>> with Workroom() as room:
        ...     folder = room.folder()
        ...     folder.is_dir(), folder.parent == room.path
        (True, True)
    """

    def __init__(self, parent: Path | None = None) -> None:
        parent = Path(tempfile.gettempdir()) if parent is None else parent
        for left in parent.glob(f"{_PREFIX}*"):
            if _is_left(left):
                shutil.rmtree(left, ignore_errors=True)
        self.path = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=parent))

    def folder(self) -> Path:
        """Make an empty folder, for one upload and what is made of it."""
        return Path(tempfile.mkdtemp(dir=self.path))

    def named(self, error: BaseException) -> str:
        """Say what an error says, without the folders of this machine."""
        return re.sub(rf"{re.escape(str(self.path))}/[^/\s]*/?", "", str(error))

    def close(self) -> None:
        """Remove everything. May be called again."""
        shutil.rmtree(self.path, ignore_errors=True)


def _is_left(folder: Path) -> bool:
    """Tell whether a folder is one of ours whose process has ended."""
    number = folder.name.removeprefix(_PREFIX).partition("-")[0]
    if not number.isdecimal() or folder.is_symlink() or not folder.is_dir():
        return False
    mine = not hasattr(os, "getuid") or folder.stat().st_uid == os.getuid()
    return mine and not psutil.pid_exists(int(number))
