"""`Opened`: the models of a router, shared by all calls."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from ovsharp.engine import Untouched, Variant


class Opened:
    """The models that a router chooses among, each opened when it is first needed. Thread-safe.

    Args:
        names: of the models, that for everything first: it is opened at once.
        open_model: opens the model of a name.
    """

    def __init__(self, names: Sequence[str], open_model: Callable[[str], Variant]) -> None:
        self._open, self._lock = open_model, threading.Lock()
        self.general = open_model(names[0])
        """The model for everything."""
        self.nobody = Untouched(self.general.spec.scale)
        """Who leaves a frame as it is."""
        self.names = (*names, self.nobody.name)
        """Of all that may make a frame."""
        self._known: dict[str, Variant | Untouched] = {
            one.name: one for one in (self.nobody, self.general)
        }

    def get(self, name: str) -> Variant | Untouched:
        """Give the model of a name.

        Raises:
            OvsharpError: it cannot be read.
        """
        with self._lock:
            if name not in self._known:
                self._known[name] = self._open(name)
            return self._known[name]
