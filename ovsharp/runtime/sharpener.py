"""`Sharpener`: frames in, sharp frames out."""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Mapping
from concurrent.futures import Future
from functools import partial
from pathlib import Path

from ovsharp.closing import Closing
from ovsharp.errors import InferenceError, UsageError
from ovsharp.runtime.auto import Auto, family
from ovsharp.runtime.chooser import Choice, Chooser, Only
from ovsharp.runtime.compiled import Mode, Settings, check_tuning
from ovsharp.runtime.device import Execution, check_device
from ovsharp.runtime.finisher import Finisher, Outcome
from ovsharp.runtime.frames import Frame, check_frame, check_out
from ovsharp.runtime.router import Router
from ovsharp.runtime.routes import Routes
from ovsharp.runtime.shipped import find_model, find_router
from ovsharp.runtime.turn import Switch, Turn
from ovsharp.runtime.variant import Ticket, Tuning, Variant
from ovsharp.spec import ModelSpec


class Sharpener(Closing):
    """Sharpens frames with a model.

    A frame is uint8, H x W x 3, BGR (OpenCV's order), of any size from 1x1. The result is
    uint8, H * scale x W * scale x 3, an array of its own. Frames are padded to what the model
    takes by repeating their edge, and cropped afterwards; large ones are cut into tiles whose
    result is that of the whole frame. A frame size is compiled when it first occurs (a fraction
    of a second; see `settings_for` to do it ahead), and the last few stay compiled.

    Three ways to call it, all thread-safe, on one object or several:

    - `sharpener(frame)`: one frame, now.
    - `sharpener.stream(frames)`: many frames, in order, prepared while others run.
    - `sharpener.submit(frame)`: a `Future`, for a program with a loop of its own.

    Tuning:

    - `mode="latency"` (default) runs one frame at a time on all cores: for a camera or a call.
      `mode="throughput"` runs several side by side: for files. It gains with `stream`,
      `submit` or several threads only, and each single frame takes longer.
    - `precision=None` takes the fastest that the hardware supports: INT8 for an INT8 model, and
      16 bits for what is left in floating point. Where results must be equal on every machine,
      use a floating-point model with `precision="f32"`; it is several times slower.
    - `threads`: give a number when other work needs cores, or when several processes share the
      machine; each would take all of them otherwise, and all would be slow.
    - `streams` (throughput mode): leave it to OpenVINO, then try half and twice that number.
    - `settings_for(height, width)` says what really runs.

    Routing: without a model, which is `"call"`, or with `"x4"`, there are several models of one
    design, each made for another damage, one for everything, and leaving a frame as it is (at x4:
    its bicubic upscale). A router looks at a few crops of a frame and says what each would gain;
    the best one makes the frame. `variant` tells who made the last frame, `gains` what was
    expected, `pin` holds on to one. With `look_every=1` each frame is judged by itself: the same
    frame always gives the same result, as photos need it. In a video damage hardly changes:
    `look_every=29` costs next to nothing and does not flicker; another model takes over only where
    several looks agree that it is clearly better, and is faded in.

    Auto quality: with `target_fps=60` the sharpener chooses among the models of a family (the
    sizes of `call`, or of the family of the model that is named) the best one that holds
    that rate with a fifth to spare. The first frame of a size waits up to a few seconds while
    their times are measured (`settings_for` does it ahead); the figures are then remembered for
    this machine. `choice` says what was chosen and why. If frames get slow, a faster model takes
    over before they are late, and a better one again after two seconds with room for it, fading
    over a few frames; `variant` names the model that runs, `switches` lists the changes.

    Args:
        model: path of an IR that `ovsharp convert` or `quantize` wrote, the name of a shipped
            model or router, or None for the default router, `call`.
        device: `CPU`, `GPU`, `NPU` or `AUTO`; `ovsharp devices` lists what is there.
        precision: execution precision: `f32`, `bf16`, `f16`, `int8`, `int8+f32`, `int8+bf16`,
            `int8+f16`, or None; see `resolve_execution`.
        mode: `latency` or `throughput`.
        threads: CPU threads; None leaves the number to OpenVINO.
        streams: inferences side by side in throughput mode; None leaves it to OpenVINO.
        strength: 0..1, how much of the result is mixed with the input (enlarged by bicubic where
            the scale is not 1). 1 is the pure result and costs nothing.
        tile: input pixels per side of a tile; None cuts only frames with more than 9 million
            output pixels. Models that look at the whole frame are never cut.
        target_fps: frames per second to hold by choosing the model, above 0; None runs the model
            that is named.
        look_every: frames from one look of the router to the next, 1 or more; nothing else
            depends on it.

    Raises:
        UsageError: an argument that makes no sense, or does not fit the model.
        ModelLoadError: the model cannot be read.
        UnsupportedModelError: the model is not one that ovsharp wrote.
        DeviceError: the device or the precision is not there.

    Example:
        >>> import numpy as np
        >>> frame = np.zeros((48, 64, 3), np.uint8)
        >>> with Sharpener(threads=1) as sharpener:
        ...     one = sharpener(frame)
        ...     many = list(sharpener.stream([frame, frame]))
        >>> one.shape, len(many)
        ((48, 64, 3), 2)
    """

    def __init__(
        self,
        model: str | Path | None = None,
        *,
        device: str = "CPU",
        precision: str | None = None,
        mode: Mode = "latency",
        threads: int | None = None,
        streams: int | None = None,
        strength: float = 1.0,
        tile: int | None = None,
        target_fps: float | None = None,
        look_every: int = 1,
    ) -> None:
        check_tuning(mode, threads, streams)
        if not 0 <= strength <= 1:
            raise UsageError(f"strength must be from 0 to 1, got {strength}")
        if target_fps is not None and not 0 < target_fps < math.inf:
            raise UsageError(f"target_fps must be a number above 0, got {target_fps}")
        if look_every < 1:
            raise UsageError(f"look_every must be 1 or more, got {look_every}")
        tuning = Tuning(check_device(device), precision, mode, threads, streams, strength, tile)

        def opened(name: str | Path | None) -> Variant:
            return Variant(find_model(name, precision), tuning)

        self._chooser: Chooser
        if target_fps is not None:
            members = [opened(name) for name in family(model)]
            self._chooser = Auto(members, target_fps, tuning)
        elif (router := find_router(model)) is not None:
            self._chooser = Routes(Router(router, threads), opened, look_every)
        else:
            self._chooser = Only(opened(model))
        # Started at the first submit; waits for requests in the order they were started in.
        self._finisher = Finisher()
        self._order = threading.Lock()
        self._closed = False

    @property
    def spec(self) -> ModelSpec:
        """What the model is; with `target_fps` the one that runs now, of a router's the general."""
        return self._chooser.variant.spec

    @property
    def execution(self) -> Execution:
        """What the model computes in."""
        return self._chooser.variant.execution

    @property
    def variant(self) -> str:
        """Name of the model that runs now; with a router, of what made the last frame."""
        return self._chooser.running

    @property
    def variants(self) -> tuple[str, ...]:
        """Names of what may make a frame: of one model, or of all that are chosen among."""
        return self._chooser.names

    @property
    def gains(self) -> Mapping[str, float]:
        """What the router last expected of each model, in dB; empty without one."""
        return self._chooser.gains

    @property
    def made(self) -> Mapping[str, int]:
        """How many frames each model of a router has made, most first; empty without one."""
        return self._chooser.made

    @property
    def sharpened(self) -> bool:
        """Whether a model made the last frame; not if a router left it alone (x4: to bicubic)."""
        return self._chooser.sharpened

    @property
    def why(self) -> str:
        """Why a router gave the last frame to `variant`; empty without one."""
        return self._chooser.why

    @property
    def choice(self) -> Choice | None:
        """What `target_fps` made of the last frame size; None without it or before a frame."""
        return self._chooser.choice

    @property
    def switches(self) -> tuple[Switch, ...]:
        """The last changes of model in a stream of frames, oldest first."""
        return self._chooser.switches

    def restart(self) -> None:
        """Let the router look at the next frame as if it were the first: at a cut, for instance."""
        self._chooser.restart()

    def pin(self, name: str | None) -> None:
        """Hold on to one model, whatever is expected of it, from one of the next frames on.

        Args:
            name: one of `variants`; None lets router or `target_fps` choose again.

        Raises:
            UsageError: there is no such model here, or only one.
        """
        self._chooser.pin(name)

    def settings_for(self, height: int, width: int) -> Settings:
        """Compile for frames of a size, if that was not done yet, and say what runs them.

        With `target_fps` the model for that size is chosen, too.

        Raises:
            InferenceError: the model cannot take such frames, or the sharpener is closed.
            DeviceError: the device runs something else than asked for.
        """
        if min(height, width) < 1:
            raise InferenceError(f"there are no frames of {width}x{height}: expected 1x1 or more")
        self._check_open()
        variant = self._chooser.prepare(height, width)
        return variant.slots(variant.plan(height, width)).settings

    def __call__(self, frame: Frame, *, out: Frame | None = None) -> Frame:
        """Sharpen one frame. Thread-safe; waits while all slots are taken.

        Args:
            frame: uint8, H x W x 3, BGR. Not copied if it is C-contiguous, writeable and needs
                no padding: leave it unchanged until the call returns.
            out: array for the result, uint8, C-contiguous, H * scale x W * scale x 3, not
                overlapping the frame; None for a new one.

        Returns:
            The result: `out`, or a new array.

        Raises:
            InferenceError: not a frame, an unfit `out`, a failed inference, or a closed sharpener.
        """
        check_frame(frame)
        height, width = frame.shape[:2]
        if out is not None:
            scale = self.spec.scale
            check_out(out, (height * scale, width * scale, 3), frame)
        turn = self._turn(frame)
        return turn.finished(frame, turn.variant.run(frame, out))

    def submit(self, frame: Frame) -> Future[Frame]:
        """Start sharpening a frame and give its future. Thread-safe.

        The frame is copied: its buffer may be reused at once. While all slots are taken, this
        waits until one is free, so no queue can grow. Futures complete in the order of
        submission. In a callback of a future, neither call the sharpener nor wait for another
        future: callbacks run in the thread that completes them all.

        Args:
            frame: uint8, H x W x 3, BGR.

        Returns:
            A future of the result; it raises `InferenceError` if the inference failed.

        Raises:
            InferenceError: not a frame, or a closed sharpener.
        """
        future: Future[Frame] = Future()
        self._begin(frame, future)
        return future

    def stream(self, frames: Iterable[Frame]) -> Generator[Frame, None, None]:
        """Sharpen frames as they come, in order.

        A few frames are in flight at any time: the result of one is given after the next ones
        were taken from `frames`. For the shortest delay, call the sharpener instead.

        An exception of `frames`, or of one of them, is raised after the results of the frames
        before it. Closing the generator waits for the frames in flight and drops them.

        Args:
            frames: uint8, H x W x 3, BGR; sizes may change; buffers may be reused.

        Yields:
            One result per frame.

        Raises:
            InferenceError: at the place of a frame that failed.
        """
        pending: deque[Outcome] = deque()
        try:
            for outcome in self._begun(frames):
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
        """Wait for the frames in flight and give everything back. May be called again."""
        with self._order:
            self._closed = True
        self._finisher.close()
        self._chooser.close()

    def _begin(self, frame: Frame, outcome: Future[Frame] | Outcome) -> None:
        check_frame(frame)
        turn = self._turn(frame)
        ticket = turn.variant.ticket(frame)
        try:
            with self._order:
                self._check_open()
                ticket.start()
                # Cancelled ones too: the slot's next owner waits for what still runs in it.
                self._finisher.put(outcome, partial(_finish, turn, ticket), ticket.give_back)
        except Exception:  # not Ctrl-C: the finisher may have the ticket already
            ticket.give_back()
            raise

    def _begun(self, frames: Iterable[Frame]) -> Iterator[Outcome]:
        """Begin frames; an exception becomes the last outcome, to be raised at its place."""
        try:
            for frame in frames:
                outcome = Outcome()
                self._begin(frame, outcome)
                yield outcome
        except Exception as error:  # noqa: BLE001 - raised again by `stream`, in its turn
            failed = Outcome()
            failed.set_exception(error)
            yield failed

    def _turn(self, frame: Frame) -> Turn:
        self._check_open()
        return self._chooser.turn(frame)

    def _check_open(self) -> None:
        if self._closed:
            raise InferenceError("the sharpener is closed; make a new one")


def _finish(turn: Turn, ticket: Ticket) -> Frame:
    return turn.finished(ticket.frame, ticket.finish())
