"""Who makes one frame, and what is done to the result."""

from __future__ import annotations

from ovsharp.engine import Frame, Maker


class Turn:
    """Which model makes one frame. Plain: that model, and nothing else."""

    timed = False
    """Whether the time that the variant takes decides who makes the next frames."""

    def __init__(self, variant: Maker) -> None:
        self.variant = variant

    def finished(self, frame: Frame, result: Frame) -> Frame:  # noqa: ARG002 - others need it
        """Take the result of the frame and give what its owner shall get."""
        return result
