"""`play`: a video through a sharpener as `ovsharp video` does it, shown frame by frame."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ovsharp.apps.pipeline import Pipeline
from ovsharp.media import SEGMENT, Frame, Shot
from ovsharp.runtime import Sharpener, Steady


class _Nowhere:
    def write(self, shot: Shot) -> None:
        """Keep nothing."""


def play(
    shots: Iterable[Shot], sharpener: Sharpener, each: Callable[[Frame, Frame], Frame]
) -> None:
    """Run shots through a sharpener, in the pipeline and the segments of a written video, steady.

    Args:
        shots: in order; closed in the end, if it is a generator.
        sharpener: open, with `look_every=VIDEO_LOOK_EVERY` as `ovsharp video` has it.
        each: called with every frame before and after, in order, from one thread.

    Raises:
        BaseException: the first error of the shots, the model or `each`.

    Example:
        >>> import numpy as np
        >>> from fractions import Fraction
        >>> shots = [Shot(np.zeros((32, 32, 3), np.uint8), i, Fraction(1, 25)) for i in range(3)]
        >>> seen = []
        >>> with Sharpener(threads=1) as sharpener:
        ...     play(shots, sharpener, lambda before, after: seen.append(after.shape) or after)
        >>> seen
        [(32, 32, 3), (32, 32, 3), (32, 32, 3)]
    """
    steady = Steady(SEGMENT)

    def shown(before: Frame, after: Frame) -> Frame:
        return each(before, steady.add(before, after, sharpener.unsharp))

    Pipeline(shots, sharpener, _Nowhere(), each=shown, segment=SEGMENT).run()
