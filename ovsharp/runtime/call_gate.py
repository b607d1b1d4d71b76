"""`Gate`: many calls share a sharpener in turns, and nobody's queue grows."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import math
import threading
import time
import weakref
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from queue import SimpleQueue

from ovsharp.closing import Closing
from ovsharp.engine import Frame, check_frame, check_process, copy_frame, upscale
from ovsharp.errors import InferenceError, UsageError
from ovsharp.runtime.session import Session


class Gate(Closing):
    """Lets frames of many calls through to a sharpener: in turns, and a few at a time.

    Of each call one frame waits at most, the newest: it takes the place of the one that waited
    before it, which comes back as it is. Of the calls that wait, the one that was served longest
    ago is next. So under overload every call gets equally many frames, none that is made is older
    than the last one of its call, and memory does not grow. Frames of one call are made one after
    the other: each call's results are those of a session alone, byte for byte, for the frames that
    were let through.

    `Sharpener.gate` makes them. Thread-safe. Turns count frames, not their cost: a call of large
    frames takes more of the machine than one of small ones.

    Args:
        opens: opens the session of a call, as `Sharpener.session` does.
        workers: frames that are worked on at a time, 1 or more.
        deadline_ms: how long a frame may wait for its turn; beyond, it comes back as it is. None
            lets it wait until a newer one of its call comes.
        clock: tells how long frames wait, in seconds; it only grows.

    Raises:
        UsageError: an argument that makes no sense.

    Example:
        >>> import numpy as np
        >>> from ovsharp import Sharpener
        >>> frame = np.zeros((48, 64, 3), np.uint8)
        >>> with Sharpener(threads=1) as sharpener, sharpener.gate() as gate:
        ...     one, two = gate.call(), gate.call()
        ...     futures = [one.submit(frame), two.submit(frame)]
        ...     shapes = [future.result().shape for future in futures]
        >>> shapes, gate.counts
        ([(48, 64, 3), (48, 64, 3)], {'sharpened': 2, 'overtaken': 0, 'late': 0})
    """

    def __init__(
        self,
        opens: Callable[..., Session],
        workers: int,
        *,
        deadline_ms: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if workers < 1:
            raise UsageError(f"workers must be 1 or more, got {workers}")
        if deadline_ms is not None and not 0 < deadline_ms < math.inf:
            raise UsageError(f"deadline_ms must be a number above 0, got {deadline_ms}")
        self.clock = clock
        self.deadline = math.inf if deadline_ms is None else deadline_ms / 1000
        """Seconds."""
        self.tally = Tally()
        self._opens = opens
        self._line = _Line()
        self._calls: weakref.WeakSet[Call] = weakref.WeakSet()
        self._closed = False
        threads = [
            threading.Thread(target=_work, args=(self._line,), name="ovsharp-gate", daemon=True)
            for _ in range(workers)
        ]
        for thread in threads:
            thread.start()
        # Also at the end of a program that forgets to close.
        self._end = weakref.finalize(self, _end, self._line, threads)

    def call(
        self,
        *,
        look_every: int | None = None,
        strength: float | None = None,
        steady: bool = False,
    ) -> Call:
        """Open a call; arguments and errors as of `Sharpener.session`."""
        if self._closed:
            raise InferenceError("the gate is closed; make a new one")
        session = self._opens(look_every=look_every, strength=strength, steady=steady)
        call = Call(self, session)
        self._calls.add(call)
        return call

    def queue(self, call: Call) -> None:
        """Let a call that has a frame wait for its turn."""
        self._line.put(call)

    @property
    def counts(self) -> dict[str, int]:
        """What became of the frames of all calls; see `Call.counts`."""
        return self.tally.counts

    def close(self) -> None:
        """Close all calls, and end. May be called again."""
        self._closed = True
        for call in list(self._calls):
            call.close()
        self._end()


class Call(Closing):
    """One call of a `Gate`: frames in order, of which the newest are made. Thread-safe.

    Attributes:
        session: its state and figures. Give frames to the call, not to it.
    """

    def __init__(self, gate: Gate, session: Session) -> None:
        self.session = session
        self._gate, self._tally = gate, Tally(gate.tally)
        self._lock = threading.Lock()
        self.turn = 0
        """When it was served last, in turns of the gate."""
        self._waiting: _Waiting | None = None
        self._queued = self._closed = False
        self._idle = threading.Event()
        self._idle.set()

    @property
    def counts(self) -> dict[str, int]:
        """What became of its frames.

        `sharpened` went through the session; `overtaken` by a newer frame of the call, and `late`,
        which waited longer than the deadline, came back as they are.
        """
        return self._tally.counts

    def submit(self, frame: Frame) -> Future[Frame]:
        """Give a frame and get its future; never waits for other frames.

        The frame is copied: its buffer may be reused at once. In a callback of a future, do not
        wait for another one: callbacks run in the threads that serve all calls.

        Args:
            frame: uint8, H x W x 3, BGR.

        Returns:
            A future of the result, H * scale x W * scale x 3; of a frame that was overtaken or
            late, the frame itself, enlarged by bicubic where the scale is not 1. It raises
            `InferenceError` if the inference failed.

        Raises:
            InferenceError: not a frame, or the call is closed.
        """
        check_process()
        check_frame(frame)
        new = _Waiting(copy_frame(frame), self._gate.clock())
        with self._lock:
            if self._closed:
                raise InferenceError("the call is closed; open another one")
            old, self._waiting = self._waiting, new
            self._idle.clear()
            if not self._queued:
                self._gate.queue(self)
                self._queued = True
        if old is not None:
            self._give_back(old, "overtaken")
        return new.future

    def __call__(self, frame: Frame) -> Frame:
        """Give a frame and wait for its result; see `submit`."""
        return self.submit(frame).result()

    async def asharpen(self, frame: Frame) -> Frame:
        """Give a frame and await its result in an event loop; see `submit`."""
        return await asyncio.wrap_future(self.submit(frame))

    def serve(self) -> None:
        """Take the turn: make the frame that waits, and queue again if another came meanwhile."""
        with self._lock:
            item, self._waiting = self._waiting, None
        if item is not None:
            self._make(item)
        with self._lock:
            self._queued = self._waiting is not None
            if self._queued:
                self._gate.queue(self)
            else:
                self._idle.set()

    def close(self) -> None:
        """Wait for the frames that were given, and close the session. May be called again."""
        with self._lock:
            self._closed = True
        self._idle.wait()
        self.session.close()

    def _make(self, item: _Waiting) -> None:
        if self._gate.clock() - item.since > self._gate.deadline:
            self._give_back(item, "late")
        elif item.future.set_running_or_notify_cancel():
            self._tally.add("sharpened")
            try:
                result = self.session(item.frame)
            except BaseException as error:  # noqa: BLE001 - raised by the future
                item.future.set_exception(error)
            else:
                item.future.set_result(result)
                with suppress(Exception):  # the next frame does it itself, and raises it
                    self.session.catch_up()

    def _give_back(self, item: _Waiting, why: str) -> None:
        if item.future.set_running_or_notify_cancel():
            self._tally.add(why)
            item.future.set_result(upscale(item.frame, self.session.spec.scale))


class Tally:
    """Counts what became of frames, for all calls together too. Thread-safe.

    Args:
        parent: told the same.
    """

    def __init__(self, parent: Tally | None = None) -> None:
        self._parent, self._lock = parent, threading.Lock()
        self._counts = Counter(sharpened=0, overtaken=0, late=0)

    @property
    def counts(self) -> dict[str, int]:
        """Frames by what became of them."""
        with self._lock:
            return dict(self._counts)

    def add(self, what: str) -> None:
        """Count a frame."""
        with self._lock:
            self._counts[what] += 1
        if self._parent is not None:
            self._parent.add(what)


@dataclass(eq=False)
class _Waiting:
    frame: Frame
    since: float
    """When it came, by the gate's clock."""
    future: Future[Frame] = field(default_factory=Future)


class _Line:
    """Calls that wait: who was served longest ago comes first, then who came first."""

    def __init__(self) -> None:
        self._calls: list[tuple[int, int, Call]] = []
        self._lock = threading.Lock()
        # One for each call, and at the end one for each worker. Written in C: see `Finisher`.
        self._tokens: SimpleQueue[bool] = SimpleQueue()
        self._clock = itertools.count(1)

    def put(self, call: Call) -> None:
        with self._lock:
            heapq.heappush(self._calls, (call.turn, next(self._clock), call))
        self._tokens.put(True)

    def get(self) -> Call | None:
        """Wait for a call whose turn it is; None at the end."""
        if not self._tokens.get():
            return None
        with self._lock:
            call = heapq.heappop(self._calls)[-1]
            call.turn = next(self._clock)
        return call

    def end(self) -> None:
        """Let one worker go, when all calls are served."""
        self._tokens.put(False)


def _work(line: _Line) -> None:
    while (call := line.get()) is not None:
        call.serve()
        del call  # a gate that nobody else holds may end


def _end(line: _Line, threads: list[threading.Thread]) -> None:
    for _ in threads:
        line.end()
    for thread in threads:
        if thread is not threading.current_thread():  # the last one may have held the gate
            thread.join()
