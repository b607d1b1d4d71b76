"""`Steered`: a live camera whose client changes settings, and hears what was done."""

from __future__ import annotations

import json
from typing import Any

from ovsharp.errors import UsageError
from ovsharp.media import Frame
from ovsharp.runtime import Call
from ovsharp.serve.metrics import Metrics

PIXELS = 1920 * 1088
"""Of a frame at most: more is not live on an ordinary CPU."""


class Steered:
    """A camera's call, over whichever way its frames come.

    Args:
        call: closed by who opened it.
        metrics: of the server.
    """

    def __init__(self, call: Call, metrics: Metrics) -> None:
        self._call, self._session, self._metrics = call, call.session, metrics
        self._on, self._late = True, 0
        self._told: dict[str, Any] = {}

    def made(self, frame: Frame) -> Frame:
        """Give a frame as the client wants it: uint8, H x W x 3, BGR. Waits for its turn.

        Raises:
            OvsharpError: it cannot be sharpened.
        """
        return self._call(frame) if self._on else frame

    def set(self, text: str) -> None:
        """Take a client's message: `{"strength": 0.5}`, `{"on": false}`.

        Raises:
            UsageError: it is none.
        """
        try:
            wanted = json.loads(text)
            self._on = bool(wanted.get("on", self._on))
            self._session.strength = float(wanted.get("strength", self._session.strength))
        except (ValueError, TypeError, AttributeError, RecursionError) as error:
            raise UsageError('expected {"strength": 0..1} or {"on": true or false}') from error

    def news(self) -> str | None:
        """Count the frame that was made last, and say by which model, where that has changed."""
        late, self._late = self._call.counts["late"] > self._late, self._call.counts["late"]
        self._metrics.late.inc(late)
        self._metrics.frames.labels("live").inc()
        told: dict[str, Any] = {"model": "off", "sharpened": False, "why": ""}
        if late and self._on:
            told |= {"model": "none", "why": "too much to do: it waited too long for its turn"}
        elif self._on:
            session = self._session
            told = {
                "model": session.variant,
                "sharpened": session.sharpened,
                "why": session.why,
            }
        if told == self._told:
            return None
        self._told = told
        return json.dumps(told)
