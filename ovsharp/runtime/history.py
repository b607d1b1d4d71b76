"""`History`: what was done to the frames of a call."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass

from ovsharp.runtime.choice import Choice

KEPT_SWITCHES = 1000
"""How many changes of model are remembered."""


@dataclass(frozen=True)
class Switch:
    """A change of model in a running stream."""

    frame: int
    """Frames of the stream before it, counted from its start."""
    before: str
    after: str
    reason: str


class History:
    """Who made the frames of a call, and why. Thread-safe.

    Args:
        parent: told the same: of all calls together.
        first: frames of the stream that came before this call.

    Example:
        >>> whole = History()
        >>> call = History(whole, first=480)
        >>> call.frame("noise", sharpened=True, why="expected +2.0 dB")
        480
        >>> call.made, whole.made, whole.last
        ({'noise': 1}, {'noise': 1}, 'noise')
    """

    def __init__(self, parent: History | None = None, first: int = 0) -> None:
        self._parent, self._lock = parent, threading.Lock()
        self._place = first
        self._made: Counter[str] = Counter()
        self._switches: deque[Switch] = deque(maxlen=KEPT_SWITCHES)
        self.last = ""
        """Name of what made the last frame; empty before the first."""
        self.sharpened = True
        """Whether that was a model."""
        self.why = ""
        """Why it did."""
        self.gains: Mapping[str, float] = {}
        """What was last expected of each model, in dB."""
        self.choice: Choice | None = None
        """What a frame rate made of the last frame size."""

    @property
    def made(self) -> dict[str, int]:
        """How many frames each has made, most first."""
        with self._lock:
            return dict(self._made.most_common())

    @property
    def switches(self) -> tuple[Switch, ...]:
        """The last changes of model, oldest first."""
        with self._lock:
            return tuple(self._switches)

    def frame(self, name: str, *, sharpened: bool = True, why: str = "") -> int:
        """Note who makes a frame, and give how many of the stream were before it."""
        with self._lock:
            self._made[name] += 1
            self._place += 1
            self.last, self.sharpened, self.why = name, sharpened, why
            place = self._place - 1
        if self._parent is not None:
            self._parent.frame(name, sharpened=sharpened, why=why)
        return place

    @property
    def place(self) -> int:
        """How many frames of the stream were before the next one."""
        return self._place

    def switch(self, switch: Switch) -> None:
        """Note a change of model."""
        with self._lock:
            self._switches.append(switch)
        if self._parent is not None:
            self._parent.switch(switch)

    def look(self, gains: Mapping[str, float]) -> None:
        """Note what is expected of each model."""
        self.gains = gains
        if self._parent is not None:
            self._parent.look(gains)

    def choose(self, choice: Choice, running: str) -> None:
        """Note what a frame rate made of a frame size, and which model runs."""
        self.choice, self.last = choice, running
        if self._parent is not None:
            self._parent.choose(choice, running)
