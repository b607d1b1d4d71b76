"""Files, folders and globs stand for images."""

from __future__ import annotations

from pathlib import Path

import pytest

from ovsharp.errors import MediaError
from ovsharp.media import find_images, find_pairs, holds_pairs


def touch(folder: Path, name: str) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).touch()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.PNG", "a.jpg", "notes.txt", ".hidden.png", "sub/c.webp", ".git/d.png"):
        touch(tmp_path, name)
    (tmp_path / "folder.png").mkdir()
    return tmp_path


def test_a_folder_stands_for_the_images_below_it(folder: Path) -> None:
    assert find_images([folder]) == [folder / "a.jpg", folder / "b.PNG", folder / "sub" / "c.webp"]


def test_a_hidden_folder_can_be_named(folder: Path) -> None:
    assert find_images([folder / ".git"]) == [folder / ".git" / "d.png"]


def test_globs_match_images(folder: Path) -> None:
    assert find_images([f"{folder}/*"]) == [folder / "a.jpg", folder / "b.PNG"]
    assert find_images([f"{folder}/**/*.webp"]) == [folder / "sub" / "c.webp"]


def test_a_file_is_taken_whatever_its_name(folder: Path) -> None:
    assert find_images([folder / "notes.txt", str(folder / ".hidden.png")]) == [
        folder / "notes.txt",
        folder / ".hidden.png",
    ]


def test_a_name_with_brackets_is_a_name(tmp_path: Path) -> None:
    (tmp_path / "photo[1].png").touch()
    assert find_images([str(tmp_path / "photo[1].png")]) == [tmp_path / "photo[1].png"]


def test_nothing_comes_twice(folder: Path) -> None:
    found = find_images([folder / "b.PNG", folder, f"{folder}/*.jpg"])
    assert found == [folder / "b.PNG", folder / "a.jpg", folder / "sub" / "c.webp"]


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ("nothing.png", "there is no file or folder"),
        ("*.tif", "no image matches"),
        ("folder.png", "holds no images: expected files ending in .png"),
    ],
)
def test_an_input_without_images_is_refused(folder: Path, item: str, message: str) -> None:
    with pytest.raises(MediaError, match=message):
        find_images([folder / item])


@pytest.mark.parametrize("kind", [str, Path])
def test_a_url_is_refused_whatever_its_signs(kind: type) -> None:
    with pytest.raises(
        MediaError, match=r"x\.org/a\.png\?key=\[1\] is a URL: download it, or mount"
    ):
        find_images([kind("https://x.org/a.png?key=[1]")])


def test_a_folder_may_have_the_name_of_a_scheme(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch(tmp_path, "http:/a.png")
    monkeypatch.chdir(tmp_path)
    assert find_images(["http:/a.png"]) == [Path("http:/a.png")]


def test_pairs_are_matched_by_their_place_and_name(tmp_path: Path) -> None:
    for name in ("input/a/1.png", "input/b/1.jpg", "input/alone.png"):
        touch(tmp_path, name)
    for name in ("target/a/1.png", "target/b/1.png", "target/other.png"):
        touch(tmp_path, name)
    assert holds_pairs(tmp_path)
    assert find_pairs(tmp_path) == [
        (tmp_path / "input/a/1.png", tmp_path / "target/a/1.png"),
        (tmp_path / "input/b/1.jpg", tmp_path / "target/b/1.png"),
    ]


def test_a_folder_without_pairs_is_refused(tmp_path: Path) -> None:
    touch(tmp_path, "input/a.png")
    assert not holds_pairs(tmp_path)
    touch(tmp_path, "target/b.png")
    with pytest.raises(MediaError, match="of the same name before its ending"):
        find_pairs(tmp_path)
