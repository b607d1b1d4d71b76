"""A VapourSynth filter: `ovsharp.vs.sharpen(clip)`.

Needs Python 3.12 and the extra `vapoursynth`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ovsharp.engine import Frame
from ovsharp.errors import UsageError
from ovsharp.extras import need
from ovsharp.runtime import Session, Sharpener

_LOOKS = 9
"""Frames of a clip that a router looks at, evenly spread."""
_RGB = (2, 1, 0)
"""Where each plane of RGB is in a frame."""
_HD_LINES = 720
_MATRIX = {True: 1, False: 6}
"""Of a clip that does not say: BT.709 from 720 lines on, else BT.601."""


def sharpen(
    clip: Any,
    model: str | Path | None = None,
    *,
    strength: float = 1.0,
    device: str = "CPU",
    precision: str | None = None,
    threads: int | None = None,
) -> Any:
    """Sharpen a VapourSynth clip.

    VapourSynth asks for frames in any order, and a frame must not depend on that. So where a
    router chooses, it looks at a few frames of the clip now, and the model that makes most of them
    makes all frames.

    Args:
        clip: RGB24, or 8-bit YUV, which is converted to RGB24 and back, with bicubic chroma and
            the matrix that its frames name (or BT.709 from 720 lines on, else BT.601).
        model: as of `Sharpener`; `call-...`, for instance.
        strength: 0..1, how much of the result is mixed in.
        device: as of `Sharpener`.
        precision: likewise.
        threads: likewise.

    Returns:
        A clip of the same format, of a size `scale` times as large where the model enlarges.

    Raises:
        UsageError: a clip of another format, or one that changes format or size.
        MissingExtraError: VapourSynth is not installed.
        OvsharpError: as `Sharpener`.

    Example:
        >>> import vapoursynth as vs  # doctest: +SKIP
        >>> clip = vs.core.std.BlankClip(format=vs.RGB24, width=640, height=360)  # doctest: +SKIP
        >>> sharpen(clip).set_output()  # doctest: +SKIP
    """
    need("vapoursynth", extra="vapoursynth")
    import vapoursynth

    form = clip.format
    if form is None or not clip.width or not clip.height:
        raise UsageError("the clip changes its format or size; bring it to one first")
    yuv = form.color_family == vapoursynth.YUV
    if form.bits_per_sample != 8 or not (yuv or form.color_family == vapoursynth.RGB):
        raise UsageError(
            f"expected a clip of RGB24 or 8-bit YUV, got {form.name}; convert it first"
        )
    core = vapoursynth.core
    if yuv:
        matrix = int(clip.get_frame(0).props.get("_Matrix", 2))
        matrix = _MATRIX[clip.height >= _HD_LINES] if matrix in (0, 2) else matrix
        colours = core.resize.Bicubic(clip, format=vapoursynth.RGB24, matrix_in=matrix)
        made = _sharpened(colours, model, strength, device, precision, threads)
        return core.resize.Bicubic(made, format=form.id, matrix=matrix)
    return _sharpened(clip, model, strength, device, precision, threads)


def _sharpened(
    clip: Any,
    model: str | Path | None,
    strength: float,
    device: str,
    precision: str | None,
    threads: int | None,
) -> Any:
    import vapoursynth

    sharpener = Sharpener(
        model, device=device, precision=precision, threads=threads, strength=strength
    )
    call = sharpener.session(look_every=1)
    if len(call.variants) > 1:
        call.pin(_best(clip, call))
    scale = call.spec.scale
    target = vapoursynth.core.std.BlankClip(
        clip, width=clip.width * scale, height=clip.height * scale, keep=True
    )

    def one(n: int, f: Sequence[Any]) -> Any:  # noqa: ARG001 - VapourSynth names them
        blank, given = f
        made = blank.copy()
        sharp = call(_frame(given))
        for plane, channel in enumerate(_RGB):
            np.copyto(np.asarray(made[plane]), sharp[..., channel])
        made.props.update(given.props)
        return made

    return target.std.ModifyFrame([target, clip], one)


def _best(clip: Any, call: Session) -> str:
    """Give the name of what makes most of a few frames."""
    made: Counter[str] = Counter()
    for place in sorted({round(n) for n in np.linspace(0, clip.num_frames - 1, _LOOKS)}):
        call(_frame(clip.get_frame(place)))
        made[call.variant] += 1
    return made.most_common(1)[0][0]


def _frame(given: Any) -> Frame:
    """Give a frame of VapourSynth as uint8, H x W x 3, BGR."""
    return np.dstack([np.asarray(given[plane]) for plane in _RGB])
