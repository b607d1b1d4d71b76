"""`Draft`: a float network on its way to a model of frames, as one pass hands it to the next."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import openvino as ov

from ovsharp.passes.body import Body
from ovsharp.passes.coding import Coding, Values
from ovsharp.passes.shuffle import Shuffle


@dataclass(frozen=True)
class Draft:
    """A network whose ends are being rewritten, and what has still to be done there."""

    body: Body
    coding: Coding
    core: ov.Model
    """A copy of the body's; passes edit it in place."""
    frame: ov.Node
    """What the finished model takes: uint8 [1, H, W, 3], BGR."""
    base: ov.Node
    """Likewise its bicubic upscale; where the model takes none, the frame."""
    divisor: Values
    """Between a frame and the picture that the core reads: value = level / divisor + offset, per
    channel, in the network's order."""
    offset: Values
    swap: bool
    """Whether the core reads RGB."""
    swap_output: bool
    """Whether it gives RGB."""
    unshuffle: Shuffle | None = None
    """What stands between the picture and the first convolution, if that can be rewritten."""
    shuffle: Shuffle | None = None
    """Likewise behind the last convolution."""
    sharp: ov.Node | None = None
    """What the finished model gives: uint8 [1, H * scale, W * scale, 3], BGR."""
    done: tuple[str, ...] = ()
    """What was folded into the network's own weights, in words."""

    @property
    def picture(self) -> ov.op.Parameter:
        """What the core reads in place of a frame."""
        return self.core.get_parameters()[0]

    def after(self, *what: str, **changes: Any) -> Draft:
        """Give the draft with fields changed, and what was done added."""
        return dataclasses.replace(self, done=(*self.done, *what), **changes)
