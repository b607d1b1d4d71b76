"""Error rates by hand; Tesseract on drawn text, where it is installed."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from ovsharp.errors import InferenceError, UsageError
from ovsharp.quality import can_read, character_error_rate, read_text, text_error

TEXT = "Quarterly results and plans"


@pytest.mark.parametrize(
    ("read", "truth", "errors"),
    [("kitten", "sitting", 3), ("", "abc", 3), ("abc", "abc", 0), ("axbxc", "abc", 2)],
)
def test_character_error_rate(read: str, truth: str, errors: int) -> None:
    assert character_error_rate(read, truth) == pytest.approx(errors / len(truth))


def test_no_truth_no_rate() -> None:
    with pytest.raises(UsageError, match="should have been read"):
        character_error_rate("abc", "")


def test_the_missing_program_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert not can_read()
    with pytest.raises(UsageError, match="tesseract"):
        read_text(np.zeros((32, 32, 3), np.uint8))


def test_few_characters_are_no_text_to_judge_by() -> None:
    assert text_error(np.zeros((32, 32, 3), np.uint8), "x" * 19) is None


def program(folder: Path, script: str) -> str:
    """Write a program by the name of tesseract; give a PATH on which it is found."""
    path = folder / "tesseract"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return f"{folder}{os.pathsep}{os.environ['PATH']}"


@pytest.mark.skipif(os.name == "nt", reason="Windows runs no scripts of a shell")
def test_words_that_the_engine_doubts_are_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its table: level first; of a block, of words it is sure of, doubts, and sees nothing in."""
    rows = ("level conf text", "2 -1 ", "5 96.5 Quarterly", "5 59.9 rcsults", "5 60 plans", "5 95 ")
    table = "\\n".join(row.replace(" ", "\\t") for row in rows)
    monkeypatch.setenv("PATH", program(tmp_path, f"test -s $1 && printf '{table}'"))
    image = np.full((32, 32, 3), 255, np.uint8)
    assert can_read()
    assert read_text(image) == "Quarterly plans"
    assert text_error(image, "Quarterly plants....") == pytest.approx(5 / 20)


@pytest.mark.skipif(os.name == "nt", reason="Windows runs no scripts of a shell")
def test_an_engine_that_fails_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", program(tmp_path, "exit 3"))
    with pytest.raises(InferenceError, match=r"tesseract could not read an image: .*status 3"):
        read_text(np.zeros((32, 32, 3), np.uint8))


@pytest.mark.skipif(not can_read(), reason="tesseract is not installed")
def test_blurred_text_is_read_worse() -> None:
    page = np.full((80, 640, 3), 255, np.uint8)
    cv2.putText(page, TEXT, (20, 50), cv2.FONT_HERSHEY_SIMPLEX, 1.1, (0, 0, 0), 2, cv2.LINE_AA)
    truth = read_text(page)
    assert truth == TEXT
    assert text_error(page, truth) == 0
    rate = text_error(cv2.GaussianBlur(page, (0, 0), 6), truth)
    assert rate is not None and rate > 0.3
