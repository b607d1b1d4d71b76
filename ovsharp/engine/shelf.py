"""`Shelf`: the compiled models of a `Sharpener`, and which of them stay."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from ovsharp.engine.compiled import CompiledFrames
from ovsharp.engine.ring import Slots
from ovsharp.errors import UsageError

MEMORY = 1024
"""Megabytes that the compiled models of a `Sharpener` may take, by their own estimate."""


class Shelf:
    """Slots per model and frame size, compiled at first use, kept within a limit of memory.

    What calls use in turn stays, however many models and sizes that are, as long as there is
    memory; then what was not used for longest goes first. The one that was needed last always
    stays, and frames in flight hold what they run in.

    Thread-safe: two threads that need the same new thing compile it once, and threads that need
    what is there never wait for the compilation of another.

    Args:
        megabytes: the limit, 1 or more.

    Raises:
        UsageError: the limit is below 1.
    """

    def __init__(self, megabytes: int = MEMORY) -> None:
        if megabytes < 1:
            raise UsageError(f"memory must be 1 MB or more, got {megabytes}")
        self._limit = megabytes
        self._lock = threading.Lock()
        self._entries: OrderedDict[tuple[object, int, int], _Entry] = OrderedDict()

    @property
    def count(self) -> int:
        """How many are compiled."""
        with self._lock:
            return sum(entry.slots is not None for entry in self._entries.values())

    def get(
        self,
        owner: object,
        height: int,
        width: int,
        compile_size: Callable[[int, int], CompiledFrames],
    ) -> Slots:
        """Give the slots of a model for frames of a size.

        Args:
            owner: the model, told from others by its identity.
            height: of the frames.
            width: likewise.
            compile_size: compiles the model for such frames.

        Raises:
            OvsharpError: whatever compiling raises.
        """
        key = (owner, height, width)
        with self._lock:
            entry = self._entries.setdefault(key, _Entry())
            self._entries.move_to_end(key)
        with entry.lock:
            if entry.slots is None:
                compiled = compile_size(height, width)
                entry.slots = Slots(compiled)
                entry.megabytes = compiled.megabytes
                self._make_room(entry)
            return entry.slots

    def clear(self, owner: object = None) -> None:
        """Drop what is compiled of a model; of all of them without one."""
        with self._lock:
            for key in [key for key in self._entries if owner is None or key[0] is owner]:
                del self._entries[key]

    def _make_room(self, needed: _Entry) -> None:
        with self._lock:
            total = sum(entry.megabytes for entry in self._entries.values())
            for key, entry in list(self._entries.items()):
                if total <= self._limit:
                    return
                if entry.slots is not None and entry is not needed:
                    del self._entries[key]
                    total -= entry.megabytes


@dataclass(eq=False)
class _Entry:
    lock: threading.Lock = field(default_factory=threading.Lock)
    slots: Slots | None = None
    megabytes: float = 0.0
