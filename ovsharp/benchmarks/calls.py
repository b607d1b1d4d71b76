"""How many calls a machine holds: frames at a steady pace, through one gate."""

from __future__ import annotations

import dataclasses
import datetime
import itertools
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import psutil
from rich import box
from rich.table import Table

from ovsharp.degrade import parse
from ovsharp.engine import Frame, Mode
from ovsharp.errors import UsageError
from ovsharp.measuring import Measured, environment, open_album
from ovsharp.reports import Size, add_numbers, add_words
from ovsharp.runtime import VIDEO_LOOK_EVERY, Call, Sharpener, check_quality
from ovsharp.version import __version__

DAMAGES = ("jpeg(quality=25)", "noise(sigma=6)", "gla", "blur(kernel=7, sigma=1.2)", "clean")
"""What calls suffer from, in turns."""
CLIP = 6
"""Frames of a call, over and over."""
LIMIT = 0.01
"""Share of frames that may be late where calls count as held."""
SPREAD = VIDEO_LOOK_EVERY
"""Frames within which calls begin: those that begin at once would all be looked at at once, too."""
WARM_UP = 2.0
"""Seconds of each trial that do not count: calls begin, and the router settles."""
LOAD = 0.85
"""Share of the cores that a forecast uses: at more, frames are late by chance (docs/CALLS.md)."""
SETTLED = 32
"""Frames of a call after which a router looks once a second."""
TURNS = 3
"""How often the cost of a second of frames is taken; the least counts: what disturbs only adds."""
DISTURBED = 0.05
"""Share of all cores that others may keep busy where a trial counts as undisturbed."""
CORES = (1, 2, 4, 8, 16, 32, 64)
"""What forecasts are made for."""


@dataclass(frozen=True)
class Trial:
    """A number of calls, and how they fared."""

    calls: int
    p50: float
    """Milliseconds from when a frame is due to its result."""
    p95: float
    p99: float
    late: float
    """Share of frames whose result was not there when the next one of their call was due; those
    that came back untouched are among them."""
    frames: int
    busy: float
    """Share of the usable cores that this process kept busy."""
    others: float
    """Share of all cores that others kept busy: where it is much, fewer calls are held."""
    megabytes: float
    """Memory of the process."""

    @property
    def holds(self) -> bool:
        """Whether few enough frames were late."""
        return self.late <= LIMIT


@dataclass(frozen=True)
class Capacity:
    """What a machine holds of calls of one size, in one mode."""

    size: str
    quality: str
    """Of the models; empty where none was asked for."""
    mode: Mode
    trials: tuple[Trial, ...]
    """In the order in which they were made."""
    cpu_ms: float
    """Milliseconds of all cores together per frame, looks of a router included: the mean over
    calls of every damage that have run for a while. Others' load adds to it: caches are shared."""

    @property
    def held(self) -> int:
        """The most calls that were held; 0 if not even one."""
        return max((trial.calls for trial in self.trials if trial.holds), default=0)

    @property
    def best(self) -> Trial:
        """The trial with the most calls that were held, or with the fewest at all."""
        held = [trial for trial in self.trials if trial.holds]
        return max(held or self.trials, key=lambda one: one.calls if held else -one.calls)

    def forecast(self, fps: float) -> dict[int, int]:
        """Give calls by cores like these, where nothing else runs on them.

        From the time of cores per frame alone: that memory keeps up, and that cores run as fast
        when all of them do, is assumed.
        """
        return {cores: int(cores * LOAD * 1000 / (fps * self.cpu_ms)) for cores in CORES}


@dataclass(frozen=True)
class CallsReport(Measured):
    """Everything that was measured."""

    model: str
    fps: float
    damages: tuple[str, ...]
    capacities: tuple[Capacity, ...]

    def to_dict(self) -> dict[str, object]:
        """Give all figures, those that follow from others too, for JSON."""
        values = dataclasses.asdict(self)
        for one, own in zip(values["capacities"], self.capacities, strict=True):
            one |= {"held": own.held, "forecast": own.forecast(self.fps)}
        return values


