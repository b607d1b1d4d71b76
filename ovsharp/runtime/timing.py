"""How long models take on this machine: measured once, then remembered in the user's cache."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from statistics import median

from ovsharp.files import staged

CACHE_VARIABLE = "OVSHARP_CACHE"
"""Environment variable that names another folder for the cache."""
FILE_NAME = "timings.json"
ROUNDS = 8
"""Rounds over all models; the first one warms up and does not count."""
SECONDS = 3.0
"""No further round is begun after this time, once every model has been timed."""


def measure(
    runs: Mapping[str, Callable[[], int]], clock: Callable[[], float] = time.perf_counter
) -> dict[str, float]:
    """Time models in turns, so that a slow moment of the machine falls on all of them.

    Args:
        runs: by name, something that processes frames and gives their number.
        clock: a monotonic clock in seconds.

    Returns:
        Milliseconds per frame by name: the median over the rounds.

    Example:
        >>> ticks = iter(range(100))
        >>> measure({"one": lambda: 1, "two": lambda: 2}, clock=lambda: next(ticks))
        {'one': 1000.0, 'two': 500.0}
    """
    times: dict[str, list[float]] = {name: [] for name in runs}
    spent = 0.0
    for number in range(ROUNDS):
        for name, run in runs.items():
            began = clock()
            frames = run()
            seconds = clock() - began
            spent += seconds
            if number > 0:
                times[name].append(1000 * seconds / frames)
        if number > 0 and spent >= SECONDS:
            break
    return {name: median(own) for name, own in times.items()}


def size_class(height: int, width: int) -> int:
    """Give the class of a frame size: those of one class cost the same per pixel.

    Classes are half octaves of the number of pixels.

    Example:
        >>> size_class(1080, 1920), size_class(1088, 1920), size_class(720, 1280)
        (42, 42, 40)
    """
    return round(2 * math.log2(height * width))


def cache_folder() -> Path | None:
    """Give the folder of ovsharp's cache, which may not exist; None if the user has no home.

    `OVSHARP_CACHE`, else `ovsharp` in `LOCALAPPDATA` (Windows) or `XDG_CACHE_HOME`, else
    `~/.cache/ovsharp`.
    """
    if own := os.environ.get(CACHE_VARIABLE):
        return Path(own)
    shared = os.environ.get("LOCALAPPDATA" if os.name == "nt" else "XDG_CACHE_HOME")
    if shared and Path(shared).is_absolute():
        return Path(shared) / "ovsharp"
    with suppress(RuntimeError):
        return Path.home() / ".cache" / "ovsharp"
    return None


class TimingCache:
    """Figures by key, in a JSON file.

    Only a memory: where it cannot be read or written, or holds nonsense, one measures again.

    Args:
        folder: made when it is needed; None for `cache_folder()`.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     TimingCache(Path(folder)).put({"a": 1.5})
        ...     TimingCache(Path(folder)).get("a")
        1.5
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = cache_folder() if folder is None else folder

    def get(self, key: str) -> float | None:
        """Give a remembered figure, None if there is none."""
        return self._read().get(key)

    def put(self, figures: Mapping[str, float]) -> None:
        """Remember figures beside those that are there."""
        if self._folder is None:
            return
        text = json.dumps({**self._read(), **figures}, indent=1, sort_keys=True)
        with suppress(OSError), staged(self._folder) as staging:
            (staging / FILE_NAME).write_text(text + "\n", encoding="utf-8")

    def _read(self) -> dict[str, float]:
        if self._folder is None:
            return {}
        try:
            values = json.loads((self._folder / FILE_NAME).read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            return {}
        if not isinstance(values, dict):
            return {}
        return {key: float(value) for key, value in values.items() if _is_time(value)}


def _is_time(value: object) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and 0 < value < 1e9  # type: ignore[operator]
