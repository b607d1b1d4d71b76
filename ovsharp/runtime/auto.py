"""Auto quality: the best size that holds a frame rate, on this machine, now."""

from __future__ import annotations

import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
import openvino as ov

from ovsharp.engine import MAX_ISA, Frame, Tuning, Variant, get_core
from ovsharp.files import sha256
from ovsharp.runtime.choice import Choice
from ovsharp.runtime.chooser import KEPT_SIZES, Chooser, Level
from ovsharp.runtime.controller import SPARE, Controller
from ovsharp.runtime.fade import FADE_FRAMES, Fade
from ovsharp.runtime.history import Switch
from ovsharp.runtime.timing import TimingCache, measure, size_class
from ovsharp.runtime.turn import Turn
from ovsharp.version import __version__


def choose(target_fps: float, milliseconds: Mapping[str, float], height: int, width: int) -> Choice:
    """Choose the best model that holds a frame rate with room to spare.

    Args:
        target_fps: frames per second to hold.
        milliseconds: per frame of every model, best pictures first.
        height: of the frames.
        width: of the frames.

    Example:
        >>> choose(50, {"good": 25.0, "fast": 8.0}, 1080, 1920).reason
        'good needs 25.0 ms a frame at 1920x1080; fast needs 8.0 ms and holds 50 FPS (20.0 ms) \
with 20 % to spare'
    """
    period = 1000 / target_fps
    model = next((one for one, ms in milliseconds.items() if ms <= SPARE * period), None)
    holds = f"holds {target_fps:g} FPS ({period:.1f} ms) with {1 - SPARE:.0%}".replace("%", " %")
    if model is None:
        model = min(milliseconds, key=lambda one: milliseconds[one])
        end = f"is the fastest; nothing {holds} to spare"
    else:
        end = f"{holds} to spare"
    names = list(milliseconds)
    passed = [f"{one} needs {milliseconds[one]:.1f} ms" for one in names[: names.index(model)]]
    where = f" a frame at {width}x{height}"
    text = f"{model} needs {milliseconds[model]:.1f} ms"
    if passed:
        reason = f"{', '.join(passed)}{where}; {text} and {end}"
    else:
        reason = f"{text}{where} and {end}"
    return Choice(model, target_fps, dict(milliseconds), height, width, reason)


class _AutoTurn(Turn):
    timed = True

    def __init__(self, auto: Auto, course: _Course, turn: Turn) -> None:
        super().__init__(turn.variant)
        self._auto, self._course, self._turn = auto, course, turn
        self._level, self._step = course.level, course.step
        self._fade = course.fade if self._step < FADE_FRAMES else None
        self._began = auto.clock()

    def finished(self, frame: Frame, result: Frame) -> Frame:
        result = self._turn.finished(frame, result)
        if self._fade is not None:
            self._fade.apply(frame, result, self._step)
        # How long it takes to leave a frame alone says nothing of a model.
        counts = self._step >= FADE_FRAMES and isinstance(self.variant, Variant)
        self._auto.report(self._course, self._level, self._began, counts, frame, result)
        return result


