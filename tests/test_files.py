"""Files that are complete or absent, and the packages that an extra brings."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ovsharp.errors import MissingExtraError
from ovsharp.extras import need
from ovsharp.files import append, sha256, staged


def test_files_arrive_when_the_block_succeeds(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "deeper"
    with staged(folder) as staging:
        (staging / "a.txt").write_text("a")
        (staging / "b.txt").write_text("b")
        assert not (folder / "a.txt").exists()
    assert {path.name: path.read_text() for path in folder.iterdir()} == {
        "a.txt": "a",
        "b.txt": "b",
    }


def test_files_of_the_same_name_are_replaced_and_others_stay(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("old")
    (tmp_path / "other.txt").write_text("other")
    with staged(tmp_path) as staging:
        (staging / "a.txt").write_text("new")
    assert (tmp_path / "a.txt").read_text() == "new"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.txt", "other.txt"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_nothing_is_left_behind_by_a_failure(tmp_path: Path, error: type[BaseException]) -> None:
    (tmp_path / "a.txt").write_text("old")
    for folder in (tmp_path, tmp_path / "new" / "deeper"):
        with pytest.raises(error), staged(folder) as staging:
            (staging / "a.txt").write_text("half")
            raise error
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "old"


def test_a_folder_that_others_use_meanwhile_stays(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    with pytest.raises(ValueError, match="stop"), staged(folder):
        (folder / "theirs.txt").write_text("theirs")
        raise ValueError("stop")
    assert [path.name for path in folder.iterdir()] == ["theirs.txt"]


def test_a_folder_that_cannot_be_made_is_the_systems_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(OSError, match="file"), staged(folder):
            pytest.fail("the block must not run")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_an_unwritable_folder_is_the_systems_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = Path.mkdir

    def refuse(self: Path, *arguments: int, **options: bool) -> None:
        if self.name.startswith(".ovsharp-"):  # by hand: root may write everywhere
            raise PermissionError(13, "Permission denied")
        make(self, *arguments, **options)

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(PermissionError), staged(tmp_path / "new"):
        pytest.fail("the block must not run")
    assert not list(tmp_path.iterdir())


def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space left"), staged(tmp_path / "new") as staging:
        (staging / "a.txt").write_text("a")
    assert not list(tmp_path.iterdir())


def test_sha256(tmp_path: Path) -> None:
    content = bytes(range(256)) * 10_000
    (tmp_path / "file").write_bytes(content)
    assert sha256(tmp_path / "file") == hashlib.sha256(content).hexdigest()


def test_an_extra_that_is_there() -> None:
    need("numpy", "cv2", extra="convert")


@pytest.mark.parametrize("missing", ["nobody_wrote_this", "blocked"])
def test_a_missing_extra_is_named_with_its_command(
    missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "blocked", None)
    with pytest.raises(MissingExtraError, match=rf"{missing}.*pip install \"ovsharp\[quantize\]\""):
        need("numpy", missing, extra="quantize")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limits")
@pytest.mark.parametrize("before", [b"", b"so far\n"])
def test_all_of_what_is_appended_arrives_or_nothing(tmp_path: Path, before: bytes) -> None:
    path = tmp_path / "log.jsonl"
    if before:
        append(path, before)
    # A disk that becomes full within the line.
    script = (
        "import resource, signal, sys; from pathlib import Path; from ovsharp.files import append\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20, 20))\n"
        "try:\n    append(Path(sys.argv[1]), b'x' * 40)\n"
        "except OSError as error:\n    print(error.filename)"
    )
    said = subprocess.run([sys.executable, "-c", script, path], capture_output=True, text=True)
    assert said.stdout.strip() == str(path), said.stderr
    assert (path.read_bytes() if path.exists() else b"") == before
    assert path.exists() == bool(before)


def test_an_interrupt_as_the_folder_is_made_leaves_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = Path.mkdir

    def interrupted(self: Path, *arguments: int, **options: bool) -> None:
        make(self, *arguments, **options)  # type: ignore[arg-type]
        if self.name.startswith(".ovsharp-"):
            raise KeyboardInterrupt

    monkeypatch.setattr(Path, "mkdir", interrupted)
    with pytest.raises(KeyboardInterrupt), staged(tmp_path / "new"):
        pass
    assert list(tmp_path.iterdir()) == []
