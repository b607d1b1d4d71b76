from __future__ import annotations

import numpy as np
import pytest

from ovsharp.engine.tiles import TILE_ABOVE, WHOLE_LIMIT, Plan, check_tile, plan, stripes
from ovsharp.errors import InferenceError, UsageError
from ovsharp.spec import ModelSpec

WIDTH = 72


def model(**changes: object) -> ModelSpec:
    values: dict[str, object] = {"scale": 1, "multiple": 1, "margin": 3, **changes}
    return ModelSpec(name="net", architecture="test", **values)  # type: ignore[arg-type]


def check_sound(cut: Plan, height: int, width: int, spec: ModelSpec) -> None:
    """Each pixel is kept once; tiles are inside and aligned, and see `margin` around it."""
    covered = np.zeros((height, width), np.uint8)
    for tile in cut.tiles:
        covered[tile.keep_top : tile.keep_bottom, tile.keep_left : tile.keep_right] += 1
        for start, keep, stop, side, padded in (
            (tile.top, tile.keep_top, tile.keep_bottom, cut.size[0], cut.padded[0]),
            (tile.left, tile.keep_left, tile.keep_right, cut.size[1], cut.padded[1]),
        ):
            assert start % spec.multiple == 0
            assert 0 <= start <= keep < stop <= start + side <= padded
            assert start == 0 or keep - start >= (spec.margin or 0)
            assert start + side == padded or start + side - stop >= (spec.margin or 0)
    assert covered.min() == covered.max() == 1


@pytest.mark.parametrize("multiple", [1, 4])
@pytest.mark.parametrize("margin", [0, 5])
@pytest.mark.parametrize("tile", [24, 33])
@pytest.mark.parametrize(("height", "width"), [(1, 1), (24, 25), (57, 131), (64, 20), (49, 50)])
def test_tiles_are_sound(multiple: int, margin: int, tile: int, height: int, width: int) -> None:
    spec = model(multiple=multiple, margin=margin)
    check_sound(plan(height, width, spec, tile), height, width, spec)


def test_a_small_frame_is_padded_and_goes_through_in_one_piece() -> None:
    cut = plan(7, 5, model(multiple=4, minimum=16))
    assert (cut.padded, cut.size, len(cut.tiles)) == ((16, 16), (16, 16), 1)
    assert plan(7, 5, model(multiple=4)).padded == (8, 8)


def test_a_4k_frame_is_whole_and_a_larger_one_is_tiled() -> None:
    assert len(plan(2160, 3840, model()).tiles) == 1
    assert len(plan(540, 960, model(scale=4)).tiles) == 1
    assert len(plan(3000, TILE_ABOVE // 3000 + 1, model()).tiles) > 1


@pytest.mark.parametrize(("scale", "margin"), [(1, 36), (4, 300)])
def test_100_megapixels_in_bounded_pieces(scale: int, margin: int) -> None:
    spec = model(scale=scale, multiple=4, margin=margin)
    cut = plan(8660, 11547, spec)
    assert cut.size[0] * cut.size[1] * scale**2 < WHOLE_LIMIT
    check_sound(cut, 8660, 11547, spec)


def test_a_model_that_looks_everywhere_is_never_tiled() -> None:
    spec = model(margin=None)
    assert len(plan(4000, 5000, spec).tiles) == 1
    with pytest.raises(
        InferenceError, match=r"11547x8660 is too large.* 100 million .* 36 million"
    ):
        plan(8660, 11547, spec)
    with pytest.raises(UsageError, match="cannot be tiled"):
        check_tile(512, spec)


def test_a_model_of_one_size() -> None:
    spec = model(size=(32, 48))
    assert len(plan(32, 48, spec).tiles) == 1
    assert plan(10, 12, spec).padded == (32, 48)
    large = plan(50, 40, spec)
    assert large.size == (32, 48)
    check_sound(large, 50, 40, spec)
    with pytest.raises(UsageError, match="cannot be tiled"):
        check_tile(512, spec)


@pytest.mark.parametrize("margin", [None, 16])
def test_a_model_of_one_size_that_cannot_be_tiled(margin: int | None) -> None:
    spec = model(size=(32, 48), margin=margin)
    assert len(plan(32, 48, spec).tiles) == 1
    with pytest.raises(InferenceError, match=r"48x32 only.*got 12x10"):
        plan(10, 12, spec)


def test_tiles_that_would_keep_nothing_are_refused() -> None:
    spec = model(multiple=4, margin=6)
    check_tile(20, spec)
    with pytest.raises(UsageError, match=r"tile 19 is too small.*use 20 or more"):
        check_tile(19, spec)


@pytest.mark.parametrize("multiple", [1, 4])
@pytest.mark.parametrize("rows", [[0], [399], [5, 6, 390], [100, 160], range(0, 400, 40)])
def test_stripes_hold_all_that_changes(multiple: int, rows: list[int]) -> None:
    spec = ModelSpec(name="net", architecture="test", scale=1, multiple=multiple, margin=6)
    changed = np.isin(np.arange(400), rows)
    cut = stripes(plan(400, WIDTH, spec), WIDTH, changed, spec)
    if len(rows) > 3:
        assert cut is None
        return
    assert cut is not None
    kept = np.zeros(400, int)
    for tile in cut.tiles:
        assert tile.top % multiple == 0
        assert tile.top + cut.size[0] <= 400
        assert tile.top == 0 or tile.keep_top - tile.top >= 6
        assert tile.top + cut.size[0] == 400 or tile.top + cut.size[0] - tile.keep_bottom >= 6
        kept[tile.keep_top : tile.keep_bottom] += 1
    assert kept.max() == 1
    for row in rows:
        assert kept[max(0, row - 6) : row + 7].all()


def test_models_that_look_everywhere_are_not_cut() -> None:
    spec = ModelSpec(name="net", architecture="test", scale=1, multiple=1, margin=None)
    assert stripes(plan(400, WIDTH, spec), WIDTH, np.arange(400) == 7, spec) is None
