"""A named pipe as a file that gives up when nothing comes."""

from __future__ import annotations

import os
import select
import threading
import time
from contextlib import suppress
from pathlib import Path

from ovsharp.errors import MediaError

_SLICE = 0.1


class Pipe:
    """What PyAV reads a named pipe through.

    Args:
        path: of the pipe; its writer may come later.
        stall: seconds without a byte after which reading fails.
    """

    def __init__(self, path: Path, stall: float) -> None:
        self._path, self._stall = path, stall
        self._descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        self._gone = threading.Event()
        self._begun = False

    def read(self, size: int) -> bytes:
        """Wait for up to `size` bytes; none at the end.

        Raises:
            MediaError: the source has stalled, or `interrupt` was called.
        """
        waited = 0.0  # not by a clock, which goes on while a terminal holds both ends (Ctrl-Z)
        while waited < self._stall:
            if self._gone.is_set():
                raise MediaError(f"{self._path} was left while it was being read")
            ready, _, _ = select.select([self._descriptor], [], [], _SLICE)
            if not ready:
                waited += _SLICE
                continue
            with suppress(BlockingIOError):
                data = os.read(self._descriptor, size)
                if data or self._begun:
                    self._begun = True
                    return data
                time.sleep(_SLICE)  # no writer yet
            waited += _SLICE
        raise MediaError(
            f"{self._path} gave nothing for {self._stall:g} s: its source has stalled; start it "
            f"again, or save it to a file first"
        )

    def interrupt(self) -> None:
        """Make a waiting `read` fail soon, from any thread."""
        self._gone.set()

    def close(self) -> None:
        """Close the pipe. May be called again."""
        self.interrupt()
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = -1
