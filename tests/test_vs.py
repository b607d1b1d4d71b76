"""The VapourSynth filter gives what `Sharpener` gives; it runs on Python 3.12 and newer only."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skimage.data

from ovsharp import Sharpener
from ovsharp.errors import UsageError
from ovsharp.vs import sharpen
from tests.networks import write_frame_model

vs = pytest.importorskip("vapoursynth", reason="VapourSynth is not installed (Python >= 3.12)")

PHOTO = np.ascontiguousarray(skimage.data.astronaut()[:96, 180:308])


def clip(frames: int = 3) -> Any:
    """RGB24, of a photo that moves down."""
    blank = vs.core.std.BlankClip(
        format=vs.RGB24, width=128, height=64, length=frames, fpsnum=25, keep=True
    )

    def drawn(n: int, f: Any) -> Any:
        made = f.copy()
        for plane in range(3):
            np.copyto(np.asarray(made[plane]), PHOTO[n : n + 64, :, plane])
        return made

    return blank.std.ModifyFrame(blank, drawn)


def pixels(given: Any, n: int) -> Any:
    frame = given.get_frame(n)
    return np.dstack([np.asarray(frame[plane]) for plane in (2, 1, 0)])


@pytest.mark.parametrize("scale", [1, 2])
def test_pixels_are_those_of_a_sharpener_in_any_order(tmp_path: Path, scale: int) -> None:
    model = write_frame_model(tmp_path, scale=scale)
    given = clip()
    sharp = sharpen(given, model, precision="f32", strength=0.8)
    assert (sharp.width, sharp.height, sharp.num_frames) == (128 * scale, 64 * scale, 3)
    assert sharp.fps == given.fps
    with Sharpener(model, precision="f32", strength=0.8) as sharpener:
        for n in (2, 0, 1):
            frame = pixels(given, n)
            np.testing.assert_array_equal(pixels(sharp, n), sharpener(frame))


def test_one_model_of_a_router_makes_all_frames() -> None:
    given = clip(5)
    names = set()
    with Sharpener() as sharpener:
        for n in range(5):
            sharpener(pixels(given, n))
            names.add(sharpener.variant)
    sharp = sharpen(given)
    for name in names:
        if name == "untouched":
            expected = [pixels(given, n) for n in range(5)]
        else:
            with Sharpener(name) as sharpener:
                expected = [sharpener(pixels(given, n)) for n in range(5)]
        if all((pixels(sharp, n) == expected[n]).all() for n in range(5)):
            return
    pytest.fail(f"the frames are those of none of {names}")


@pytest.mark.parametrize("name", ["YUV420P8", "YUV444P8"])
def test_yuv_comes_back_in_its_own_format_and_colours(tmp_path: Path, name: str) -> None:
    form = getattr(vs, name)
    given = vs.core.resize.Bicubic(clip(), format=form, matrix=6)
    same = sharpen(given, write_frame_model(tmp_path), strength=0)
    assert same.format.id == form
    before, after = given.get_frame(1), same.get_frame(1)
    assert after.props["_Matrix"] == 6
    for plane in range(3):
        differs = np.asarray(before[plane]).astype(int) - np.asarray(after[plane])
        assert abs(differs.mean()) < 0.3  # no colour is shifted
        assert np.abs(differs).mean() < (0.6 if plane == 0 else 1.5)


def test_what_is_no_8_bit_clip_of_one_size_is_refused() -> None:
    for form in (vs.RGB48, vs.GRAY8, vs.YUV420P10):
        with pytest.raises(UsageError, match="RGB24"):
            sharpen(vs.core.std.BlankClip(format=form))
    sizes = [vs.core.std.BlankClip(format=vs.RGB24, width=width) for width in (64, 128)]
    with pytest.raises(UsageError, match="one"):
        sharpen(vs.core.std.Splice(sizes, mismatch=True))
