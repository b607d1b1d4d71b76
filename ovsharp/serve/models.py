"""`Models`: sharpeners that all requests share, each opened when it is first asked for."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from typing import Any

from ovsharp.apps import Upscalers
from ovsharp.closing import Closing
from ovsharp.errors import UsageError
from ovsharp.runtime import Call, Gate, Session, Sharpener, shipped_models, shipped_routers

LATE = 250.0
"""Milliseconds that a live frame waits for its turn; beyond, it comes back as it is."""
_MEMORY = 256
"""Megabytes that what is compiled of one model may take: many may be open."""

_SHOWN = 80
"""Letters of a name that is repeated to who asked for it."""


class Models(Closing):
    """The shipped models, and the one that runs where a request names none. Thread-safe.

    A request names a shipped model or none; it never names a file.

    Args:
        default: shipped model or .xml file; None for the shipped one that fits: `call`, which
            chooses, or the upscaler that is nearest. Opened at once.
        options: what `Sharpener` takes besides.

    Raises:
        OvsharpError: the default cannot be opened.

    Example:
        >>> import numpy as np
        >>> with Models("call-fast", threads=1) as models, models.session(None) as session:
        ...     session(np.zeros((48, 64, 3), np.uint8)).shape
        (48, 64, 3)
    """

    def __init__(self, default: str | None = None, **options: Any) -> None:
        self.default = default
        self._options = {"memory": _MEMORY, **options}
        self._lock = threading.Lock()
        self._open: dict[str, Sharpener] = {}
        self._gates: dict[str, Gate] = {}
        self._closing = ExitStack()
        self.names = tuple(sorted({*shipped_routers(), *shipped_models()}))
        """What a request may name."""
        self.sharpener(None)

    def name(self, model: str | None, factor: float = 1.0) -> str:
        """Tell which model a request means.

        Args:
            model: a shipped one, or None for what fits.
            factor: what pictures shall grow by.

        Raises:
            UsageError: there is no such model here.
        """
        if model is not None and model not in self.names:
            raise UsageError(
                f"there is no model '{model[:_SHOWN]}' here; leave it out, or name one of "
                f"{', '.join(self.names)}"
            )
        return Upscalers(self.default if model is None else model).name(factor)

    def sharpener(self, model: str | None, factor: float = 1.0) -> Sharpener:
        """Give the sharpener that a request means; it stays open.

        Raises:
            UsageError: there is no such model here.
            OvsharpError: it cannot be opened.
        """
        name = self.name(model, factor)
        with self._lock:
            if name not in self._open:
                self._open[name] = self._closing.enter_context(Sharpener(name, **self._options))
            return self._open[name]

    def session(
        self,
        model: str | None,
        factor: float = 1.0,
        *,
        strength: float = 1.0,
        look_every: int | None = None,
    ) -> Session:
        """Open a session of a sharpener; see `Sharpener.session`."""
        sharpener = self.sharpener(model, factor)
        return sharpener.session(strength=strength, look_every=look_every)

    def call(self, model: str | None, *, strength: float = 1.0) -> Call:
        """Open a live call, whose frames take fair turns with those of other calls.

        Raises:
            UsageError: there is no such model here.
            OvsharpError: it cannot be opened.
        """
        name, sharpener = self.name(model), self.sharpener(model)
        with self._lock:
            if name not in self._gates:
                gate = sharpener.gate(deadline_ms=LATE)
                self._gates[name] = self._closing.enter_context(gate)
            return self._gates[name].call(strength=strength)

    def close(self) -> None:
        """Close all sharpeners, once their frames in flight are done."""
        self._closing.close()
