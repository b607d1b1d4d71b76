"""`Arrivals`: files that come into a folder, once nobody writes to them any more."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

SETTLED = 3.0
"""Seconds in which a file must not have changed: whoever copies it is done."""


class Arrivals:
    """What is new in a folder and below it; hidden files and folders are passed over.

    A file is given once, and again when it has changed.

    Args:
        folder: that is looked at.
        wanted: tells by its path whether a file counts.
        settled: seconds in which a file must not have changed, neither in size nor in time.
        clock: a monotonic clock in seconds.

    Example:
        >>> import tempfile
        >>> now = [0.0]
        >>> folder = Path(tempfile.mkdtemp())
        >>> arrivals = Arrivals(folder, lambda path: True, settled=2, clock=lambda: now[0])
        >>> _ = (folder / "call.mp4").write_bytes(b"...")
        >>> first = arrivals.ready()
        >>> now[0] = 2.0
        >>> first, [path.name for path in arrivals.ready()], arrivals.ready()
        ([], ['call.mp4'], [])
    """

    def __init__(
        self,
        folder: Path,
        wanted: Callable[[Path], bool],
        *,
        settled: float = SETTLED,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder, self._wanted = folder, wanted
        self._settled, self._clock = settled, clock
        self._seen: dict[Path, tuple[tuple[int, int], float]] = {}
        self._given: dict[Path, tuple[int, int]] = {}

    def ready(self) -> list[Path]:
        """Look, and give what has arrived, in order of its names.

        Raises:
            OSError: the folder is gone or cannot be read.
        """
        next(self._folder.iterdir(), None)  # rglob gives nothing of a folder that is gone
        now, found = self._clock(), []
        for path in sorted(self._folder.rglob("*")):
            hidden = any(part.startswith(".") for part in path.relative_to(self._folder).parts)
            if hidden or not self._wanted(path) or not path.is_file():
                continue
            try:
                facts = path.stat()
            except FileNotFoundError:  # between two looks
                continue
            stamp = facts.st_size, facts.st_mtime_ns
            before, since = self._seen.get(path, (None, now))
            if before != stamp:
                since = now
            self._seen[path] = stamp, since
            if now - since >= self._settled and stamp[0] and self._given.get(path) != stamp:
                self._given[path] = stamp
                found.append(path)
        return found
