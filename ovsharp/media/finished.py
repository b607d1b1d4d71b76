"""`Finished`: a folder's record of the outputs that are complete."""

from __future__ import annotations

import json
import os
from pathlib import Path

from ovsharp.files import append, sha256

RECORD = ".ovsharp-image.jsonl"
"""Name of the record in a folder of outputs."""


class Finished:
    """Which outputs in a folder are complete, and of what they were made.

    A line of JSON per output is appended once its file is complete. An output counts as finished
    only if its bytes are the recorded ones, it was made with the same settings, and its source
    has not changed since: whatever else lies there is not trusted.

    Args:
        folder: of the outputs.
        settings: all that the content of an output depends on, besides its source.
    """

    def __init__(self, folder: Path, settings: str) -> None:
        self._path, self._settings = folder / RECORD, settings
        self._known: dict[str, dict[str, str]] = {}
        if self._path.is_file():
            for line in self._path.read_text("utf-8", "replace").splitlines():
                entry = _entry(line)
                if entry is not None:
                    self._known[entry["target"]] = entry

    def has(self, source: Path, target: Path) -> bool:
        """Tell whether an output needs no more work."""
        entry = self._known.get(self._name(target))
        if entry is None or entry["settings"] != self._settings or not target.is_file():
            return False
        # What replaces its own source cannot be compared with it any more.
        replaced = source.resolve() == target.resolve()
        return (replaced or entry["source"] == identity(source)) and (
            entry["sha256"] == sha256(target)
        )

    def add(self, source: str, target: Path) -> None:
        """Record a complete output.

        Args:
            source: `identity` of its source before it was read.
            target: below the folder.
        """
        entry = {
            "target": self._name(target),
            "source": source,
            "sha256": sha256(target),
            "settings": self._settings,
        }
        # A line of its own, even where a crash has left half a line before it.
        torn = self._path.exists() and not _ends_a_line(self._path)
        append(self._path, ("\n" * torn + json.dumps(entry) + "\n").encode())
        self._known[entry["target"]] = entry

    def _name(self, target: Path) -> str:
        return target.relative_to(self._path.parent).as_posix()


def identity(source: Path) -> str:
    """Name a file in a state: path, size and time of its last change.

    Raises:
        OSError: it is missing.
    """
    facts = source.stat()
    return f"{source.resolve()} {facts.st_size} {facts.st_mtime_ns}"


def _entry(line: str) -> dict[str, str] | None:
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    names = ("target", "source", "sha256", "settings")
    whole = isinstance(entry, dict) and all(isinstance(entry.get(name), str) for name in names)
    return entry if whole else None


def _ends_a_line(path: Path) -> bool:
    with path.open("rb") as file:
        if not file.seek(0, os.SEEK_END):
            return True
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"
