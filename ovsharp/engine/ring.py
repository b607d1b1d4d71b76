"""Infer requests in a bounded number of slots, one owner each.

`CompiledModel.__call__` shares one request between threads and gives wrong frames in silence, and
an exception in a callback of `AsyncInferQueue` ends the process. So: one request per slot, and
whoever takes a slot starts it, waits for it and gives it back.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from queue import SimpleQueue

import openvino as ov

from ovsharp.engine.compiled import CompiledFrames, Settings
from ovsharp.engine.device import last_line
from ovsharp.errors import InferenceError
from ovsharp.frames import Frame


class Slot:
    """One infer request. Not thread-safe: it belongs to whoever took it."""

    def __init__(self, compiled: CompiledFrames) -> None:
        self._request = compiled.create_request()
        self._where = f"{compiled.width}x{compiled.height} on {compiled.settings.device}"
        self._running = False
        # A shared tensor does not keep its array alive once the request has it.
        self._arrays: Mapping[str, Frame] = {}

    def start(self, arrays: Mapping[str, Frame]) -> None:
        """Start an inference that reads and writes these arrays (H x W x 3) in place.

        The slot keeps them alive until they are done.

        Raises:
            InferenceError: OpenVINO refuses them.
        """
        self._settle()
        self._arrays = arrays
        try:
            for name, array in arrays.items():
                self._request.set_tensor(name, ov.Tensor(array[None], shared_memory=True))
            self._running = True
            self._request.start_async()
        except RuntimeError as error:
            raise InferenceError(
                f"starting a frame of {self._where} failed: {last_line(error)}"
            ) from error

    def wait(self) -> None:
        """Wait until the inference that was started is done.

        Raises:
            InferenceError: it failed.
        """
        try:
            self._request.wait()
        except RuntimeError as error:
            raise InferenceError(
                f"inference of a frame of {self._where} failed: {last_line(error)}"
            ) from error
        self._running = False
        self._arrays = {}  # megabytes, which the caller may have given up

    def _settle(self) -> None:
        """Let an inference end that nobody waited for: its owner was interrupted."""
        if self._running:
            # Its failure belongs to the frame that was given up, not to the next one.
            with suppress(RuntimeError):
                self._request.wait()
            self._running = False

    def __del__(self) -> None:
        # What still runs writes into arrays that are about to go.
        self._settle()


class Slots:
    """The slots of one compiled model."""

    def __init__(self, compiled: CompiledFrames) -> None:
        self.settings: Settings = compiled.settings
        # One more than keeps the device busy: a frame is prepared while the others run.
        self.count = compiled.settings.requests + 1
        self._compiled = compiled
        # Ctrl-C inside a queue that is written in Python leaves its lock taken, and whoever gives
        # a slot back then waits for ever. This one is C: it is interrupted before or after.
        self._free: SimpleQueue[Slot] = SimpleQueue()
        for _ in range(self.count):
            self._add()

    def take(self) -> Slot:
        """Take a free slot, waiting for one if need be. Give it back with `give`."""
        return self._free.get()

    def give(self, slot: Slot) -> None:
        """Give a slot back."""
        self._free.put(slot)

    @contextmanager
    def borrow(self) -> Iterator[Slot]:
        """Take a slot for a `with` block."""
        slot = self.take()
        try:
            yield slot
        finally:
            self.give(slot)

    def _add(self) -> None:
        slot = Slot(self._compiled)
        weakref.finalize(slot, _replace, weakref.ref(self)).atexit = False
        self._free.put(slot)


def _replace(home: weakref.ref[Slots]) -> None:
    """Make a new slot for one that nobody holds: Ctrl-C came between taking and giving it."""
    slots = home()
    if slots is not None:
        slots._add()