def measure_calls(
    model: str | Path | None = None,
    *,
    sizes: Sequence[str] = ("360p", "720p"),
    qualities: Sequence[str | None] = (None,),
    modes: Sequence[Mode] = ("throughput",),
    fps: float = 30.0,
    seconds: float = 4.0,
    device: str = "CPU",
    precision: str | None = None,
    threads: int | None = None,
    step: Callable[[str], None] = lambda _: None,
) -> CallsReport:
    """Find how many calls this machine holds.

    Calls begin at moments of their own within a second, drawn by a seed, and suffer from `DAMAGES`
    in turns, so that a router gives them to different models. They share a sharpener through its
    gate, with one period of a frame as the deadline. A number that was not held while others kept
    more than `DISTURBED` of the cores busy is tried once more.

    Args:
        model: as for `Sharpener`.
        sizes: of the output; see `Size.parse`.
        qualities: as for `Sharpener`.
        modes: of the sharpener. Few calls of large frames fare better one frame at a time, on all
            cores: each is done sooner. Many of small ones are cheaper with a core each.
        fps: frames per second of each call.
        seconds: of each trial that count; there are about six of them per size, quality and mode.
        device: as for `Sharpener`.
        precision: likewise.
        threads: likewise.
        step: told what comes next.

    Raises:
        UsageError: values that make no sense.
        OvsharpError: as `Sharpener`.
    """
    for name, value in (("fps", fps), ("seconds", seconds)):
        if not 0 < value <= 1000:
            raise UsageError(f"{name} must be above 0 and at most 1000, got {value:g}")
    for quality in qualities:
        check_quality(quality, None)
    before, capacities = environment.load(), []
    for size, quality, mode in itertools.product(map(Size.parse, sizes), qualities, modes):
        tuning = {"device": device, "precision": precision, "mode": mode, "threads": threads}
        with Sharpener(model, quality=quality, **tuning) as sharpener:  # type: ignore[arg-type]
            clips = damaged_clips(*size.frame(sharpener.spec))
            _compile(sharpener, clips[0][0])
            cpu_ms = _cost(sharpener, clips)
            first = int(0.7 * 1000 * environment.usable_cores() / (fps * cpu_ms))
            trials: list[Trial] = []
            place = ", ".join(filter(None, (size.name, quality, mode)))

            def holds(count: int, where: str = place) -> bool:
                step(f"{where}: {count} call{'s' * (count > 1)}")
                for _ in range(2):
                    trials.append(_trial(sharpener, clips, count, fps, seconds))  # noqa: B023
                    if trials[-1].holds or trials[-1].others <= DISTURBED:  # noqa: B023
                        break
                return trials[-1].holds  # noqa: B023

            search(holds, first)
        found = Capacity(size.name, quality or "", mode, tuple(trials), round(cpu_ms, 3))
        capacities.append(found)
    return CallsReport(
        version=__version__,
        date=datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        environment=environment.describe(before),
        model=str(model or "call"),
        fps=fps,
        damages=DAMAGES,
        capacities=tuple(capacities),
    )


