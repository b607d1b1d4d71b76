"""`scripts/fuzz.py` and `scripts/soak.py` see what they are there to see."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import cv2
import numpy as np
import pytest

from tests.scripts import loaded

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="counts handles as POSIX does")


@pytest.fixture(scope="module")
def fuzz() -> ModuleType:
    return loaded("fuzz")


@pytest.fixture
def run(fuzz: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run the fuzz on a picture, with what stands for the two ways to read it."""
    cv2.imwrite(str(tmp_path / "a.png"), np.full((8, 8, 3), 90, np.uint8))

    def run(outcome: Any, again: Any) -> int:
        reader = type("Reader", (), {"started": 1, "read": lambda _, call: outcome(call)})
        reader.end = lambda _: None  # type: ignore[attr-defined]
        monkeypatch.setattr(fuzz, "Reader", reader)
        monkeypatch.setattr(fuzz, "alone", again)
        call = ["fuzz", tmp_path, "--minutes", "0.002", "--out", tmp_path / "kept"]
        monkeypatch.setattr(sys, "argv", [str(word) for word in call])
        return int(fuzz.main())

    return run


def test_a_fuzz_that_finds_nothing_keeps_nothing(
    fuzz: ModuleType, run: Any, tmp_path: Path
) -> None:
    refused = fuzz.Outcome("refused", "a sentence")
    assert run(lambda _: refused, None) == 0
    assert not (tmp_path / "kept").exists()


def test_what_fails_by_itself_too_is_kept_with_its_words(
    fuzz: ModuleType, run: Any, tmp_path: Path
) -> None:
    refused = fuzz.Outcome("refused", "a sentence")
    failed = fuzz.Outcome("traceback", "Traceback: a mistake")
    assert run(lambda _: failed, lambda _: refused) == 0  # only in company: nobody sees it
    assert run(lambda _: failed, lambda _: failed) == 1
    kept = sorted((tmp_path / "kept").iterdir())
    assert kept[0].name.endswith("-a.png")
    assert kept[1].name.endswith("-a.png.txt")
    assert "Traceback: a mistake" in kept[1].read_text()


def test_a_refusal_says_something_and_leaves_nothing(
    fuzz: ModuleType, run: Any, tmp_path: Path
) -> None:
    def leaves(call: list[str]) -> Any:
        out = Path(call[call.index("-o") + 1]).parent
        out.mkdir()
        (out / "half").write_text("x")
        return fuzz.Outcome("refused", "a sentence")

    assert run(leaves, leaves) == 1
    silent = fuzz.Outcome("refused", " ")
    assert run(lambda _: silent, lambda _: silent) == 1
    found = {path.read_text().partition(":")[0] for path in (tmp_path / "kept").glob("*.txt")}
    assert found == {"left behind", "silence"}


@pytest.mark.parametrize("changes", [False, True])
def test_a_soak_compares_every_frame(
    changes: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    soak = loaded("soak")
    monkeypatch.setattr(soak, "MODELS", ("call-fast",))
    monkeypatch.setattr(soak, "SIZES", ((16, 24),))
    if changes:
        wrong = lambda *_: [(0, np.zeros((16, 24, 3), np.uint8))]  # noqa: E731
        monkeypatch.setattr(soak, "_WAYS", (wrong,))
    monkeypatch.setattr(sys, "argv", ["soak", "--minutes", "0.001", "--threads", "2"])
    assert soak.main() == int(changes)
    said = capsys.readouterr().out
    assert ("the result is another than at first" if changes else "grown: ") in said
