"""From one model to another without a visible jump, at the cost of one model per frame.

Running both models while their results are cross-faded would be the plain way, but a model is left
because there is no time: two at once would make late just those frames that the change is to save.
Mixing in the input instead (a strength ramp) makes the sharpness of the whole picture dip and come
back, which is seen more than the change itself. And the sharpness of two models can hardly be
matched by a factor: of their difference (3 levels rms between members of the shipped family, on a
call) such a factor takes away a tenth only; the rest is in the details.

So the *difference* of the two models is taken once, on the last frame of the old one, by the
thread that prepares the new one, and added to the new one's results with a weight that falls to
zero. On what stands still since then, this is the cross-fade of both models. What moves or
flickers changes at once, where a change is not noticed, and no ghosts of the old frame appear.
"""

from __future__ import annotations

import cv2
import numpy as np

from ovsharp.engine import Frame

FADE_FRAMES = 8
STILL = 12
"""Levels (of 255) that a pixel may change by and still stand still: the noise of a camera."""


class Fade:
    """The difference between two models, to be worn off. Read only: thread-safe.

    Args:
        frame: the last frame before the change, uint8, H x W x 3.
        old: what the model before made of it, uint8, H * scale x W * scale x 3.
        new: what the model behind the change makes of it, likewise.

    Example:
        >>> frame = np.full((8, 8, 3), 100, np.uint8)
        >>> fade = Fade(frame, old=frame + 18, new=frame)
        >>> [int(fade.apply(frame, frame.copy(), step)[0, 0, 0]) for step in (0, 4, 7, 8)]
        [116, 108, 102, 100]
    """

    def __init__(self, frame: Frame, old: Frame, new: Frame) -> None:
        self._frame = frame
        # Of each pixel's channel, one of the two is 0: bytes are five times as fast as one
        # difference with a sign.
        self._brighter, self._darker = cv2.subtract(old, new), cv2.subtract(new, old)

    def apply(self, frame: Frame, result: Frame, step: int) -> Frame:
        """Add what is left of the difference to a result, in place.

        Args:
            frame: that the new model was given, of the size of the one before.
            result: that it gave.
            step: frames since the change; nothing is added from `FADE_FRAMES` on.

        Returns:
            `result`.
        """
        if step >= FADE_FRAMES:
            return result
        weight = 1 - (step + 1) / (FADE_FRAMES + 1)
        moved = cv2.absdiff(frame, self._frame)
        still = cv2.inRange(moved, (0, 0, 0), (STILL, STILL, STILL))
        if still.shape != result.shape[:2]:
            height, width = result.shape[:2]
            still = cv2.resize(still, (width, height), interpolation=cv2.INTER_NEAREST)
        faded = cv2.addWeighted(result, 1, self._brighter, weight, 0)
        faded = cv2.addWeighted(faded, 1, self._darker, -weight, 0)
        return np.asarray(cv2.copyTo(faded, still, result), np.uint8)
