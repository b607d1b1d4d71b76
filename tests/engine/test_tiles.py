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


def test_what_is_tiled_and_how_large_tiles_are() -> None:
    assert len(plan(3000, 3000, model()).tiles) == 1
    assert plan(3000, 3001, model()).size == (1024, 1024)
    assert plan(1000, 1000, model(scale=4)).size == (256, 256)
    assert plan(1000, 9000, model(scale=4, margin=100)).size == (400, 400)
    assert plan(700, 20_000, model()).size == (700, 1024)  # no higher than the frame
    assert plan(3001, 3000, model(multiple=4), tile=101).size == (104, 104)


def test_36_million_pixels_are_the_most_in_one_piece() -> None:
    everywhere = model(margin=None, scale=2)
    assert plan(3000, 3000, everywhere).size == (3000, 3000)
    with pytest.raises(InferenceError, match=r"3001x3000 is too large .* has 36 million"):
        plan(3000, 3001, everywhere)
    with pytest.raises(InferenceError, match=r"36000001x1 is too large"):
        plan(1, WHOLE_LIMIT + 1, model(margin=None))


def test_a_size_holds_a_tile_that_keeps_a_row() -> None:
    assert plan(50, 40, model(size=(32, 48), margin=15)).size == (32, 48)
    assert plan(32, 30, model(size=(32, 48), margin=15)).padded == (32, 48)


def kept(cut: Plan | None) -> list[tuple[int, int, int]]:
    assert cut is not None
    return [(tile.top, tile.keep_top, tile.keep_bottom) for tile in cut.tiles]


def striped(height: int, rows: list[int], **changes: object) -> Plan | None:
    spec = model(**changes)
    return stripes(plan(height, 64, spec), 64, np.isin(np.arange(height), rows), spec)


def test_stripes_lie_around_what_changed() -> None:
    four = {"multiple": 4, "margin": 6}
    cut = striped(800, [300], **four)
    assert cut is not None
    assert (cut.padded, cut.size) == ((800, 64), (116, 64))
    assert {(tile.left, tile.keep_left, tile.keep_right) for tile in cut.tiles} == {(0, 0, 64)}
    assert kept(cut) == [(284, 292, 392)]
    assert kept(striped(800, [0, 799], **four)) == [(0, 0, 108), (684, 792, 800)]
    # What 388 changes ends below the first stripe.
    assert kept(striped(800, [300, 388], **four)) == [(284, 292, 392), (384, 392, 492)]
    assert kept(striped(798, [797], **four))[-1] == (684, 788, 798)  # padded to 800
    assert kept(striped(800, [300], scale=2, margin=0)) == [(300, 300, 400)]
    assert kept(striped(800, [300], scale=2, margin=0, base=True)) == [(298, 298, 398)]
    assert kept(striped(800, [300], scale=2, margin=6, base=True)) == [(288, 294, 394)]


def test_stripes_end_where_the_whole_is_as_fast() -> None:
    rows = list(range(0, 600, 100))
    assert len(kept(striped(800, rows, margin=0))) == 6  # three quarters of the rows
    assert striped(800, [*rows, 600], margin=0) is None
    assert len(kept(striped(800, [0, 160, 320, 480, 640], multiple=4, margin=6))) == 5
    assert striped(800, [0, 160, 320, 480, 640, 799], multiple=4, margin=6) is None


def test_what_is_tiled_or_of_one_size_has_no_stripes() -> None:
    for height, changes in ((800, {"size": (800, 64)}), (200_000, {})):
        assert striped(height, [300], **changes) is None
