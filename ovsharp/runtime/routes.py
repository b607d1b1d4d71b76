"""Routing: for each frame the model that is made for what is wrong with it, or none."""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ovsharp.runtime.chooser import Chooser
from ovsharp.runtime.fade import FADE_FRAMES, Fade
from ovsharp.runtime.frames import Frame
from ovsharp.runtime.looks import Looks
from ovsharp.runtime.ring import COMPILED_SIZES
from ovsharp.runtime.router import Router
from ovsharp.runtime.turn import KEPT_SWITCHES, Switch, Turn
from ovsharp.runtime.variant import Made, Maker, Untouched, Variant

VIDEO_LOOK_EVERY = 29
"""Frames of a video from one look of the router to the next: about a second, and in step with no
usual distance of key frames (12, 15, 25, 30, 48, 60, 250): these look unlike the frames between."""
KEPT_MODELS = 3
"""Models that stay compiled; the one that was not used for longest goes first."""
CLOSER = 4
"""How many times as often it looks while a stream begins, or a look speaks against the choice."""


class _Faded(Turn):
    def __init__(self, variant: Maker, fade: Fade, step: int) -> None:
        super().__init__(variant)
        self._fade, self._step = fade, step

    def finished(self, frame: Frame, result: Frame) -> Frame:
        return self._fade.apply(frame, result, self._step)


class Routes(Chooser):
    """Models for different damages, and who of them makes the next frame. Thread-safe.

    Args:
        router: says what each would gain.
        open_model: opens the model of a name.
        every: frames from one look of the router to the next. 1: each frame by itself, so that
            the result depends on nothing else. More: a choice holds, another model takes over
            only where several looks agree that it is clearly better, and is faded in.
    """

    def __init__(self, router: Router, open_model: Callable[[str], Variant], every: int) -> None:
        self._router, self._open, self._every = router, open_model, every
        self._lock = threading.Lock()
        self._used: OrderedDict[str, None] = OrderedDict()
        self._courses: OrderedDict[tuple[int, int], _Course] = OrderedDict()
        self._last: str | None = None
        self._pinned: str | None = None
        self._gains: Mapping[str, float] = {}
        self._made: Counter[str] = Counter()
        self._switches: deque[Switch] = deque(maxlen=KEPT_SWITCHES)
        self._general = open_model(router.spec.models[0])
        self._nobody = Untouched(self._general.spec.scale)
        self._variants: dict[str, Variant | Untouched] = {
            one.name: one for one in (self._nobody, self._general)
        }

    @property
    def names(self) -> tuple[str, ...]:
        """Of all that may make a frame."""
        return (*self._router.spec.models, self._nobody.name)

    @property
    def variant(self) -> Variant:
        """The model for everything."""
        return self._general

    @property
    def running(self) -> str:
        """Name of what made the last frame; of the general model before the first."""
        return self._last or self._general.name

    @property
    def gains(self) -> Mapping[str, float]:
        """What each model was expected to gain, in dB: at the last look, or in the last few."""
        return self._gains

    @property
    def sharpened(self) -> bool:
        """Whether a model made the last frame, or would make the first."""
        return self._last != self._nobody.name

    @property
    def why(self) -> str:
        """What was expected of who made the last frame; of the others if nobody did."""
        if self._pinned is not None:
            return "pinned"
        if not self._gains or self._last is None:
            return ""
        if self._last != self._nobody.name:
            return f"expected {self._gain(self._last)}"
        best = max(self._gains, key=lambda name: self._gains[name])
        least = self._router.spec.least
        return f"no model is expected to gain {least:g} dB: {best} {self._gain(best)}"

    @property
    def made(self) -> dict[str, int]:
        """How many frames each has made, most first."""
        with self._lock:
            return dict(self._made.most_common())

    @property
    def switches(self) -> tuple[Switch, ...]:
        """The last changes of model, oldest first; of single frames there are none."""
        with self._lock:
            return tuple(self._switches)

    def pin(self, name: str | None) -> None:
        """Let one model make all frames; None lets the router choose again."""
        self._check_known(name)
        with self._lock:
            self._pinned = name

    def restart(self) -> None:
        """Let the router look at the next frame, whatever was chosen before."""
        with self._lock:
            self._courses.clear()

    def turn(self, frame: Frame) -> Turn:
        """Say who makes a frame.

        Raises:
            OvsharpError: a model cannot be read or compiled.
        """
        with self._lock:
            turn = self._turn(frame)
            self._last = turn.variant.name
            self._made[self._last] += 1
            return turn

    def prepare(self, height: int, width: int) -> Variant:  # noqa: ARG002 - as every chooser
        """Give the model for everything: which one it will be only a frame can tell."""
        return self._general

    def close(self) -> None:
        """Drop everything that is compiled."""
        for variant in self._variants.values():
            variant.clear()

    def _turn(self, frame: Frame) -> Turn:
        if self._every == 1:
            return Turn(self._variant(self._pinned or self._best(frame, Looks())))
        course = self._course(frame)
        wanted = self._pinned or course.model
        if self._pinned is None and course.frames >= course.due:
            wanted = self._best(frame, course.looks, staying=course.model)
            period = -(-self._every // CLOSER) if course.looks.unsettled(wanted) else self._every
            course.due = course.frames + period
        variant: Maker = self._variant(wanted)
        if course.model not in ("", wanted):
            old, new = self._variant(course.model).run(frame), variant.run(frame)
            course.fade, course.step = Fade(frame.copy(), old, new), 0
            variant = Made(wanted, new)
            self._switches.append(
                Switch(course.frames, course.model, wanted, self._reason(course.model, wanted))
            )
        course.model = wanted
        fade, step = course.fade, course.step
        course.frames += 1
        course.step += 1
        if fade is None or step >= FADE_FRAMES:
            course.fade = None
            return Turn(variant)
        return _Faded(variant, fade, step)

    def _best(self, frame: Frame, looks: Looks, staying: str = "") -> str:
        """Look at a frame and name the model that gains most, or the present one; see `Looks`."""
        looks.add({**self._router.gains(frame), self._nobody.name: self._router.spec.least})
        self._gains = {name: looks.gains[name] for name in self._router.spec.models}
        return looks.best(staying)

    def _reason(self, before: str, after: str) -> str:
        if self._pinned is not None:
            return "pinned"
        return f"expected {self._gain(after)}, {before} {self._gain(before)}"

    def _gain(self, name: str) -> str:
        return f"{self._gains.get(name, 0.0):+.1f} dB"

    def _course(self, frame: Frame) -> _Course:
        height, width = frame.shape[:2]
        course = self._courses.setdefault((height, width), _Course())
        self._courses.move_to_end((height, width))
        while len(self._courses) > COMPILED_SIZES:
            self._courses.popitem(last=False)
        return course

    def _variant(self, name: str) -> Variant | Untouched:
        """Give a model, opened when it is first needed; few stay compiled."""
        if name not in self._variants:
            self._variants[name] = self._open(name)
        self._used[name] = None
        self._used.move_to_end(name)
        while len(self._used) > KEPT_MODELS:
            self._variants[self._used.popitem(last=False)[0]].clear()
        return self._variants[name]


@dataclass
class _Course:
    """What happened at one frame size."""

    model: str = ""
    """Name of what makes the frames; empty before the first one."""
    frames: int = 0
    """That were begun."""
    looks: Looks = field(default_factory=Looks)
    due: int = 0
    """Frames after which the router looks again."""
    step: int = 0
    """Frames since the last change of model."""
    fade: Fade | None = None
