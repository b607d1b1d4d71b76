"""Raters, their questions and their answers, in SQLite: every answer is on disk at once."""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from ovsharp.errors import UsageError
from ovsharp.opinions.design import Trial

MAX_RATERS = 10_000
MAX_MILLISECONDS = 86_400_000
_CODE = re.compile(r"[a-z0-9_-]{1,32}")

_TABLES = """
CREATE TABLE IF NOT EXISTS raters (
  code TEXT PRIMARY KEY, joined REAL NOT NULL, display TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS answers (
  rater TEXT NOT NULL REFERENCES raters, at INTEGER NOT NULL,
  first TEXT NOT NULL, second TEXT, practice INTEGER NOT NULL,
  vote INTEGER, milliseconds INTEGER, voted REAL,
  PRIMARY KEY (rater, at));
"""


@dataclass(frozen=True)
class Answer:
    """A question of a rater, and what was answered."""

    rater: str
    at: int
    """Place in the rater's order, from 0."""
    trial: Trial
    vote: int | None
    """1..5, or for pairs 1 (the first is better) or 2; None before the answer."""
    milliseconds: int | None
    """From the moment the pictures could be seen."""


def clean_code(text: str) -> str:
    """Give a rater's code as it is kept: lower case, without spaces around.

    Raises:
        UsageError: it is no code.

    Example:
        >>> clean_code(" Anna-2 ")
        'anna-2'
    """
    code = text.strip().lower()
    if not _CODE.fullmatch(code):
        raise UsageError("a code is 1 to 32 letters a-z, digits, - and _")
    return code


class Ballots:
    """The votes of a study. Safe for several threads and processes.

    Args:
        path: of the SQLite file, made where it does not exist.

    Raises:
        UsageError: the file is something else.
        OSError: it cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with path.open("ab"):  # says why it cannot be written, better than SQLite does
            pass
        try:
            with self._open() as db:
                db.executescript(_TABLES)
        except sqlite3.DatabaseError as error:
            raise UsageError(
                f"{path} holds no votes of a study ({error}); move it away, or begin a new study"
            ) from error

    def join(self, rater: str, display: str, draw: Callable[[], Sequence[Trial]]) -> None:
        """Note a rater's order at the first time; what they look at it with at every time.

        Args:
            rater: a clean code.
            display: size and density of their screen, in words.
            draw: gives the questions in order.

        Raises:
            UsageError: too many raters.
        """
        with self._open() as db:
            db.execute("BEGIN IMMEDIATE")
            if db.execute(
                "UPDATE raters SET display = ? WHERE code = ?", (display, rater)
            ).rowcount:
                return
            if db.execute("SELECT count(*) FROM raters").fetchone()[0] >= MAX_RATERS:
                raise UsageError(f"this study has {MAX_RATERS} raters already")
            db.execute("INSERT INTO raters VALUES (?, ?, ?)", (rater, time.time(), display))
            db.executemany(
                "INSERT INTO answers (rater, at, first, second, practice) VALUES (?, ?, ?, ?, ?)",
                [
                    (rater, at, trial.first, trial.second, trial.practice)
                    for at, trial in enumerate(draw())
                ],
            )

    def answers(self, rater: str | None = None) -> list[Answer]:
        """List the questions of one rater, or of all in the order that they came, with answers."""
        with self._open() as db:
            rows = db.execute(
                "SELECT rater, at, first, second, practice, vote, milliseconds FROM answers "
                "JOIN raters ON code = rater WHERE ? IN (rater, '') ORDER BY joined, rater, at",
                (rater or "",),
            )
            return [
                Answer(name, at, Trial(first, second, bool(practice)), vote, milliseconds)
                for name, at, first, second, practice, vote, milliseconds in rows
            ]

    def displays(self) -> dict[str, str]:
        """Give rater -> what they looked with, in the order that they came."""
        with self._open() as db:
            return dict(db.execute("SELECT code, display FROM raters ORDER BY joined, code"))

    def vote(self, rater: str, at: int, vote: int, milliseconds: int) -> None:
        """Keep an answer; an earlier one to the same question is replaced.

        Raises:
            UsageError: no such question, or one before it is still open.
        """
        with self._open() as db:
            db.execute("BEGIN IMMEDIATE")
            done = db.execute(
                "SELECT count(*) FROM answers WHERE rater = ? AND at < ? AND vote IS NULL",
                (rater, at),
            ).fetchone()[0]
            changed = db.execute(
                "UPDATE answers SET vote = ?, milliseconds = ?, voted = ? "
                "WHERE rater = ? AND at = ? AND ? = 0",
                (vote, milliseconds, time.time(), rater, at, done),
            ).rowcount
        if not changed:
            raise UsageError("this question is not there, or one before it is still open")

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._path, timeout=20)) as db, db:
            yield db
