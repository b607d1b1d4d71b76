"""`Clock`: a clock that moves only when something runs."""

from __future__ import annotations

from collections.abc import Callable


class Clock:
    """A clock that moves only when something runs."""

    def __init__(self) -> None:
        self.now = 0.0
        self.order: list[str] = []

    def __call__(self) -> float:
        return self.now

    def takes(self, name: str, *seconds: float, frames: int = 1) -> Callable[[], int]:
        """Calls take the given times in turn, over and over the last one."""
        times = list(seconds)

        def run() -> int:
            self.order.append(name)
            self.now += times.pop(0) if len(times) > 1 else times[0]
            return frames

        return run
