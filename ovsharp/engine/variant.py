"""What can make a frame: a model, compiled per frame size when it is first used, or nobody."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from ovsharp.engine.buffers import copy_frame
from ovsharp.engine.compiled import CompiledFrames, Mode, compile_frames
from ovsharp.engine.device import execution_of, get_core
from ovsharp.engine.ir import read_ir
from ovsharp.engine.job import Job
from ovsharp.engine.ring import Slot, Slots
from ovsharp.engine.shelf import Shelf
from ovsharp.engine.tiles import Plan, check_tile, plan
from ovsharp.frames import Frame, upscale


@dataclass(frozen=True)
class Tuning:
    """How models are run: the arguments of `Sharpener` that all of its models share."""

    device: str
    precision: str | None
    mode: Mode
    threads: int | None
    streams: int | None
    tile: int | None


class Ticket(Protocol):
    """A frame, and the means to make it, held by one owner: started, finished, given back."""

    @property
    def frame(self) -> Frame:
        """A copy of the frame."""
        ...

    def start(self) -> None:
        """Start without waiting."""
        ...

    def finish(self) -> Frame:
        """Wait for the result and give it."""
        ...

    def give_back(self) -> None:
        """Give back what is held."""
        ...


class Variant:
    """A model of a `Sharpener`. Thread-safe.

    Args:
        path: of its .xml.
        tuning: how it is run; checked before.
        shelf: where what is compiled is kept, with others'; None for one of its own.

    Raises:
        UsageError, ModelLoadError, UnsupportedModelError, DeviceError: as `Sharpener`.
    """

    def __init__(self, path: Path, tuning: Tuning, shelf: Shelf | None = None) -> None:
        self.path = path
        self._model, self.spec = read_ir(path, get_core())
        check_tile(tuning.tile, self.spec)
        self.execution = execution_of(self.spec, tuning.device, tuning.precision)
        self._tuning = tuning
        self._shelf = Shelf() if shelf is None else shelf

    @property
    def name(self) -> str:
        """Name of the model."""
        return self.spec.name

    def plan(self, height: int, width: int) -> Plan:
        """Say how a frame of a size is padded and cut."""
        return plan(height, width, self.spec, self._tuning.tile)

    def slots(self, cut: Plan) -> Slots:
        """Give the slots for a plan's size, compiled at first use."""
        return self._shelf.get(self, *cut.size, self._compile)

    def job(self, frame: Frame, cut: Plan, *, out: Frame | None = None, copy: bool = False) -> Job:
        """Make the job of one frame; see `Job`."""
        return Job(frame, cut, self.spec, out=out, copy=copy)

    def run(self, frame: Frame, out: Frame | None = None, cut: Plan | None = None) -> Frame:
        """Sharpen one frame, now; with a plan only what that one keeps is written to `out`."""
        cut = cut or self.plan(*frame.shape[:2])
        with self.slots(cut).borrow() as slot:
            job = self.job(frame, cut, out=out)
            job.start(slot)
            return job.finish(slot)

    def ticket(self, frame: Frame) -> Ticket:
        """Take what a frame needs, waiting while all slots are taken, and copy the frame."""
        cut = self.plan(*frame.shape[:2])
        slots = self.slots(cut)
        slot = slots.take()
        try:
            return _InSlot(self.job(frame, cut, copy=True), slot, slots)
        except BaseException:
            slots.give(slot)
            raise

    def burst(self, frame: Frame) -> int:
        """Sharpen a frame as often as the device runs side by side, and give that number."""
        cut = self.plan(*frame.shape[:2])
        slots = self.slots(cut)
        taken = [slots.take() for _ in range(slots.settings.requests)]
        try:
            jobs = [(self.job(frame, cut), slot) for slot in taken]
            for job, slot in jobs:
                job.start(slot)
            for job, slot in jobs:
                job.finish(slot)
        finally:
            for slot in taken:
                slots.give(slot)
        return len(taken)

    def clear(self) -> None:
        """Drop everything that is compiled."""
        self._shelf.clear(self)

    def _compile(self, height: int, width: int) -> CompiledFrames:
        return compile_frames(
            self._model,
            self.spec,
            height,
            width,
            device=self._tuning.device,
            execution=self.execution,
            mode=self._tuning.mode,
            threads=self._tuning.threads,
            streams=self._tuning.streams,
        )


class Untouched:
    """Nobody: frames come back as they are. For frames that no model would make better.

    Args:
        scale: above 1, frames come back enlarged by OpenCV's bicubic resampler.
    """

    def __init__(self, scale: int = 1) -> None:
        self.name = "untouched" if scale == 1 else "bicubic"
        self._scale = scale

    def run(self, frame: Frame, out: Frame | None = None) -> Frame:
        """Copy one frame."""
        result = upscale(frame, self._scale)
        if out is not None:
            np.copyto(out, result)
            return out
        return copy_frame(frame) if result is frame else result

    def ticket(self, frame: Frame) -> Ticket:
        """Copy a frame."""
        return _Done(copy_frame(frame), self)

    def clear(self) -> None:
        """Do nothing: nothing is compiled."""


class Made:
    """A result that is there already, for the one frame that it was made of."""

    def __init__(self, name: str, result: Frame) -> None:
        self.name = name
        self._result = result

    def run(self, frame: Frame, out: Frame | None = None) -> Frame:  # noqa: ARG002 - as a variant
        """Give the result."""
        if out is None:
            return self._result
        np.copyto(out, self._result)
        return out

    def ticket(self, frame: Frame) -> Ticket:
        """Copy a frame."""
        return _Done(copy_frame(frame), self)


Maker = Variant | Untouched | Made
"""What can make one frame."""


class _InSlot:
    def __init__(self, job: Job, slot: Slot, slots: Slots) -> None:
        self._job, self._slot, self._slots = job, slot, slots

    @property
    def frame(self) -> Frame:
        return self._job.frame

    def start(self) -> None:
        self._job.start(self._slot)

    def finish(self) -> Frame:
        return self._job.finish(self._slot)

    def give_back(self) -> None:
        self._slots.give(self._slot)


class _Done:
    def __init__(self, frame: Frame, maker: Untouched | Made) -> None:
        self.frame = frame
        self._maker = maker

    def start(self) -> None:
        pass

    def finish(self) -> Frame:
        return self._maker.run(self.frame)

    def give_back(self) -> None:
        pass
