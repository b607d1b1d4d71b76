"""Pages that `scripts/draw_screens.py` draws."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

from ovsharp.media import read_frame
from tests.chromium import CHROMIUM
from tests.scripts import loaded

SOURCE = 'import a\n"""Says if a < b & c."""\n' * 40


@pytest.fixture(scope="module")
def screens() -> ModuleType:
    return loaded("draw_screens")


@pytest.mark.parametrize("index", range(7))
def test_a_page_is_drawn_by_its_number(screens: ModuleType, index: int) -> None:
    kind = screens.KINDS[index]
    first, again, other = (kind(screens.Hand(seed, [SOURCE], [])) for seed in (1, 1, 2))
    assert first == again != other


def test_what_sources_say_is_text(screens: ModuleType) -> None:
    words = screens.Hand(1, [SOURCE], []).words
    assert words[:6] == ["Says", "if", "a", "&lt;", "b", "&amp;"]


def test_there_are_many_words_to_show(screens: ModuleType) -> None:
    assert len(screens.library()) > 20


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")
@pytest.mark.slow
def test_each_kind_fills_its_picture(
    screens: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["draw_screens", str(tmp_path), "--count", "7"])
    screens.main()
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == [f"{i:02}-{kind.__name__}.png" for i, kind in enumerate(screens.KINDS)]
    for name in names:
        lower = read_frame(tmp_path / name)[800:1200]
        assert lower.shape == (400, screens.WIDTH, 3)
        assert lower.std() > 5
