"""`Store`: what a node was sent, in one place for all workers on it."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterable
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, TextIO

from ovsharp.errors import UsageError

_PREFIX = "ovsharp-cluster-"
_LOCK = "lock"


class Store:
    """A folder of files that were sent for one run, shared by all workers on a machine.

    Workers hold a lock on it as long as they live. What nobody holds, as where all were killed, is
    cleared away by the next one that starts.

    Args:
        run: names the run.
        parent: None for the temporary folder of the system.

    Raises:
        UsageError: this system has no such locks.
    """

    def __init__(self, run: str, parent: Path | None = None) -> None:
        parent = Path(tempfile.gettempdir()) if parent is None else parent
        clear(parent)
        self.folder = parent / f"{_PREFIX}{os.getuid()}-{run}"
        while True:  # another one may clear it away at each step
            self.folder.mkdir(mode=0o700, exist_ok=True)
            with suppress(FileNotFoundError):
                self._lock = (self.folder / _LOCK).open("a")
                _fcntl().flock(self._lock, _fcntl().LOCK_SH)
                if _is_there(self._lock):
                    return

    def put(self, path: Path, content: Iterable[bytes]) -> Path:
        """Keep a file, and say where; nothing is read of the content of one that is there.

        Files of one folder lie in one folder here, too, and keep their names.
        """
        place = hashlib.sha256(str(path.parent).encode()).hexdigest()[:16]
        kept = self.folder / place / path.name
        if not kept.exists():
            kept.parent.mkdir(exist_ok=True)
            descriptor, name = tempfile.mkstemp(dir=self.folder)
            with os.fdopen(descriptor, "wb") as file:
                for part in content:
                    file.write(part)
            os.replace(name, kept)
        return kept

    def empty_folder(self) -> Path:
        """Make a folder, for what a task writes."""
        return Path(tempfile.mkdtemp(dir=self.folder))

    def close(self) -> None:
        """Let go of it; the next one that starts clears it away."""
        self._lock.close()


@lru_cache(maxsize=1)
def store_of(run: str) -> Store:
    """Give the store of this process for a run."""
    return Store(run)


def clear(parent: Path) -> None:
    """Remove the stores that no process holds."""
    for folder in parent.glob(f"{_PREFIX}{os.getuid()}-*"):
        # Not there: another one clears, too. Blocked: a process holds it.
        with suppress(FileNotFoundError, BlockingIOError):
            if folder.lstat().st_uid != os.getuid() or folder.is_symlink():
                continue
            with (folder / _LOCK).open("a") as lock:
                _fcntl().flock(lock, _fcntl().LOCK_EX | _fcntl().LOCK_NB)
                if _is_there(lock):
                    # Moved first, all at once: whoever comes now makes a new one.
                    gone = folder.rename(parent / f"{_PREFIX}{os.getuid()}-{uuid.uuid4().hex}")
                    shutil.rmtree(gone, ignore_errors=True)


def _is_there(lock: TextIO) -> bool:
    """Say whether it is still the file of its name.

    Raises:
        FileNotFoundError: there is no file of that name.
    """
    return os.path.samestat(os.fstat(lock.fileno()), Path(lock.name).stat())


def _fcntl() -> Any:
    try:
        import fcntl
    except ImportError as error:
        raise UsageError(
            "files cannot be sent to a machine with this system; put them where all machines see "
            "them under the same path"
        ) from error
    return fcntl
