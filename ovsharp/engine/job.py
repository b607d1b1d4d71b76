"""One frame on its way through a model."""

from __future__ import annotations

import numpy as np

from ovsharp.engine.buffers import empty_frame
from ovsharp.engine.compiled import BASE, FRAME, SHARP
from ovsharp.engine.padding import pad
from ovsharp.engine.ring import Slot
from ovsharp.engine.tiles import Plan, Tile
from ovsharp.frames import Frame, upscale
from ovsharp.spec import ModelSpec


class Job:
    """A frame, its plan, and the array that its result goes into.

    Args:
        frame: checked; read until the job is done, or copied at once.
        plan: for a frame of this size.
        spec: of the model.
        out: where the result goes; None for a new array.
        copy: whether to copy the frame, so that its owner may change it.
    """

    def __init__(
        self,
        frame: Frame,
        plan: Plan,
        spec: ModelSpec,
        *,
        out: Frame | None = None,
        copy: bool = False,
    ) -> None:
        height, width = frame.shape[:2]
        self._plan = plan
        self._scale = spec.scale
        self._padded = pad(frame, *plan.padded, copy=copy)
        self._frame = self._padded[:height, :width]
        self._base = upscale(self._padded, spec.scale) if spec.base else None
        shape = (height * spec.scale, width * spec.scale, 3)
        self._out = empty_frame(shape) if out is None else out
        whole = plan.size == plan.padded == (height, width)
        tile_shape = (plan.size[0] * spec.scale, plan.size[1] * spec.scale, 3)
        self._tile_out = self._out if whole else empty_frame(tile_shape)

    @property
    def frame(self) -> Frame:
        """What is read: the frame, or its copy."""
        return self._frame

    def start(self, slot: Slot) -> None:
        """Start the first inference, without waiting for it.

        Raises:
            InferenceError: OpenVINO refuses it.
        """
        self._start(slot, self._plan.tiles[0])

    def finish(self, slot: Slot) -> Frame:
        """Wait for the inference that was started, run the others, and give the result.

        Raises:
            InferenceError: an inference failed.
        """
        for index, tile in enumerate(self._plan.tiles):
            if index > 0:
                self._start(slot, tile)
            slot.wait()
            if self._tile_out is not self._out:
                self._keep(tile)
        return self._out

    def _start(self, slot: Slot, tile: Tile) -> None:
        arrays = {FRAME: self._cut(self._padded, tile, 1), SHARP: self._tile_out}
        if self._base is not None:
            arrays[BASE] = self._cut(self._base, tile, self._scale)
        slot.start(arrays)

    def _cut(self, picture: Frame, tile: Tile, scale: int) -> Frame:
        """Give what a tile reads; of the whole picture's base, not of a base of its own."""
        height, width = self._plan.size
        rows = slice(tile.top * scale, (tile.top + height) * scale)
        columns = slice(tile.left * scale, (tile.left + width) * scale)
        return np.ascontiguousarray(picture[rows, columns])

    def _keep(self, tile: Tile) -> None:
        scale = self._scale
        top, bottom = tile.keep_top * scale, tile.keep_bottom * scale
        left, right = tile.keep_left * scale, tile.keep_right * scale
        y, x = tile.top * scale, tile.left * scale
        self._out[top:bottom, left:right] = self._tile_out[
            top - y : bottom - y, left - x : right - x
        ]
