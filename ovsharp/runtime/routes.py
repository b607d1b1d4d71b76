"""Routing: for each frame the model that is made for what is wrong with it, or none."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field

from ovsharp.engine import Frame, Made, Maker, Variant
from ovsharp.runtime.chooser import KEPT_SIZES, Chooser, Level
from ovsharp.runtime.fade import FADE_FRAMES, Fade
from ovsharp.runtime.history import Switch
from ovsharp.runtime.looks import Looks
from ovsharp.runtime.opened import Opened
from ovsharp.runtime.router import Router
from ovsharp.runtime.turn import Turn

VIDEO_LOOK_EVERY = 29
"""Frames of a video from one look of the router to the next: about a second, and in step with no
usual distance of key frames (12, 15, 25, 30, 48, 60, 250): these look unlike the frames between."""
CLOSER = 4
"""How many times as often it looks while a stream begins, or a look speaks against the choice."""


class _Faded(Turn):
    def __init__(self, variant: Maker, fade: Fade, step: int) -> None:
        super().__init__(variant)
        self._fade, self._step = fade, step

    def finished(self, frame: Frame, result: Frame) -> Frame:
        return self._fade.apply(frame, result, self._step)


class Routes(Level):
    """Models for different damages, and who of them makes the next frame of a call. Thread-safe.

    Args:
        router: says what each would gain.
        models: what it chooses among.
        every: frames from one look of the router to the next. 1: each frame by itself, so that
            the result depends on nothing else. More: a choice holds, another model takes over
            only where several looks agree that it is clearly better, and is faded in.
        parent: see `Chooser`.
        first: likewise.
    """

    def __init__(
        self,
        router: Router,
        models: Opened,
        every: int,
        parent: Chooser | None = None,
        first: int = 0,
    ) -> None:
        super().__init__(parent, first)
        self._router, self._models, self._every = router, models, every
        self._lock = threading.Lock()
        self._courses: OrderedDict[tuple[int, int], _Course] = OrderedDict()
        self._left: dict[tuple[int, int], str] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """Of all that may make a frame."""
        return self._models.names

    @property
    def variant(self) -> Variant:
        """The model for everything."""
        return self._models.general

    def restart(self) -> None:
        """Let the router look at the next frame, whatever was chosen before."""
        with self._lock:
            self._left = {size: course.model for size, course in self._courses.items()}
            self._courses.clear()

    def turn(self, frame: Frame) -> Turn:
        """Say who makes a frame.

        Raises:
            OvsharpError: a model cannot be read or compiled.
        """
        if self._every == 1:
            looks = Looks()
            name = self.pinned or self._look(self._told(self._router.crops(frame)), looks)
            turn = Turn(self._models.get(name))
            self._note(name, looks)
            return turn
        # Frames of one call come one after the other: who waits here waits for that call's look.
        with self._lock:
            return self._next(frame)

    def prepare(self, height: int, width: int) -> Variant:  # noqa: ARG002 - as every chooser
        """Give the model for everything: which one it will be only a frame can tell."""
        return self._models.general

    def ahead(self, frame: Frame) -> Maker:
        """Look at a frame and give the model for it."""
        looks = Looks()
        looks.add(self._told(self._router.crops(frame)))
        return self._models.get(self.pinned or looks.best())

    def catch_up(self) -> None:
        """Look at the last frame, where the next one would wait for that."""
        with self._lock:
            for course in self._courses.values():
                if course.crops is not None:
                    course.told, course.crops = self._told(course.crops), None

    def session(self, look_every: int, first: int) -> Level:
        """Give a chooser for another call, which looks at its own frames only."""
        return Routes(self._router, self._models, look_every, self, first)

    def _next(self, frame: Frame) -> Turn:
        course, pinned = self._course(frame), self.pinned
        before, wanted = course.model, pinned or course.model
        if pinned:
            course.due = course.frames  # it looks as soon as it may choose again
        elif course.frames >= course.due:
            if course.told is None:
                crops = self._router.crops(frame) if course.crops is None else course.crops
                course.told = self._told(crops)
            wanted = self._look(course.told, course.looks, staying=course.model)
            period = -(-self._every // CLOSER) if course.looks.unsettled(wanted) else self._every
            course.due = course.frames + period
        course.told = course.crops = None
        variant: Maker = self._models.get(wanted)
        if before not in ("", wanted):
            old, new = self._models.get(before).run(frame), variant.run(frame)
            course.fade, course.step = Fade(frame.copy(), old, new), 0
            variant = Made(wanted, new)
        before = before or self._left.pop(frame.shape[:2], "")
        course.model = wanted
        fade, step = course.fade, course.step
        course.frames += 1
        course.step += 1
        if course.frames == course.due and not pinned:
            # The next frame is chosen for by this one: there is time to look at it until then.
            course.crops = self._router.crops(frame)
        place = self._note(wanted, course.looks)
        if before not in ("", wanted):
            reason = "pinned" if pinned else self._reason(course.looks.gains, before, wanted)
            self.history.switch(Switch(place, before, wanted, reason))
        if fade is None or step >= FADE_FRAMES:
            course.fade = None
            return Turn(variant)
        return _Faded(variant, fade, step)

    def _look(self, told: Mapping[str, float], looks: Looks, staying: str = "") -> str:
        """Take a look and name the model that gains most, or the present one; see `Looks`."""
        looks.add(told)
        self.history.look({name: looks.gains[name] for name in self._router.models})
        return looks.best(staying)

    def _told(self, crops: Frame) -> dict[str, float]:
        return {**self._router.gains_on(crops), self._models.nobody.name: self._router.spec.least}

    def _note(self, name: str, looks: Looks) -> int:
        """Note who makes a frame and why; give the frame's place in the stream."""
        sharpened = name != self._models.nobody.name
        why = "pinned" if self.pinned else self._why(name, sharpened, looks.gains)
        return self.history.frame(name, sharpened=sharpened, why=why)

    def _why(self, name: str, sharpened: bool, gains: Mapping[str, float]) -> str:
        if not gains:
            return ""
        if sharpened:
            return f"expected {gains[name]:+.1f} dB"
        best = max(self._router.models, key=lambda one: gains[one])
        least = self._router.spec.least
        return f"no model is expected to gain {least:g} dB: {best} {gains[best]:+.1f} dB"

    def _reason(self, gains: Mapping[str, float], before: str, after: str) -> str:
        nobody = self._models.nobody.name
        told = {**gains, nobody: 0.0}
        return f"expected {told[after]:+.1f} dB, {before} {told[before]:+.1f} dB"

    def _course(self, frame: Frame) -> _Course:
        size = frame.shape[:2]
        course = self._courses.setdefault(size, _Course())
        self._courses.move_to_end(size)
        while len(self._courses) > KEPT_SIZES:
            self._courses.popitem(last=False)
        return course


@dataclass
class _Course:
    """What happened at one frame size."""

    model: str = ""
    """Name of what makes the frames; empty before the first one."""
    frames: int = 0
    """That were begun."""
    looks: Looks = field(default_factory=Looks)
    due: int = 0
    """Frames after which the router has looked again: at the last of these."""
    crops: Frame | None = None
    """What it looks at."""
    told: dict[str, float] | None = None
    """What it has said of that, ahead of the next frame."""
    step: int = 0
    """Frames since the last change of model."""
    fade: Fade | None = None
