"""Paths are strings or `Path`s, in every public function that reads or writes files."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ovsharp.calibration import quantize
from ovsharp.convert import convert, prepare
from ovsharp.media import (
    find_pairs,
    find_videos,
    holds_pairs,
    is_video,
    read_frame,
    read_picture,
    read_video,
    write_picture,
    write_video,
)
from ovsharp.models import load_network
from ovsharp.opinions import analyse, read_study
from ovsharp.runtime import Sharpener
from ovsharp.training import finetune, train

PUBLIC: list[Callable[..., Any]] = [
    *(Sharpener.__init__, convert, prepare, quantize, load_network, train, finetune),
    *(read_picture, read_frame, write_picture, read_video.__init__, write_video, is_video),
    *(find_videos, find_pairs, holds_pairs, read_study, analyse),
]


@pytest.mark.parametrize("function", PUBLIC, ids=lambda function: function.__qualname__)
def test_strings_are_taken_for_paths(function: Callable[..., Any]) -> None:
    hints = inspect.get_annotations(function)
    paths = {name: hint for name, hint in hints.items() if "Path" in hint and name != "return"}
    assert paths, "it takes a path"
    assert not [name for name, hint in paths.items() if "str" not in hint]


def test_a_folder_may_be_named_by_a_string(tmp_path: Path) -> None:
    for side in ("input", "target"):
        (tmp_path / side).mkdir()
        (tmp_path / side / "a.png").touch()
    (tmp_path / "call.mp4").touch()
    assert holds_pairs(str(tmp_path))
    assert find_pairs(str(tmp_path)) == find_pairs(tmp_path)
    assert find_videos(str(tmp_path)) == [tmp_path / "call.mp4"]
