"""`Workroom`: where uploads and results lie; it goes, whatever way the server ends."""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path

from ovsharp.closing import Closing
from ovsharp.files import own_folder

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
        self.path = own_folder(parent, _PREFIX)

    def folder(self) -> Path:
        """Make an empty folder, for one upload and what is made of it."""
        return Path(tempfile.mkdtemp(dir=self.path))

    def named(self, error: BaseException) -> str:
        """Say what an error says, without the folders of this machine."""
        return re.sub(rf"{re.escape(str(self.path))}/[^/\s]*/?", "", str(error))

    def close(self) -> None:
        """Remove everything. May be called again."""
        shutil.rmtree(self.path, ignore_errors=True)
