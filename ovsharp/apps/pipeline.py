"""`Pipeline`: source -> Sharpener -> sink, overlapped and bounded."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from queue import Empty, Full, Queue
from typing import Literal, Protocol, TypeVar

from ovsharp.apps.memory import give_back
from ovsharp.media import Frame, Shot
from ovsharp.runtime import Session

State = Literal["ready", "running", "paused", "done", "failed", "cancelled"]
_Item = TypeVar("_Item")
_SLICE = 0.05
_LARGE = 16 << 20
"""Bytes of a frame from which memory comes first: a frame of 3840x2160 takes 25 MB."""


class Sink(Protocol):
    """What takes the results."""

    def write(self, shot: Shot) -> None:
        """Take one result."""


@dataclass(frozen=True)
class Progress:
    """How far a pipeline is."""

    frames: int
    """Written."""
    seconds: float
    """Since the start."""
    decode: float
    """Seconds that the source worked."""
    infer: float
    """Seconds that frames were looked at and sharpened, the cores shared with the others."""
    encode: float
    """Seconds that the sink worked."""
    sharpened: int
    """Frames that a model made; the others were left as they are."""
    model: float
    """Seconds that these took."""

    @property
    def fps(self) -> float:
        """Frames per second of the whole."""
        return self.frames / self.seconds if self.seconds else 0.0

    @property
    def model_fps(self) -> float | None:
        """Frames per second that the model alone would allow beside the others; None if none ran.

        Example:
            >>> Progress(60, 2, decode=1, infer=2, encode=2, sharpened=40, model=2).model_fps
            20.0
        """
        return self.sharpened / self.model if self.model else None

    @property
    def budget(self) -> dict[str, float]:
        """Frames per second that each stage alone would allow, sharing the cores as it did.

        A stage that waits for another one does not work: its seconds of work tell how fast it
        could go if it never waited, while the others go on taking their share of the cores. Where
        no model ran, the one in the middle is called `look`.

        Example:
            >>> Progress(60, 2.5, decode=1.0, infer=2.4, encode=2.0, sharpened=60, model=2.4).budget
            {'decode': 60.0, 'model': 25.0, 'encode': 30.0}
        """
        middle = "model" if self.sharpened else "look"
        busy = {"decode": self.decode, middle: self.infer, "encode": self.encode}
        return {stage: self.frames / work if work else 0.0 for stage, work in busy.items()}

    @property
    def slowest(self) -> str:
        """The stage that allows the least: decode, model (or look) or encode."""
        budget = self.budget
        return min(budget, key=budget.__getitem__)

    @property
    def share(self) -> float:
        """How much of what the slowest stage allows was reached, 0 to 1.

        Example:
            >>> Progress(60, 2.5, decode=1.0, infer=2.4, encode=2.0, sharpened=60, model=2.4).share
            0.96
        """
        allowed = self.budget[self.slowest]
        return self.fps / allowed if allowed else 0.0


class Pipeline:
    """Decodes, sharpens and writes at the same time, in three threads.

    Args:
        source: shots in order; closed when the pipeline ends, if it is a generator.
        sharpener: or a session of one; stays open.
        sink: its `write` is called in order, from one thread.
        each: makes what is written of (frame before, frame after); None writes the latter.
        depth: shots that wait between two stages at most. Of large ones (4K) it is one, and from
            the first of them on this process gives the memory of large arrays back at once.
        interrupt: makes a source that waits give up; called when the pipeline ends early.
        segment: frames after which a router looks anew, whatever it chose before, so that a result
            does not depend on what came before its segment; 0 for never.

    Example:
        >>> import numpy as np
        >>> from fractions import Fraction
        >>> from ovsharp import Sharpener
        >>> class Count:
        ...     shots = 0
        ...     def write(self, shot): self.shots += 1
        >>> shots = [Shot(np.zeros((32, 32, 3), np.uint8), i, Fraction(1, 25)) for i in range(3)]
        >>> with Sharpener(threads=1) as sharpener:
        ...     Pipeline(shots, sharpener, Count()).run().frames
        3
    """

    def __init__(
        self,
        source: Iterable[Shot],
        sharpener: Session,
        sink: Sink,
        *,
        each: Callable[[Frame, Frame], Frame] | None = None,
        depth: int = 2,
        interrupt: Callable[[], None] | None = None,
        segment: int = 0,
    ) -> None:
        self._source, self._sharpener, self._sink, self._each = source, sharpener, sink, each
        self._interrupt, self._segment = interrupt, segment
        self._decoded: Queue[Shot | None] = Queue(depth)
        self._sharp: Queue[tuple[Shot, Frame] | None] = Queue(depth)
        self._stop, self._go, self._cancelled = (threading.Event() for _ in range(3))
        self._go.set()
        self._error: BaseException | None = None
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._frames, self._began, self._ended = 0, 0.0, 0.0
        self._busy = {"decode": 0.0, "infer": 0.0, "encode": 0.0, "model": 0.0}
        self._sharpened = 0

    @property
    def state(self) -> State:
        """Where it stands."""
        if not self._threads:
            return "ready"
        if self._error is not None:
            return "failed"
        if self._cancelled.is_set():
            return "cancelled"
        if not any(thread.is_alive() for thread in self._threads):
            return "done"
        return "running" if self._go.is_set() else "paused"

    @property
    def progress(self) -> Progress:
        """How far it is."""
        now = self._ended or time.perf_counter()
        seconds = now - self._began if self._began else 0.0
        return Progress(self._frames, seconds, sharpened=self._sharpened, **self._busy)

    def start(self) -> None:
        """Start the threads. Once only."""
        self._began = time.perf_counter()
        stages = (self._decode, self._infer, self._encode)
        self._threads = [
            threading.Thread(target=self._guarded, args=(stage,), daemon=True) for stage in stages
        ]
        for thread in self._threads:
            thread.start()

    def pause(self) -> None:
        """Take no more shots from the source until `resume`."""
        self._go.clear()

    def resume(self) -> None:
        """Go on after `pause`."""
        self._go.set()

    def cancel(self) -> None:
        """Stop soon; what is in flight is dropped. `wait` for the end."""
        self._cancelled.set()
        self._stop.set()
        if self._interrupt is not None:
            self._interrupt()

    def wait(self, on_progress: Callable[[Progress], None] | None = None) -> Progress:
        """Wait for the end, calling `on_progress` a few times per second.

        Raises:
            BaseException: the first error of the source, the model or the sink; Ctrl-C cancels.
        """
        try:
            while any(thread.is_alive() for thread in self._threads):
                for thread in self._threads:
                    thread.join(_SLICE)
                if on_progress is not None:
                    on_progress(self.progress)
        except BaseException:
            self.cancel()
            for thread in self._threads:
                thread.join(5)
            raise
        self._ended = self._ended or time.perf_counter()
        if self._error is not None:
            raise self._error
        return self.progress

    def run(self, on_progress: Callable[[Progress], None] | None = None) -> Progress:
        """Start, and wait for the end."""
        self.start()
        return self.wait(on_progress)

    def _guarded(self, stage: Callable[[], None]) -> None:
        try:
            stage()
        except _StoppedError:
            pass
        except BaseException as error:  # noqa: BLE001 - raised again by `wait`
            with self._lock:
                if self._error is None and not self._cancelled.is_set():
                    self._error = error
            self._stop.set()
            if self._interrupt is not None:
                self._interrupt()

    def _decode(self) -> None:
        shots = iter(self._source)
        try:
            while True:
                while not self._go.wait(_SLICE):
                    self._check()
                began = time.perf_counter()
                shot = next(shots, None)
                self._busy["decode"] += time.perf_counter() - began
                if shot is not None and shot.frame.nbytes >= _LARGE:
                    self._decoded.maxsize = self._sharp.maxsize = 1
                    give_back(_LARGE // 2)
                self._put(self._decoded, shot)
                if shot is None:
                    return
        finally:
            close = getattr(shots, "close", None)
            if close is not None:
                close()

    def _infer(self) -> None:
        # One call after the other: decoding and encoding overlap with it in their own threads, and
        # what is measured is the model's own time, which `stream` would hide in its waiting.
        count = 0
        while (shot := self._get(self._decoded)) is not None:
            began = time.perf_counter()
            if self._segment and count % self._segment == 0:
                self._sharpener.restart()
            count += 1
            sharp = self._sharpener(shot.frame)
            spent = time.perf_counter() - began
            self._busy["infer"] += spent
            if self._sharpener.sharpened:
                self._busy["model"] += spent
                self._sharpened += 1
            # Where nobody looks at the frame before, its memory is free for the next one.
            self._put(self._sharp, (shot if self._each else shot.replaced(sharp), sharp))
        self._put(self._sharp, None)

    def _encode(self) -> None:
        while (item := self._get(self._sharp)) is not None:
            began = time.perf_counter()
            shot, sharp = item
            frame = sharp if self._each is None else self._each(shot.frame, sharp)
            self._sink.write(shot.replaced(frame))
            self._busy["encode"] += time.perf_counter() - began
            self._frames += 1

    def _check(self) -> None:
        if self._stop.is_set():
            raise _StoppedError

    def _put(self, queue: Queue[_Item], item: _Item) -> None:
        while True:
            self._check()
            try:
                return queue.put(item, timeout=_SLICE)
            except Full:
                continue

    def _get(self, queue: Queue[_Item]) -> _Item:
        while True:
            self._check()
            try:
                return queue.get(timeout=_SLICE)
            except Empty:
                continue


class _StoppedError(Exception):
    """The pipeline ends early."""
