"""`Sharpener`: frames in, sharp frames out."""

from __future__ import annotations

import math
import weakref
from collections.abc import Generator, Iterable
from pathlib import Path

from ovsharp.engine import (
    MEMORY,
    ColourOrder,
    Frame,
    Mode,
    Settings,
    Shelf,
    Tuning,
    check_device,
    check_tuning,
)
from ovsharp.errors import InferenceError, UsageError
from ovsharp.runtime.call_gate import Gate
from ovsharp.runtime.chooser import Chooser
from ovsharp.runtime.choosing import Choosers, check_quality
from ovsharp.runtime.routes import VIDEO_LOOK_EVERY
from ovsharp.runtime.session import Session
from ovsharp.runtime.shipped import DEFAULT_ROUTER
from ovsharp.runtime.sizes import Quality

_USUAL = (360, 640)
"""Height and width of a frame in a call."""


class Sharpener(Session):
    """Sharpens frames with a model.

    A frame is uint8, H x W x 3, BGR (OpenCV's order), of any size from 1x1. The result is
    uint8, H * scale x W * scale x 3, an array of its own. RGB (`colour="rgb"`), grey, floating
    point from 0 to 1 and Pillow's images are taken too, and come back as they came.

    Frames are padded to what the model takes by repeating their edge, and cropped afterwards;
    large ones are cut into tiles whose result is that of the whole frame. A frame size is compiled
    when it first occurs (a fraction of a second; see `settings_for` to do it ahead), and what was
    used last stays compiled, within `memory`.

    Ways to call it, all thread-safe, on one object or several:

    - `sharpener(frame)`: one frame, now.
    - `sharpener.stream(frames)`: many frames, in order, prepared while others run.
    - `sharpener.submit(frame)`: a `Future`, for a program with a loop of its own;
      `await sharpener.asharpen(frame)` in an event loop.
    - `with sharpener.session() as call: call(frame)`: one of many calls at once. Each is treated
      as if it were alone, over the same compiled models; see `Session`.
    - `sharpener.gate().call()`: likewise, for more calls than the machine may hold: in fair
      turns, the newest frames only; see `Gate`.

    Tuning:

    - `mode="latency"` (default) runs one frame at a time on all cores: for a camera or a call.
      `mode="throughput"` runs several side by side: for files. It gains with `stream`,
      `submit` or several threads only, and each single frame takes longer.
    - `precision=None` takes the fastest that the hardware supports: INT8 for an INT8 model, and
      16 bits for what is left in floating point. Where results must be equal on every machine,
      use a floating-point model with `precision="f32"`; it is several times slower.
    - `threads`: give a number when other work needs cores, or when several processes share the
      machine; each would take all of them otherwise, and all would be slow. Threads are not bound
      to cores.
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

    Sizes: `quality="best"` takes the larger networks, which cost several times as much: for
    files, and for machines with time to spare. `quality="fast"` takes the smaller ones. Routers
    have all three, each for the same damages.

    Auto quality: with `target_fps=60` the sharpener chooses the best size (of `call`, or of the
    model or router that is named) that holds that rate with a fifth to spare. The first frame of
    a size waits up to a few seconds while their times are measured (`settings_for` does it
    ahead); the figures are then remembered for this machine. `choice` says what was chosen and
    why. If frames get slow, a faster size takes over before they are late, and a better one again
    after two seconds with room for it, fading over a few frames; `variant` names the model that
    runs, `switches` lists the changes.

    Args:
        model: path of an IR that `ovsharp convert` or `quantize` wrote, the name of a shipped
            model or router, or None for the default router, `call`.
        device: `CPU`, `GPU`, `NPU` or `AUTO`; `ovsharp devices` lists what is there.
        precision: execution precision: `f32`, `bf16`, `f16`, `int8`, `int8+f32`, `int8+bf16`,
            `int8+f16`, or None; see `resolve_execution`.
        mode: `latency` or `throughput`.
        threads: CPU threads; None leaves the number to OpenVINO.
        streams: inferences side by side in throughput mode; None leaves it to OpenVINO.
        strength: 0..1.5, how far to go from the input (enlarged by bicubic where the scale is not
            1) to the result. 1 is the pure result and costs nothing; 1.5 goes half as far beyond
            it. May be set later, too.
        unsharp: 0..2, the amount of an unsharp mask behind the model, which makes edges crisper
            than they were: result + amount * (result - its 3x3 Gaussian); 0.15 is that of the
            published system visionarv. Frames that are left alone get none. May be set later, too.
        tile: input pixels per side of a tile; None cuts only frames with more than 9 million
            output pixels. Models that look at the whole frame are never cut.
        quality: `fast`, `balanced` or `best`: the size of the shipped models that run; None for
            the model that is named, of a router for `balanced`.
        target_fps: frames per second to hold by choosing the size, above 0; None runs one size.
        look_every: frames from one look of the router to the next, 1 or more; nothing else
            depends on it.
        memory: megabytes that compiled models may take, about; beyond, what was not used for
            longest is dropped, and compiled again when it is needed.

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
        unsharp: float = 0.0,
        tile: int | None = None,
        quality: Quality | None = None,
        target_fps: float | None = None,
        look_every: int = 1,
        memory: int = MEMORY,
    ) -> None:
        check_tuning(mode, threads, streams)
        if target_fps is not None and not 0 < target_fps < math.inf:
            raise UsageError(f"target_fps must be a number above 0, got {target_fps}")
        _check_look(look_every)
        check_quality(quality, target_fps)
        tuning = Tuning(check_device(device), precision, mode, threads, streams, tile)
        self._shelf, self._look_every = Shelf(memory), look_every
        self._name = str(DEFAULT_ROUTER if model is None else model)
        self._tuning, self._quality = tuning, quality
        choosers = Choosers(tuning, self._shelf, look_every)
        if target_fps is None:
            chooser: Chooser = choosers.of_quality(model, quality)
        else:
            chooser = choosers.at_rate(model, target_fps)
        super().__init__(chooser, strength=strength, unsharp=unsharp)
        self._sessions: weakref.WeakSet[Session] = weakref.WeakSet()

    def __repr__(self) -> str:
        tuning = self._tuning
        facts = [repr(self._name), f"device={tuning.device!r}", f"mode={tuning.mode!r}"]
        facts += [f"quality={self._quality!r}"] if self._quality else []
        facts += [f"threads={tuning.threads}"] if tuning.threads else []
        facts += [f"strength={self.strength:g}"] if self.strength != 1 else []
        facts += [f"unsharp={self.unsharp:g}"] if self.unsharp else []
        return f"Sharpener({', '.join(facts)})"

    def session(
        self,
        *,
        look_every: int | None = None,
        strength: float | None = None,
        unsharp: float | None = None,
        steady: bool = False,
        reuse: bool = False,
        first: int = 0,
    ) -> Session:
        """Open a call, or another stream of frames, beside those that there are.

        Its state is its own; see `Session`. Close it, or leave its `with` block, when it ends: the
        compiled models stay for the others. What is pinned on the sharpener is pinned in it.

        Args:
            look_every: frames from one look of the router to the next; None for that of the
                sharpener, or for once a second where that is 1: frames of a call belong together.
            strength: see `Session.strength`; None follows the sharpener.
            unsharp: likewise.
            steady: whether to lower flicker, by a mean over time where nothing moves.
            reuse: for files and screens: where a frame or rows of it are equal to the one before,
                `call(frame)` computes only the rest, and gives the same as without. Neither frames
                nor results may be changed then; a repeated frame may give the same array again.
                `stream`, `submit`, `out` and `target_fps` compute everything.
            first: frames of the stream that came before; `switches` count from its start.

        Raises:
            UsageError: an argument that makes no sense.
            InferenceError: the sharpener is closed.
        """
        self._check_open()
        if look_every is None:
            look_every = self._look_every if self._look_every > 1 else VIDEO_LOOK_EVERY
        _check_look(look_every)
        if first < 0:
            raise UsageError(f"first must be 0 or more, got {first}")
        chooser = self._chooser.session(look_every, first)
        session = Session(
            chooser, owner=self, strength=strength, unsharp=unsharp, steady=steady, reuse=reuse
        )
        self._sessions.add(session)
        return session

    def gate(self, *, deadline_ms: float | None = None, workers: int | None = None) -> Gate:
        """Open a gate: calls that share the sharpener in fair turns, and no queue that grows.

        Args:
            deadline_ms: how long a frame may wait for its turn before it comes back as it is; None
                lets it wait until a newer one of its call comes.
            workers: frames that are worked on at a time; None for two, or in throughput mode for
                twice as many as run side by side: between two of its frames a worker waits for the
                interpreter, and a core idled a fifth of the time while frames queued.

        Raises:
            UsageError: an argument that makes no sense.
            InferenceError: the sharpener is closed.
        """
        self._check_open()
        if workers is None:
            many = self._tuning.mode == "throughput"
            workers = 2 * self.settings_for(*_USUAL).requests if many else 2
        return Gate(self.session, workers, deadline_ms=deadline_ms)

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

    def stream(
        self, frames: Iterable[Frame], *, colour: ColourOrder = "bgr"
    ) -> Generator[Frame, None, None]:
        """Sharpen frames as they come, in order, in a session of their own.

        As `Session.stream`; with `look_every` of the sharpener. What is asked of the sharpener
        afterwards (`switches`, `made`, ...) counts the stream, too.

        Args:
            frames: as of `Session.stream`; sizes may change; buffers may be reused.
            colour: order of the channels of arrays.

        Yields:
            One result per frame.

        Raises:
            InferenceError: at the place of a frame that failed.
        """
        with self.session(look_every=self._look_every) as call:
            yield from call.stream(frames, colour=colour)

    def close(self) -> None:
        """Wait for the frames in flight, of sessions too, and give everything back.

        May be called again.
        """
        super().close()
        for session in list(self._sessions):
            session.close()
        self._shelf.clear()


def _check_look(look_every: int) -> None:
    if look_every < 1:
        raise UsageError(f"look_every must be 1 or more, got {look_every}")
