"""`Session`: one call, one stream of frames, over models that others may use too."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Mapping
from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING, Any, overload

import numpy as np
import numpy.typing as npt

from ovsharp.closing import Closing
from ovsharp.engine import (
    MOST_UNSHARP,
    STRONGEST,
    Back,
    ColourOrder,
    Execution,
    Frame,
    Scalar,
    Ticket,
    Untouched,
    as_frame,
    blend,
    check_out,
    check_process,
    is_frame,
    unsharp,
    upscale,
)
from ovsharp.errors import InferenceError
from ovsharp.runtime.choice import Choice
from ovsharp.runtime.chooser import Chooser
from ovsharp.runtime.finisher import Finisher, Outcome
from ovsharp.runtime.followed import Followed
from ovsharp.runtime.history import Switch
from ovsharp.runtime.standing import Standing
from ovsharp.runtime.steady import Steady
from ovsharp.runtime.turn import Turn
from ovsharp.spec import ModelSpec

if TYPE_CHECKING:
    from PIL.Image import Image


_Look = tuple[float, float]
"""Strength, and the amount of the unsharp mask."""
_PLAIN: _Look = (1.0, 0.0)


class Session(Closing):
    """A call: frames that follow each other, and what is known of them.

    What a router chose, a fade, steadiness, strength and all figures belong to the session. The
    compiled models are shared: a further call costs next to no memory, and what it gives is what
    it would give alone, whatever others send meanwhile. Give frames in order; thread-safe beyond
    that.

    `Sharpener.session` makes them. A `Sharpener` is one itself: of frames that it is called with.

    Example:
        >>> from ovsharp import Sharpener
        >>> frame = np.zeros((48, 64, 3), np.uint8)
        >>> with Sharpener(threads=1) as sharpener, sharpener.session() as call:
        ...     shapes = [call(frame).shape for _ in range(3)]
        ...     call.frames, sum(call.made.values())
        (3, 3)
    """

    strength = Followed(usual=1.0, most=STRONGEST)
    """0..1.5, how far to go from the input to the result. May be set: for the next frame.

    1 is the pure result and costs nothing; 1.5 goes half as far beyond it. Where a model enlarges,
    the input is enlarged by bicubic. A session follows its sharpener until its own is set.
    """
    unsharp = Followed(usual=0.0, most=MOST_UNSHARP)
    """0..2, the amount of an unsharp mask behind the model; see `Sharpener`. May be set."""

    def __init__(
        self,
        chooser: Chooser,
        *,
        owner: Session | None = None,
        strength: float | None = None,
        unsharp: float | None = None,
        steady: bool = False,
        reuse: bool = False,
    ) -> None:
        self._chooser, self._owner = chooser, owner
        self._standing = Standing() if reuse else None
        if strength is not None:
            self.strength = strength
        if unsharp is not None:
            self.unsharp = unsharp
        self._steady = Steady() if steady else None
        # Started at the first submit; waits for requests in the order they were started in.
        self._finisher = Finisher()
        self._order = threading.Lock()
        self._closed = False

    def __repr__(self) -> str:
        owner = "" if self._owner is None else f" of {self._owner!r}"
        return f"<{type(self).__name__}{owner}: {self.frames} frames, {self.variant}>"

    @property
    def spec(self) -> ModelSpec:
        """What the model is; with `target_fps` the one that runs now, of a router's the general."""
        return self._chooser.variant.spec

    @property
    def execution(self) -> Execution:
        """What the model computes in."""
        return self._chooser.variant.execution

    @property
    def variants(self) -> tuple[str, ...]:
        """Names of what may make a frame: of one model, or of all that are chosen among."""
        return self._chooser.names

    @property
    def variant(self) -> str:
        """Name of what made the last frame; before the first, of the model that `spec` is of."""
        return self._chooser.history.last or self._chooser.variant.name

    @property
    def sharpened(self) -> bool:
        """Whether a model made the last frame; not if a router left it alone (x4: to bicubic)."""
        return self._chooser.history.sharpened

    @property
    def why(self) -> str:
        """Why a router gave the last frame to `variant`; empty without one."""
        return self._chooser.history.why

    @property
    def gains(self) -> Mapping[str, float]:
        """What the router last expected of each model, in dB; empty without one.

        In a stream, the mean of its last looks.
        """
        return self._chooser.history.gains

    @property
    def frames(self) -> int:
        """How many frames were made."""
        return sum(self.made.values())

    @property
    def made(self) -> Mapping[str, int]:
        """How many frames each model has made, most first."""
        return self._chooser.history.made

    @property
    def repeated(self) -> int:
        """How many of them were equal to the one before, and not computed; see `reuse`."""
        return 0 if self._standing is None else self._standing.repeated

    @property
    def choice(self) -> Choice | None:
        """What `target_fps` made of the last frame size; None without it or before a frame."""
        return self._chooser.history.choice

    @property
    def switches(self) -> tuple[Switch, ...]:
        """The last changes of model in a stream of frames, oldest first."""
        return self._chooser.history.switches

    def restart(self) -> None:
        """Take the next frame as the first one: at a cut, for instance. Figures are kept."""
        self._chooser.restart()
        if self._steady is not None:
            self._steady = Steady()

    def catch_up(self) -> None:
        """Do now what the next frame would wait for; it changes no result. Thread-safe.

        For programs that show a result and then have time until the next frame: about once a
        second a router looks at a frame, which takes as long as making one.

        Example:
            >>> from ovsharp import Sharpener
            >>> with Sharpener(threads=1) as sharpener, sharpener.session() as call:
            ...     for frame in np.zeros((3, 48, 64, 3), np.uint8):
            ...         result = call(frame)  # show it, then:
            ...         call.catch_up()
            >>> result.shape
            (48, 64, 3)
        """
        self._chooser.catch_up()

    def pin(self, name: str | None) -> None:
        """Hold on to one model, whatever is expected of it, from one of the next frames on.

        Args:
            name: one of `variants`; None lets router or `target_fps` choose again.

        Raises:
            UsageError: there is no such model here, or only one.
        """
        self._chooser.pin(name)

    @overload
    def __call__(
        self, frame: npt.NDArray[Scalar], *, colour: ColourOrder = ..., out: Frame | None = ...
    ) -> npt.NDArray[Scalar]: ...

    @overload
    def __call__(self, frame: Image) -> Image: ...

    def __call__(self, frame: Any, *, colour: ColourOrder = "bgr", out: Frame | None = None) -> Any:
        """Sharpen one frame, or image of another kind. Thread-safe; waits while slots are taken.

        Args:
            frame: uint8, H x W x 3. Not copied if it is BGR, C-contiguous, writeable and needs no
                padding: leave it unchanged until the call returns. Or an image: grey (H x W),
                floating point from 0 to 1, or Pillow's (RGB, L); see `as_frame`.
            colour: order of the channels of an array; "rgb" for those of Pillow, imageio,
                scikit-image and torchvision.
            out: array for the result, uint8, C-contiguous, H * scale x W * scale x 3, not
                overlapping the frame; None for a new one. For BGR frames only.

        Returns:
            The result, of the kind of `frame`: `out`, or a new one.

        Raises:
            InferenceError: no such image, an unfit `out`, a failed inference, a closed sharpener,
                or one that was made before the process forked.

        Example:
            >>> from ovsharp import Sharpener
            >>> with Sharpener(threads=1) as sharpener:
            ...     sharpener(np.zeros((48, 64), np.float32)).shape
            (48, 64)
        """
        frame, back = as_frame(frame, colour)
        if out is not None:
            if not is_frame(back):
                raise InferenceError("out is for uint8 BGR frames; take the result instead")
            scale, (height, width) = self.spec.scale, frame.shape[:2]
            check_out(out, (height * scale, width * scale, 3), frame)
        turn, look = self._turn(frame), (self.strength, self.unsharp)
        if self._standing is None or turn.timed or out is not None:
            result = turn.variant.run(frame, out)
        else:
            result = self._standing.run(turn.variant, frame)
            if type(turn) is not Turn or look != _PLAIN or self._steady is not None:
                result = result.copy()  # it is about to be changed
        return back(self._finished(turn, look, frame, result))

    @overload
    async def asharpen(
        self, frame: npt.NDArray[Scalar], *, colour: ColourOrder = ...
    ) -> npt.NDArray[Scalar]: ...

    @overload
    async def asharpen(self, frame: Image) -> Image: ...

    async def asharpen(self, frame: Any, *, colour: ColourOrder = "bgr") -> Any:
        """Sharpen one frame in a thread, so that an event loop goes on; see `__call__`.

        Example:
            >>> from ovsharp import Sharpener
            >>> async def page(sharpener, frame):
            ...     return await sharpener.asharpen(frame)
            >>> with Sharpener(threads=1) as sharpener:
            ...     asyncio.run(page(sharpener, np.zeros((48, 64, 3), np.uint8))).shape
            (48, 64, 3)
        """
        return await asyncio.to_thread(partial(self, frame, colour=colour))

    def submit(self, frame: Frame, *, colour: ColourOrder = "bgr") -> Future[Frame]:
        """Start sharpening a frame and give its future. Thread-safe.

        The frame is copied: its buffer may be reused at once. While all slots are taken, this
        waits until one is free, so no queue can grow. Futures complete in the order of
        submission. In a callback of a future, neither call the sharpener nor wait for another
        future: callbacks run in the thread that completes them all.

        Args:
            frame: uint8, H x W x 3, or an image as `__call__` takes it.
            colour: order of the channels of an array.

        Returns:
            A future of the result; it raises `InferenceError` if the inference failed.

        Raises:
            InferenceError: not a frame, or a closed sharpener.
        """
        future: Future[Frame] = Future()
        self._begin(frame, colour, future)
        return future

    def stream(
        self, frames: Iterable[Frame], *, colour: ColourOrder = "bgr"
    ) -> Generator[Frame, None, None]:
        """Sharpen frames as they come, in order.

        A few frames are in flight at any time: the result of one is given after the next ones
        were taken from `frames`. For the shortest delay, call the session instead.

        An exception of `frames`, or of one of them, is raised after the results of the frames
        before it. Closing the generator waits for the frames in flight and drops them.

        Args:
            frames: uint8, H x W x 3, or images as `__call__` takes them; sizes may change; buffers
                may be reused.
            colour: order of the channels of arrays.

        Yields:
            One result per frame.

        Raises:
            InferenceError: at the place of a frame that failed.
        """
        pending: deque[Outcome] = deque()
        try:
            for outcome in self._begun(frames, colour):
                pending.append(outcome)
                # One result per frame that was taken: the slots stay full, and as `submit`
                # waits for a free slot, the first of more frames than slots is always done.
                if pending[0].done():
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for outcome in pending:
                outcome.wait()

    def close(self) -> None:
        """Wait for the frames in flight. May be called again."""
        with self._order:
            self._closed = True
        self._finisher.close()
        self._chooser.close()

    def _begin(self, image: Frame, colour: ColourOrder, outcome: Future[Frame] | Outcome) -> None:
        frame, back = as_frame(image, colour)
        turn, look = self._turn(frame), (self.strength, self.unsharp)
        ticket = turn.variant.ticket(frame)
        try:
            with self._order:
                self._check_open()
                ticket.start()
                # Cancelled ones too: the slot's next owner waits for what still runs in it.
                work = partial(self._finish, turn, look, ticket, back)
                self._finisher.put(outcome, work, ticket.give_back)
        except Exception:  # not Ctrl-C: the finisher may have the ticket already
            ticket.give_back()
            raise

    def _begun(self, frames: Iterable[Frame], colour: ColourOrder) -> Iterator[Outcome]:
        """Begin frames; an exception becomes the last outcome, to be raised at its place."""
        try:
            for frame in frames:
                outcome = Outcome()
                self._begin(frame, colour, outcome)
                yield outcome
        except Exception as error:  # noqa: BLE001 - raised again by `stream`, in its turn
            failed = Outcome()
            failed.set_exception(error)
            yield failed

    def _turn(self, frame: Frame) -> Turn:
        self._check_open()
        return self._chooser.turn(frame)

    def _finish(self, turn: Turn, look: _Look, ticket: Ticket, back: Back) -> Frame:
        result: Frame = back(self._finished(turn, look, ticket.frame, ticket.finish()))
        return result

    def _finished(self, turn: Turn, look: _Look, frame: Frame, result: Frame) -> Frame:
        """Do what comes behind the model: fade, strength, unsharp mask, steadiness."""
        result = turn.finished(frame, result)
        strength, amount = look
        if look != _PLAIN and not isinstance(turn.variant, Untouched):
            if strength != 1:
                blend(result, upscale(frame, self.spec.scale), strength)
            if amount:
                unsharp(result, amount)
        if self._steady is not None:
            # It remembers what it is given, and the result belongs to others.
            np.copyto(result, self._steady.add(frame, result.copy(), amount))
        return result

    def _check_open(self) -> None:
        check_process()
        if self._closed or (self._owner is not None and self._owner._closed):
            what = "sharpener" if self._owner is None or self._owner._closed else "session"
            raise InferenceError(f"the {what} is closed; make a new one")
