"""Legibility of text: how many characters an OCR engine reads wrongly."""

from __future__ import annotations

import shutil
import subprocess

import cv2

from ovsharp.errors import InferenceError, UsageError
from ovsharp.files import scratch
from ovsharp.quality.pixels import Image, check_pair

PROGRAM = "tesseract"
MIN_CHARACTERS = 20
"""Fewer characters in the truth are no text to judge by."""
MIN_CONFIDENCE = 60.0
"""Percent: words that the engine itself doubts more are not counted as read."""
_SECONDS = 120
_WORD_LEVEL = "5"


def can_read() -> bool:
    """Tell whether the OCR engine, the program `tesseract`, is installed."""
    return shutil.which(PROGRAM) is not None


def read_text(image: Image) -> str:
    """Read the words in an image with Tesseract, wherever they are (`--psm 11`, English).

    Args:
        image: uint8, H x W x 3, BGR.

    Returns:
        The words of 60 % confidence or more, in reading order, with one space between them.

    Raises:
        UsageError: Tesseract is not installed.
        InferenceError: Tesseract failed or took longer than two minutes.
    """
    check_pair(image, image)
    program = shutil.which(PROGRAM)
    if program is None:
        raise UsageError(
            "the legibility of text is measured with the program 'tesseract', which is not "
            "installed; install it (Debian: tesseract-ocr) or leave this measure out"
        )
    with scratch() as folder:
        picture = folder / "picture.png"
        picture.write_bytes(cv2.imencode(".png", image)[1].tobytes())
        command = [program, str(picture), "stdout", "--psm", "11", "tsv"]
        try:
            done = subprocess.run(  # noqa: S603 - a found program and a path of our own
                command, capture_output=True, text=True, timeout=_SECONDS, check=True
            )
        except (subprocess.SubprocessError, UnicodeDecodeError) as error:
            raise InferenceError(f"tesseract could not read an image: {error}") from error
    return " ".join(_words(done.stdout))


def _words(table: str) -> list[str]:
    """Take the words out of Tesseract's TSV: level first, confidence and text last."""
    rows = [line.split("\t") for line in table.splitlines()[1:]]
    return [
        row[-1].strip()
        for row in rows
        if row[0] == _WORD_LEVEL and row[-1].strip() and float(row[-2]) >= MIN_CONFIDENCE
    ]


def character_error_rate(read: str, truth: str) -> float:
    """Levenshtein distance over the length of the truth: V. Levenshtein, 1966.

    The least number of characters to insert, delete or replace to get from one text to the other.

    Args:
        read: what was read.
        truth: what should have been read; at least one character.

    Returns:
        0 for equal texts; over 1 where more is wrong than there is text.

    Raises:
        UsageError: the truth is empty.

    Example:
        >>> character_error_rate("he1lo", "hello")
        0.2
    """
    if not truth:
        raise UsageError("a character error rate needs a text that should have been read")
    above = list(range(len(read) + 1))
    for row, wanted in enumerate(truth, 1):
        line = [row]
        for column, got in enumerate(read, 1):
            line.append(min(above[column] + 1, line[-1] + 1, above[column - 1] + (got != wanted)))
        above = line
    return above[-1] / len(truth)


def text_error(image: Image, truth_text: str) -> float | None:
    """Character error rate of what Tesseract reads in an image.

    Args:
        image: uint8, H x W x 3, BGR.
        truth_text: what `read_text` gives for the truth.

    Returns:
        As `character_error_rate`; None where the truth has fewer than 20 characters.

    Raises:
        UsageError: Tesseract is not installed.
        InferenceError: Tesseract failed.
    """
    if len(truth_text) < MIN_CHARACTERS:
        return None
    return character_error_rate(read_text(image), truth_text)