class Auto(Chooser):
    """Several sizes that make the same frames, better or faster, and which one runs in a call.

    A size is a model, or a router with its models: a `Level` of its own. Every frame size has a
    course of its own: a first choice from measured times (measured when the first frame of that
    size comes, if this machine's cache does not know them), then a `Controller` that is fed with
    the time of every frame that a model made. What runs next is compiled beside what runs now, by
    a thread, and takes over when it is ready, with a `Fade`.

    Thread-safe. While models are measured, others wait.

    Args:
        levels: best pictures first, of one scale; used by nobody else.
        target_fps: above 0.
        tuning: what the models run with.
        cache: remembered times.
        clock: a monotonic clock in seconds.
        parent: see `Chooser`; models are measured for one call at a time.
        first: likewise.
    """

    def __init__(
        self,
        levels: Sequence[Level],
        target_fps: float,
        tuning: Tuning,
        *,
        cache: TimingCache | None = None,
        clock: Callable[[], float] = time.perf_counter,
        parent: Auto | None = None,
        first: int = 0,
    ) -> None:
        super().__init__(parent, first)
        self._levels, self.clock = tuple(levels), clock
        for level in self._levels:
            level.serve(self)
        self._target_fps, self._tuning = target_fps, tuning
        self._cache = TimingCache() if cache is None else cache
        # Two locks: to measure, slots are needed, and whoever holds them may have to report first.
        self._choosing: threading.Lock = threading.Lock() if parent is None else parent._choosing
        self._lock = threading.Lock()
        self._courses: OrderedDict[tuple[int, int], _Course] = OrderedDict()
        self._closed = False
        self._helper = ThreadPoolExecutor(1, thread_name_prefix="ovsharp-auto")

    @property
    def names(self) -> tuple[str, ...]:
        """Of all that may make a frame, best pictures first."""
        return tuple(dict.fromkeys(name for level in self._levels for name in level.names))

    @property
    def variant(self) -> Variant:
        """The model that stands for the size that makes the next frame of the last course."""
        course = self._last
        return self._levels[0 if course is None else course.level].variant

    def turn(self, frame: Frame) -> Turn:
        """Say who makes the next frame.

        Raises:
            InferenceError, DeviceError, UnsupportedModelError: a model cannot be compiled.
        """
        course = self._course(*frame.shape[:2])
        with self._lock:
            self._take_over(course)
            if course.step >= FADE_FRAMES:
                course.fade = None
            level = self._levels[course.level]
            self.history.choose(course.choice, level.variant.name)
            turn = _AutoTurn(self, course, level.turn(frame))
            course.step += 1
            return turn

    def prepare(self, height: int, width: int) -> Variant:
        """Choose a size for frames, if that was not done yet, and give the model of it.

        Raises:
            InferenceError, DeviceError, UnsupportedModelError: a model cannot be compiled.
        """
        course = self._course(height, width)
        with self._lock:
            variant = self._levels[course.level].prepare(height, width)
            self.history.choose(course.choice, variant.name)
            return variant

    def session(self, look_every: int, first: int) -> Chooser:
        """Give a chooser for another call: with what was measured, and a clock of its own."""
        return Auto(
            [level.session(look_every, first) for level in self._levels],
            self._target_fps,
            self._tuning,
            cache=self._cache,
            clock=self.clock,
            parent=self,
            first=first,
        )

    def report(
        self,
        course: _Course,
        level: int,
        began: float,
        counts: bool,
        frame: Frame,
        result: Frame,
    ) -> None:
        """Take the time of a frame that ends now; begin a change if that is due.

        What counts is the time that the frame kept the machine busy: from its start, or from the
        end of the frame before it where that was later.
        """
        with self._lock:
            ended = self.clock()
            seconds = ended - max(began, course.ended)
            course.ended = ended
            if self._closed or course.pending is not None or level != course.level:
                return
            pinned = self._pinned_level(level)
            if pinned is None and not counts:
                return
            course.wanted = course.controller.feed(seconds) if pinned is None else pinned
            if course.wanted != course.level:
                ready = partial(self._ready, course.wanted, frame.copy(), result.copy())
                course.pending = self._helper.submit(ready)

    def restart(self) -> None:
        """Let routers look at the next frame; what holds the rate stays."""
        for level in self._levels:
            level.restart()

    def catch_up(self) -> None:
        """Let routers look, where the next frame would wait for that."""
        for level in self._levels:
            level.catch_up()

    def close(self) -> None:
        """Wait for what is being prepared."""
        with self._lock:
            self._closed = True
        self._helper.shutdown()

    def _pinned_level(self, running: int) -> int | None:
        """Give the size that has the pinned model, the running one if it does; None for all."""
        name = self.pinned
        levels = [number for number, level in enumerate(self._levels) if name in level.names]
        if not levels:
            return None
        return running if running in levels else levels[0]

    @property
    def _last(self) -> _Course | None:
        with self._lock:
            return next(reversed(self._courses.values()), None)

    def _course(self, height: int, width: int) -> _Course:
        with self._choosing:
            with self._lock:
                known = self._courses.get((height, width))
            course = known or self._begin(height, width)
            with self._lock:
                self._courses[height, width] = course
                self._courses.move_to_end((height, width))
                while len(self._courses) > KEPT_SIZES:
                    self._courses.popitem(last=False)
            return course

    def _begin(self, height: int, width: int) -> _Course:
        times = self._times(height, width)
        choice = choose(self._target_fps, times, height, width)
        level = list(times).index(choice.model)
        pinned = self._pinned_level(level)
        level = level if pinned is None else pinned
        controller = Controller(self._target_fps, list(times.values()), level)
        return _Course(choice, level, controller)

    def _times(self, height: int, width: int) -> dict[str, float]:
        """Milliseconds per frame of every size: remembered per pixel, or measured now."""
        size, machine = size_class(height, width), _machine(self._tuning.device)
        variants = [level.variant for level in self._levels]
        keys = {one.name: self._key(one, size, machine) for one in variants}
        pixels = height * width / 1e6
        known = {name: self._cache.get(key) for name, key in keys.items()}
        times = {name: pixels * one for name, one in known.items() if one is not None}
        if len(times) < len(keys):
            frame = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
            runs = {one.name: partial(one.burst, frame) for one in variants}
            times = measure(runs, self.clock)
            self._cache.put({keys[name]: ms / pixels for name, ms in times.items()})
        return times

    def _key(self, variant: Variant, size: int, machine: str) -> str:
        """Everything that the time of a model depends on."""
        tuning = self._tuning
        facts = {
            "ovsharp": __version__,
            "openvino": ov.__version__,
            "machine": machine,
            "model": f"{variant.name} {sha256(variant.path)[:16]}",
            "execution": variant.execution.label,
            "mode": f"{tuning.mode} {tuning.streams or 'auto'}",
            "threads": tuning.threads or "auto",
            "tile": tuning.tile or "auto",
            "size": size,
        }
        return "; ".join(f"{name} {fact}" for name, fact in facts.items())

    def _ready(self, level: int, frame: Frame, old: Frame) -> Fade:
        """Compile what would make a frame, and let it make one: it takes over warm."""
        return Fade(frame, old, self._levels[level].ahead(frame).run(frame))

    def _take_over(self, course: _Course) -> None:
        if course.pending is None or not course.pending.done():
            return
        pending, course.pending = course.pending, None
        if pending.exception() is not None:
            self._pin = ""
            course.controller.stay(course.level)
        course.fade = pending.result()
        before, after = (self._levels[one].variant for one in (course.level, course.wanted))
        period = 1000 / self._target_fps
        room = "room for a better model" if course.wanted < course.level else "too slow"
        reason = f"{room}: {1000 * course.controller.cause:.1f} ms of {period:.1f} ms a frame"
        if course.controller.level != course.wanted:  # not its decision
            reason = "pinned"
            course.controller.stay(course.wanted)
        self.history.switch(Switch(self.history.place, before.name, after.name, reason))
        self._levels[course.wanted].restart()
        course.level, course.step = course.wanted, 0


@dataclass
class _Course:
    """What happened at one frame size."""

    choice: Choice
    level: int
    """Index of the size that runs."""
    controller: Controller
    step: int = 0
    """Frames that were begun since the last change of model, or the start."""
    ended: float = 0.0
    """When the last one was."""
    fade: Fade | None = None
    pending: Future[Fade] | None = None
    """The next size, being prepared."""
    wanted: int = 0
    """Index of that one."""


def _machine(device: str) -> str:
    """Name the processors that a device may stand for, and the cores that may be used."""
    core = get_core()
    names = [
        f"{one} {core.get_property(one, 'FULL_DEVICE_NAME')}" for one in core.available_devices
    ]
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    limit = os.environ.get(MAX_ISA, "")
    return f"{device} of {', '.join(names)}, {usable} cores {limit}".strip()
