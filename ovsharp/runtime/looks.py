"""What a router said of a stream when it last looked, and which model these looks agree on."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from statistics import fmean

LOOKS = 4
"""Looks that are weighed together."""
AGREEING = 2
"""Looks, of these, in which another model must be clearly ahead before it takes over."""
CLEARLY = 0.1
"""dB by which another model must be ahead: in single looks, and over all of them."""
TRUSTED = 0.5
"""dB that a single look counts for at most."""


class Looks:
    """The last looks at a stream. Not thread-safe.

    One look is not enough to change a model in a stream. A picture that stands alone in a coded
    video looks cleaner or dirtier than those around it, and comes again and again: what is
    chosen on it alone would come and go once a second.

    Example:
        >>> looks, chosen = Looks(), ["noise"]
        >>> for jpeg in (-1.0, -1.0, 9.0, -1.0, 1.0, 1.0, 1.0):
        ...     looks.add({"noise": 0.0, "jpeg": jpeg})
        ...     chosen.append(looks.best(chosen[-1]))
        >>> chosen
        ['noise', 'noise', 'noise', 'noise', 'noise', 'noise', 'jpeg', 'jpeg']
    """

    def __init__(self) -> None:
        self._last: deque[Mapping[str, float]] = deque(maxlen=LOOKS)

    def add(self, gains: Mapping[str, float]) -> None:
        """Take what was expected of each model, in dB, at one look."""
        self._last.append(gains)

    @property
    def gains(self) -> dict[str, float]:
        """The mean of the last looks, in dB; empty before the first."""
        names: Iterable[str] = self._last[-1] if self._last else ()
        return {name: fmean(look[name] for look in self._last) for name in names}

    def best(self, staying: str = "") -> str:
        """Name the model that shall make the next frames.

        Args:
            staying: the one that makes them now, which gives way only to one that is clearly
                ahead in several looks and in their mean; empty where none was chosen yet.
        """
        gains = self.gains
        ahead = gains if not staying else [name for name in gains if self._leads(name, staying)]
        return max(ahead, key=lambda name: gains[name], default=staying)

    def unsettled(self, staying: str) -> bool:
        """Whether more should be known soon: a stream begins, or the last look disagrees."""
        if len(self._last) < LOOKS:
            return True
        last = self._last[-1]
        return max(last.values()) > last[staying] + CLEARLY

    def _leads(self, name: str, staying: str) -> bool:
        leads = [look[name] - look[staying] for look in self._last]
        mean = fmean(min(max(lead, -TRUSTED), TRUSTED) for lead in leads)
        return mean > CLEARLY and sum(lead > CLEARLY for lead in leads) >= AGREEING
