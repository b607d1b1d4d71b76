"""One clip, sent one way, by every method: through the door that `ovsharp video` goes through."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import re
from collections import Counter, deque
from collections.abc import Callable, Generator, Mapping, Sequence
from functools import cache, partial
from itertools import islice

from ovsharp.degrade import SENDINGS, Sending, parse_sending
from ovsharp.engine import Frame
from ovsharp.errors import MediaError, UsageError
from ovsharp.evaluation.clips import Clip, Received, Taken, multiple_of, send
from ovsharp.evaluation.everyday import Filter, everyday
from ovsharp.evaluation.options import Options, Subject
from ovsharp.evaluation.results import INPUT, Damage, Row
from ovsharp.evaluation.tally import Tally
from ovsharp.evaluation.vmaf import Vmaf, has_vmaf
from ovsharp.evaluation.work import Play, Work
from ovsharp.files import scratch
from ovsharp.media import Shot
from ovsharp.runtime import Sharpener

Made = tuple[dict[str, float | None], dict[str, int], int]
"""Measures, frames by model, and frames in all."""
_FORMULAS = 3
"""Counted up when a measure of clips changes, so that old rows are not taken for new ones."""


def plan_sendings(options: Options, subjects: Sequence[Subject]) -> list[tuple[Damage, Sending]]:
    """Say how clips are sent.

    Raises:
        UsageError: a sending that cannot be read, two of one name, or an upscaling model that no
            sending is small enough for.
    """
    named = [name_sending(text) for text in dict.fromkeys(options.sent or SENDINGS)]
    names = [name for name, _ in named]
    if len(set(names)) < len(names):
        raise UsageError(f"two of {', '.join(names)} are called alike; name each by NAME=SENDING")
    scales = {1.0, *(sending.scale for _, sending in named)}
    for subject in subjects:
        if subject.spec.scale not in scales:
            raise UsageError(
                f"{subject.name} enlarges frames by {subject.spec.scale}, and nothing is sent that "
                f"much smaller; add --sent 'x264(crf=30, scale={subject.spec.scale})'"
            )
    return [(Damage(name, sending.text, 1), sending) for name, sending in named]


def name_sending(text: str) -> tuple[str, Sending]:
    """Read `NAME=SENDING`, or a sending that is its own name.

    Example:
        >>> name_sending("bad line=x264(kbps=100)")[0]
        'bad line'
        >>> name_sending("vp8(crf=40)")[0]
        'vp8(crf=40)'
    """
    match = re.fullmatch(r"([^=()]+)=(.*)", text.strip())
    return (match[1].strip(), parse_sending(match[2])) if match else (text, parse_sending(text))


def score_clip(
    work: Work, subjects: Sequence[Subject], clip: Clip, damage: Damage, sending: Sending
) -> list[Row]:
    """Score one clip, sent one way, by every method.

    Models of scale 1 get what arrived at the size of the truth; models that enlarge get it as it
    was sent, where that is smaller by their scale.

    Args:
        work: how it is measured, and what plays clips.
        subjects: the models, open.
        clip: the truth.
        damage: what the sending is called.
        sending: how it is sent.

    Raises:
        MediaError: the clip cannot be used.
        UsageError: nothing plays clips.
    """
    options, known, play = work.options, work.known, work.play
    if play is None:
        raise UsageError("to evaluate clips, hand in what plays them: play=ovsharp.apps.play")
    taken, every = options.taken, options.measure_every
    scored = options.vmaf_every if has_vmaf() else 0
    about = (_FORMULAS, clip.digest(), clip.name, sending.text, taken, every, scored)

    def key(method: str) -> str:
        return hashlib.sha256(repr((*about, method)).encode()).hexdigest()[:24]

    fitting = fitting_subjects(subjects, sending)
    plain: dict[str, Filter] = {INPUT: lambda _, shown: shown}
    if options.rivals:
        plain |= everyday(enlarge=sending.scale != 1)
    keys = {name: key(name) for name in plain}
    keys.update((subject.name, key(subject.digest)) for subject in fitting)
    rows = {
        name: dataclasses.replace(
            known[each], method=name, category=clip.category, degradation=damage.name
        )
        for name, each in keys.items()
        if each in known
    }
    if len(rows) < len(keys):
        with SentClip(clip, taken, sending, partial(new_tally, options, {})) as sent:
            found = sent.filtered({name: plain[name] for name in plain if name not in rows})
            for subject in fitting:
                if subject.name not in rows:
                    made = sent.sharpened(subject.name, subject.sharpener, play)
                    found[subject.name] = made
            for name, (measures, models, frames) in found.items():
                rows[name] = Row(
                    keys[name],
                    clip.name,
                    clip.category,
                    damage.name,
                    name,
                    *sent.size,
                    measures,
                    frames,
                    models,
                )
    return [rows[name] for name in keys]


def fitting_subjects(subjects: Sequence[Subject], sending: Sending) -> list[Subject]:
    """Choose the models that take what was sent: of its scale, or after it was enlarged."""
    return [subject for subject in subjects if subject.spec.scale in (1, sending.scale)]


def new_tally(options: Options, inputs: dict[int, tuple[float, float]]) -> Tally:
    """Give what measures a clip; VMAF where it is wanted and installed.

    Args:
        options: what is measured, and how often.
        inputs: see `Tally`; one for all methods on a clip that was sent.
    """
    scored = options.vmaf_every and has_vmaf()
    return Tally(options.measure_every, _vmaf() if scored else None, options.vmaf_every, inputs)


@cache
def _vmaf() -> Vmaf:
    return Vmaf()


class SentClip:
    """A clip that was sent, to be measured. A context manager: the sent file goes with it.

    Args:
        clip: what is sent.
        taken: how much of it.
        sending: how.
        tally: gives what measures a method.
    """

    def __init__(
        self, clip: Clip, taken: Taken, sending: Sending, tally: Callable[[], Tally]
    ) -> None:
        self._clip, self._taken, self._tally = clip, taken, tally
        self._multiple = multiple_of(sending)
        with contextlib.ExitStack() as stack:
            folder = stack.enter_context(scratch())
            self.received: Received = send(clip, taken, sending, folder)
            self._kept = stack.pop_all()

    def __enter__(self) -> SentClip:
        return self

    def __exit__(self, *_: object) -> None:
        self._kept.close()

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the truth."""
        return self.received.size

    def filtered(self, filters: Mapping[str, Filter]) -> dict[str, Made]:
        """Measure what needs no model, all in one pass.

        Raises:
            MediaError: another number of frames arrived than was sent.
        """
        tallies = {name: self._tally() for name in filters}
        with self._truths() as truths, contextlib.closing(self._shots(enlarge=False)) as shots:
            for shot in shots:
                truth, shown = self._next(truths), self.received.shown(shot.frame)
                for name, method in filters.items():
                    tallies[name].add(shown, method(shot.frame, shown), truth)
        for tally in tallies.values():
            self._check(tally)
        return {name: (tally.measures(), {}, tally.frames) for name, tally in tallies.items()}

    def sharpened(self, name: str, sharpener: Sharpener, play: Play) -> Made:
        """Measure a model.

        Args:
            name: of the model, where it is no router, which names those that ran.
            sharpener: open; of scale 1, or of that by which the clip was sent smaller.
            play: see `Play`.

        Raises:
            MediaError: another number of frames arrived than was sent.
        """
        tally, known = self._tally(), Counter(sharpener.made)
        with self._truths() as truths:

            def each(before: Frame, after: Frame) -> Frame:
                tally.add(self.received.shown(before), after, self._next(truths))
                return after

            play(self._shots(enlarge=sharpener.spec.scale == 1), sharpener, each)
        self._check(tally)
        made = dict((Counter(sharpener.made) - known).most_common())
        return tally.measures(), made or {name: tally.frames}, tally.frames

    def still(
        self, place: int, sharpeners: Mapping[str, Sharpener], play: Play
    ) -> tuple[dict[str, Frame], Frame]:
        """Make one frame again, after all that come before it: a stream depends on them.

        Args:
            place: of the frame, from 0.
            sharpeners: by name, as for `sharpened`.
            play: see `Play`.

        Returns:
            The input as it is shown and what each model makes of it, by name, and the truth.
        """
        with self._truths() as truths:
            truth = next(islice(truths, place, None))
        with contextlib.closing(self._shots(enlarge=True)) as shots:
            pictures = {INPUT: next(islice(shots, place, None)).frame}
        for name, sharpener in sharpeners.items():
            frames: deque[Frame] = deque(maxlen=1)

            def each(_before: Frame, after: Frame, frames: deque[Frame] = frames) -> Frame:
                frames.append(after)
                return after

            shots = self._shots(enlarge=sharpener.spec.scale == 1)
            with contextlib.closing(shots):
                play(islice(shots, place + 1), sharpener, each)
            pictures[name] = frames[0]
        return pictures, truth

    def _truths(self) -> contextlib.closing[Generator[Frame, None, None]]:
        return contextlib.closing(self._clip.truth(self._taken, self._multiple))

    def _shots(self, *, enlarge: bool) -> Generator[Shot, None, None]:
        return self.received.shots(enlarge=enlarge)

    def _next(self, truths: Generator[Frame, None, None]) -> Frame:
        truth = next(truths, None)
        if truth is None:
            raise MediaError(f"{self._clip.name}: more frames arrived than were sent")
        return truth

    def _check(self, tally: Tally) -> None:
        if tally.frames != self.received.frames:
            raise MediaError(
                f"{self._clip.name}: {self.received.frames} frames were sent and {tally.frames} "
                f"arrived; the encoder dropped some, so none can be compared with its truth"
            )
