"""When a live stream changes its model: a controller that is fed with frame times."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from statistics import median

LATE = 0.9
"""Share of the frame period from which on a model counts as too slow: before frames are late."""
SPARE = 0.8
"""Share of the period that a model may take to be chosen, at the start or on the way down."""
ROOM = 0.75
"""Share of the period that a better model may take to be tried on the way up. The gaps between
the three shares are the hysteresis."""
WINDOW = 5
"""Frames whose median counts: one or two slow frames are no trend."""
PATIENCE_SECONDS = 2.0
"""How long there must be room before a better model is tried, in seconds of target frames."""
MAX_BACKOFF = 16
"""A try that fails doubles the patience, up to this factor; one that holds restores it."""


class Controller:
    """Decides which of several models runs. Pure: the same times give the same decisions.

    It holds no clock: it counts frames, and a frame stands for a period of the target. Feed only
    frames that were made by one model in its steady state; after a change of `level`, go on
    feeding when the new model runs.

    - Down: the median of the last frames is above `LATE` of the period. The best model whose
      predicted time is within `SPARE` follows, or else the fastest: two steps at once, if need be.
    - Up: for `PATIENCE_SECONDS` the next better model would have been within `ROOM`. If it has to
      be left again soon, the next try waits twice as long: no to and fro.

    A model's time is predicted from that of the running one by the ratio of their costs: what
    slows this machine down slows all of them down.

    Args:
        target_fps: frames per second to hold, above 0.
        costs: time per frame of every model, best first, in any one unit, above 0.
        level: index of the model that runs.

    Example:
        >>> controller = Controller(50, costs=[20, 10, 5], level=1)
        >>> for _ in range(5):  # 19 ms of the 20 ms that a frame has
        ...     level = controller.feed(0.019)
        >>> level
        2
    """

    def __init__(self, target_fps: float, costs: Sequence[float], level: int) -> None:
        self._period = 1 / target_fps
        self._costs = tuple(costs)
        self._level = level
        self._recent: deque[float] = deque(maxlen=WINDOW)
        self._least = max(WINDOW, round(PATIENCE_SECONDS * target_fps))
        self._patience = self._least
        self._room = 0
        self._since_up: int | None = None
        self._cause = 0.0

    @property
    def level(self) -> int:
        """Index of the model that should run."""
        return self._level

    @property
    def cause(self) -> float:
        """Seconds per frame that the last change was decided by."""
        return self._cause

    def feed(self, seconds: float) -> int:
        """Take the time of one frame and give the model that should run from now on.

        Args:
            seconds: that the machine was busy with the frame, not what it waited for it.
        """
        self._recent.append(seconds)
        self._count_try()
        if len(self._recent) < WINDOW:
            return self._level
        typical = median(self._recent)
        if typical > LATE * self._period:
            return self._go(self._lower(typical), typical)
        if self._level == 0:
            return 0
        fits = self._predicted(typical, self._level - 1) <= ROOM * self._period
        self._room = self._room + 1 if fits else 0
        better = self._level - (self._room >= self._patience)
        return self._go(better, typical)

    def stay(self, level: int) -> None:
        """Take a decision back: this model goes on running."""
        self._level = level
        self._forget()

    def _predicted(self, typical: float, level: int) -> float:
        return typical * self._costs[level] / self._costs[self._level]

    def _lower(self, typical: float) -> int:
        """The best model below that fits, else the fastest of all that are faster."""
        mine = self._costs[self._level]
        faster = [
            level for level in range(self._level + 1, len(self._costs)) if self._costs[level] < mine
        ]
        for level in faster:
            if self._predicted(typical, level) <= SPARE * self._period:
                return level
        return min(faster, key=lambda level: self._costs[level], default=self._level)

    def _go(self, level: int, typical: float) -> int:
        if level > self._level and self._since_up is not None:
            self._patience = min(2 * self._patience, MAX_BACKOFF * self._least)
            self._since_up = None
        elif level < self._level:
            self._since_up = 0
        if level != self._level:
            self._level, self._cause = level, typical
            self._forget()
        return level

    def _count_try(self) -> None:
        """A better model that ran for longer than it was waited for was no mistake."""
        if self._since_up is not None:
            self._since_up += 1
            if self._since_up > 2 * self._patience:
                self._since_up, self._patience = None, self._least

    def _forget(self) -> None:
        self._recent.clear()
        self._room = 0
