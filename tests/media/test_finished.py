"""The record of finished outputs trusts nothing that it has not seen complete."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ovsharp.media import Finished, identity
from ovsharp.media.finished import RECORD


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    source, target = tmp_path / "in" / "a.png", tmp_path / "out" / "sub" / "a.png"
    for path, content in ((source, b"source"), (target, b"target")):
        path.parent.mkdir(parents=True)
        path.write_bytes(content)
    Finished(tmp_path / "out", "x").add(identity(source), target)
    return source, target


def finished(target: Path, settings: str = "x") -> Finished:
    return Finished(target.parents[1], settings)


def test_a_recorded_output_is_finished(pair: tuple[Path, Path]) -> None:
    assert finished(pair[1]).has(*pair)


def test_other_settings_begin_anew(pair: tuple[Path, Path]) -> None:
    assert not finished(pair[1], "y").has(*pair)


@pytest.mark.parametrize("content", [b"targe", b"TARGET", b""])
def test_other_bytes_are_not_trusted(pair: tuple[Path, Path], content: bytes) -> None:
    pair[1].write_bytes(content)
    assert not finished(pair[1]).has(*pair)


def test_a_missing_output_is_made_again(pair: tuple[Path, Path]) -> None:
    pair[1].unlink()
    assert not finished(pair[1]).has(*pair)


def test_a_changed_source_is_done_again(pair: tuple[Path, Path]) -> None:
    os.utime(pair[0], ns=(1, 1))
    assert not finished(pair[1]).has(*pair)


def test_what_replaced_its_source_is_not_done_twice(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"before")
    source = identity(path)
    path.write_bytes(b"sharp, and longer")
    Finished(tmp_path, "x").add(source, path)
    assert Finished(tmp_path, "x").has(path, path)


@pytest.mark.parametrize("torn", ['{"target": "sub/a.p', "[]\n", '{"target": 1}\n', "\n"])
def test_a_torn_record_costs_one_line_only(pair: tuple[Path, Path], torn: str) -> None:
    source, target = pair
    with (target.parents[1] / RECORD).open("a") as file:
        file.write(torn)
    other = target.with_name("b.png")
    other.write_bytes(b"other")
    finished(target).add(identity(source), other)
    assert finished(target).has(source, target)
    assert finished(target).has(source, other)