def search(holds: Callable[[int], bool], first: int) -> int:
    """Find the largest number that holds, if fewer always hold too.

    Args:
        holds: tries a number, 1 or more; asked once for each.
        first: where to begin.

    Example:
        >>> tried = []
        >>> search(lambda count: tried.append(count) or count <= 12, 8), tried
        (12, [8, 10, 12, 15, 13])
    """
    low, high, count = 0, None, max(1, first)
    while high is None or high - low > 1:
        if holds(count):
            low = count
        else:
            high = count
        if high is None:
            count = low + max(1, low // 4)
        elif low == 0:
            count = max(1, high * 3 // 4) if high > 1 else 1
        else:
            count = (low + high) // 2
    return low


def damaged_clips(height: int, width: int) -> list[list[Frame]]:
    """Give a short clip for each damage: a photo that pans, a little for each frame."""
    photos = [photo for _, _, photo in open_album(None).items]
    clips = []
    for index, damage in enumerate(DAMAGES):
        photo, recipe = photos[index % len(photos)], parse(damage)
        tiles = (-(-height // photo.shape[0]), -(-width // photo.shape[1]), 1)
        scene = np.tile(photo, tiles)[:height, :width]
        moved = (np.ascontiguousarray(np.roll(scene, step, axis=1)) for step in range(CLIP))
        clips.append([recipe(frame, seed=seed) for seed, frame in enumerate(moved)])
    return clips


def _compile(sharpener: Sharpener, frame: Frame) -> None:
    """Compile whatever a router may choose: within a trial, that keeps a core busy for a second."""
    names = sharpener.variants
    with sharpener.session() as call:
        for name in names if len(names) > 1 else ():
            call.pin(name)
            call(frame)


def _cost(sharpener: Sharpener, clips: list[list[Frame]]) -> float:
    """Give the milliseconds of cores per frame of calls that have settled."""
    used = 0.0
    with sharpener.gate() as gate:
        for clip in clips:
            frames = itertools.cycle(clip)
            with gate.call() as call:
                for _ in range(SETTLED):
                    call(next(frames))
                costs = []
                for _ in range(TURNS):
                    before = time.process_time()
                    for _ in range(VIDEO_LOOK_EVERY):
                        call(next(frames))
                    costs.append(time.process_time() - before)
                used += min(costs)
    return max(1e-3, 1000 * used / (VIDEO_LOOK_EVERY * len(clips)))


def _trial(
    sharpener: Sharpener, clips: list[list[Frame]], count: int, fps: float, seconds: float
) -> Trial:
    period, end = 1 / fps, WARM_UP + seconds
    starts = np.random.default_rng(count).uniform(0, SPREAD * period, count)
    due = sorted(
        (when, call) for call in range(count) for when in np.arange(starts[call], end, period)
    )
    waits = _Waits()
    with sharpener.gate(deadline_ms=1000 * period) as gate:
        calls = [gate.call() for _ in range(count)]
        places = [itertools.cycle(clips[index % len(clips)]) for index in range(count)]
        began, used, all_used, counted = time.perf_counter(), 0.0, 0.0, False
        for when, index in due:
            if not counted and when >= WARM_UP:
                counted, used, all_used = True, time.process_time(), _all_used()
            if (rest := began + when - time.perf_counter()) > 0:
                time.sleep(rest)
            waits.begin(calls[index], next(places[index]), began + when, counted)
        gate.close()
    wall, used = time.perf_counter() - began - WARM_UP, time.process_time() - used
    others = max(0.0, _all_used() - all_used - used)
    milliseconds = 1000 * np.array(waits.seconds or [0.0])
    p50, p95, p99 = (float(np.percentile(milliseconds, share)) for share in (50, 95, 99))
    return Trial(
        calls=count,
        p50=round(p50, 2),
        p95=round(p95, 2),
        p99=round(p99, 2),
        late=float(np.mean(milliseconds > 1000 * period)),
        frames=len(waits.seconds),
        busy=round(used / (wall * environment.usable_cores()), 3),
        others=round(others / (wall * (psutil.cpu_count() or 1)), 3),
        megabytes=round(psutil.Process().memory_info().rss / 1e6, 1),
    )


class _Waits:
    """Notes how long frames take."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self._lock = threading.Lock()

    def begin(self, call: Call, frame: Frame, due: float, counts: bool) -> None:
        """Give a frame to its call; a result counts from when the frame was due."""
        future = call.submit(frame)
        if counts:
            future.add_done_callback(partial(self._end, due))

    def _end(self, due: float, future: Future[Frame]) -> None:
        future.result()
        with self._lock:
            self.seconds.append(time.perf_counter() - due)


def _all_used() -> float:
    """Give the seconds that all processes have used of the cores."""
    times = psutil.cpu_times()
    return float(times.user + getattr(times, "nice", 0.0) + times.system)


def calls_table(report: CallsReport) -> Table:
    """What was held, and what was one call too many."""
    title = f"Calls at {report.fps:g} FPS, and milliseconds of their frames"
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, collapse_padding=True)
    add_words(table, *_names(report))
    add_numbers(table, "calls", "p50", "p95", "p99", "late", "busy", "others", "MB")
    for one in report.capacities:
        over = [trial for trial in one.trials if trial.calls > one.best.calls]
        shown = [one.best, *sorted(over, key=lambda trial: trial.calls)[:1]]
        for trial in shown:
            name = f"[bold]{trial.calls}[/]" if trial.holds else f"({trial.calls})"
            last = trial is shown[-1]
            words = _names(report, one)
            table.add_row(*words, name, *_cells(trial), end_section=last)
    return table


def forecast_table(report: CallsReport) -> Table:
    """How many calls other numbers of such cores would hold."""
    title = "Forecast: calls by cores, with nothing else on them"
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    add_words(table, *_names(report))
    add_numbers(table, "CPU ms", *map(str, CORES))
    for one in report.capacities:
        calls = map(str, one.forecast(report.fps).values())
        table.add_row(*_names(report, one), f"{one.cpu_ms:.1f}", *calls)
    return table


def calls_lines(report: CallsReport) -> list[str]:
    """Say what was measured, and on what."""
    machine = report.environment
    load = ", ".join(f"{value:g}" for value in machine.load_before) or "unknown"
    hows = [
        " and ".join(sorted({getattr(one, name) for one in report.capacities} - {""}))
        for name in ("quality", "mode")
    ]
    others = max(one.best.others for one in report.capacities)
    disturbed = f"others used up to {others:.0%} of the cores: alone, this machine holds more"
    return [
        f"{', '.join(filter(None, (report.model, *hows)))}, on {machine.cpu}, "
        f"{machine.usable_cores:g} cores, {machine.used_isa}; "
        f"load before {load}",
        f"held: at most {100 * LIMIT:g} % of the frames later than a period, "
        f"{1000 / report.fps:.1f} ms; in brackets: too many; others: what else used the cores",
        f"forecast: of CPU time per frame alone, {100 * LOAD:g} % of the cores used",
        *([disturbed] if others > DISTURBED else []),
    ]


def _names(report: CallsReport, one: Capacity | None = None) -> list[str]:
    """Give the words of a row, or their titles: size, then of quality and mode what differs."""
    differ = [
        name
        for name in ("quality", "mode")
        if len({getattr(each, name) for each in report.capacities}) > 1
    ]
    return [name if one is None else getattr(one, name) for name in ("size", *differ)]


def _cells(trial: Trial) -> list[str]:
    shares = (f"{trial.late:.1%}", f"{trial.busy:.0%}", f"{trial.others:.0%}")
    times = (f"{value:.0f}" for value in (trial.p50, trial.p95, trial.p99))
    return [*times, *shares, f"{trial.megabytes:.0f}"]
