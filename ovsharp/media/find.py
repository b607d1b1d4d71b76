"""Which files an input on the command line means."""

from __future__ import annotations

import glob
import re
from collections.abc import Sequence
from pathlib import Path

from ovsharp.errors import MediaError
from ovsharp.media.formats import IMAGE_ENDINGS
from ovsharp.media.video import VIDEO_ENDINGS, is_video

INPUT, TARGET = "input", "target"
"""Subfolders of a folder of pairs."""


def find_images(inputs: Sequence[str | Path]) -> list[Path]:
    """List the images that files, folders and globs stand for.

    A file is taken whatever its name. A folder stands for the images in it and below it, a glob
    such as `holiday/**/*.jpg` for those that match; both skip hidden files and folders and
    whatever has another ending than those of `IMAGE_ENDINGS`.

    Returns:
        In the order of `inputs`, sorted within a folder or a glob, without repetitions.

    Raises:
        MediaError: an input that does not exist, or that holds no image.
    """
    found: dict[Path, None] = {}
    for item in inputs:
        found.update(dict.fromkeys(_find(item)))
    return list(found)


def find_videos(folder: str | Path) -> list[Path]:
    """List the videos in a folder and below it, sorted, by the endings of `VIDEO_ENDINGS`.

    Raises:
        MediaError: there is none.
    """
    found = sorted(path for path in Path(folder).rglob("*") if path.is_file() and is_video(path))
    if not found:
        raise MediaError(f"{folder} holds no video: expected {', '.join(VIDEO_ENDINGS)}")
    return found


def holds_pairs(folder: str | Path) -> bool:
    """Tell whether a folder has the subfolders `input` and `target`."""
    return Path(folder, INPUT).is_dir() and Path(folder, TARGET).is_dir()


def find_pairs(folder: str | Path) -> list[tuple[Path, Path]]:
    """List the pairs of damaged and sharp images in the subfolders `input` and `target`.

    Two images are a pair if their names are equal before the ending.

    Raises:
        MediaError: there is no image on one side, or no pair.
    """
    folder = Path(folder)
    inputs, targets = (
        {path.relative_to(side).with_suffix(""): path for path in find_images([side])}
        for side in (folder / INPUT, folder / TARGET)
    )
    pairs = [(inputs[name], targets[name]) for name in inputs if name in targets]
    if not pairs:
        raise MediaError(
            f"no image in {folder / INPUT} has one in {folder / TARGET} of the same name before "
            f"its ending; name the two of each pair alike"
        )
    return pairs


def refuse_url(item: str | Path) -> None:
    """Check that an input is no URL: what lies elsewhere may be gone at the second read.

    Raises:
        MediaError: it is one.

    Example:
        >>> refuse_url("https://example.com/clip.mp4?key=1")
        Traceback (most recent call last):
        ovsharp.errors.MediaError: https://example.com/clip.mp4?key=1 is a URL: download it, or \
mount what holds it, and give the path of the file
    """
    # A `Path` of it has one slash. Windows' drives have one letter.
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]+:/", str(item)) and not Path(item).exists():
        raise MediaError(
            f"{item} is a URL: download it, or mount what holds it, and give the path of the file"
        )


def category_of(name: Path) -> str:
    """Tell the category: the first folder, or what stands before the first separator of the name.

    Example:
        >>> category_of(Path("people_0012.jpg")), category_of(Path("games/7.png"))
        ('people', 'games')
        >>> category_of(Path("kodim01.png"))
        'images'
    """
    if len(name.parts) > 1:
        return name.parts[0]
    prefix, separator, _ = re.sub(r"[-. ]", "_", name.stem).partition("_")
    return prefix if separator and any(map(str.isalpha, prefix)) else "images"


def _find(item: str | Path) -> list[Path]:
    refuse_url(item)
    path = Path(item)
    if path.is_file():
        return [path]
    if path.is_dir():
        images = sorted(file for file in path.rglob("*") if _is_image(file, path))
        if not images:
            raise MediaError(
                f"the folder {path} holds no images: expected files ending in "
                f"{', '.join(IMAGE_ENDINGS)}"
            )
        return images
    if glob.has_magic(str(item)):
        # Path.glob takes no absolute patterns.
        matches = (Path(match) for match in glob.glob(str(item), recursive=True))  # noqa: PTH207
        images = sorted(file for file in matches if _is_image(file, file.parent))
        if not images:
            raise MediaError(
                f"no image matches {item}: expected files ending in {', '.join(IMAGE_ENDINGS)}"
            )
        return images
    raise MediaError(f"there is no file or folder {item}")


def _is_image(file: Path, root: Path) -> bool:
    hidden = any(part.startswith(".") for part in file.relative_to(root).parts)
    return not hidden and file.suffix.lower() in IMAGE_ENDINGS and file.is_file()
