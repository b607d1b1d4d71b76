"""Packs all that training needs into one small folder, for a machine without a network.

    python scripts/pack_kit.py --data photos/ --val other/ --clips clips/ --screens screens/ \
        --wheels wheels/ --out kit/

Code, the weights that ship and the clips go in as they are, screens and photos with their middles,
in AVIF: photos as large as fit below --limit; where even the smallest do not, some are left out,
and it says how many. --wheels are packages that the other machine lacks, for its system and its
Python. There, `sh kit/train.sh --out OUT --minutes 8` trains; see scripts/train_on_card.py.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tarfile
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import ovsharp
from ovsharp.errors import MediaError, OvsharpError
from ovsharp.media import Frame, find_images, find_videos, read_frame
from ovsharp.training.validation import validated

MIB = 2**20
SIDES = (512, 448, 384, 320, 288, 256)
"""Of the middles of photos: the largest that fits. Patches of x4 need 256."""
HELD_SIDE = 400
"""Of the photos that are validated on, whose middles of 384 pixels are what counts."""
SCREEN = (480, 800)
"""Height and width that are kept of a screen: clips of them scroll over a little less."""
PHOTO: dict[str, Any] = {"quality": 88, "subsampling": "4:4:4"}
SHARP: dict[str, Any] = {"quality": 92, "subsampling": "4:4:4"}
"""Of AVIF: all of its colours' resolution is kept, too."""
SAMPLE = 16
"""Each so-manieth photo tells how many bytes they will take."""
SCRIPTS = ("card_patches.py", "card_training.py", "train_fleet.py", "train_on_card.py")
START = """\
#!/bin/sh
# Trains on this machine: sh kit/train.sh --out OUT --minutes 8
set -e
kit=$(cd "$(dirname "$0")" && pwd)
site=$(mktemp -d)
trap 'rm -rf "$site"' EXIT
[ ! -f "$kit/site.tar.xz" ] || tar -xJf "$kit/site.tar.xz" -C "$site"
PYTHONPATH="$kit:$site" "${PYTHON:-python3}" "$kit/scripts/train_on_card.py" "$@"
"""


def middle(image: Frame, height: int, width: int) -> Frame:
    """Cut out the middle, at even places, or take all of a side that is shorter."""
    high, wide = image.shape[:2]
    top, left = (max(0, n - kept) // 4 * 2 for n, kept in ((high, height), (wide, width)))
    return np.ascontiguousarray(image[top : top + height, left : left + width])


def code(kit: Path) -> None:
    """Copy the package, without models in other forms than their weights, and the scripts."""
    package = Path(ovsharp.__file__).parent
    kept = (path for path in package.rglob("*") if path.is_file())
    for path in kept:
        if path.suffix in (".py", ".toml") or path.name == "student.pth":
            target = kit / "ovsharp" / path.relative_to(package)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
    (kit / "scripts").mkdir()
    for name in SCRIPTS:
        shutil.copyfile(Path(__file__).with_name(name), kit / "scripts" / name)
    (kit / "train.sh").write_text(START)


def site(wheels: Path, kit: Path) -> None:
    """Pack the files of wheels anew: xz makes them a third smaller than they come."""
    with tempfile.TemporaryDirectory() as folder:
        for wheel in sorted(wheels.glob("*.whl")):
            shutil.unpack_archive(wheel, folder, "zip")
        with tarfile.open(kit / "site.tar.xz", "w:xz") as packed:
            packed.add(folder, ".")


def name_in(folder: Path, path: Path) -> str:
    """Give a file of a folder, or below it, a name that no other has."""
    return "_".join(path.relative_to(folder).parts)


def pictures(
    source: Path,
    paths: Iterable[Path],
    folder: Path,
    size: tuple[int, int],
    **options: Any,
) -> list[str]:
    """Write the middles of images, and name those that cannot be read."""
    unread = []
    folder.mkdir(parents=True, exist_ok=True)
    for path in paths:
        try:
            image = read_frame(path)
        except MediaError as error:
            unread.append(str(error))
            continue
        target = folder / f"{name_in(source, path)}.avif"
        Image.fromarray(middle(image, *size)[..., ::-1]).save(target, **options)
    return unread


def size_of(path: Path) -> int:
    """Give the bytes of a file, or of all files in a folder and below it."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())


def photos(source: Path, paths: Sequence[Path], folder: Path, room: int) -> tuple[str, list[str]]:
    """Write photos as large as fit; say how many, and name those that cannot be read."""
    sample = paths[::SAMPLE]
    for side in SIDES:
        with tempfile.TemporaryDirectory() as trial:
            pictures(source, sample, Path(trial), (side, side), **PHOTO)
            fits = size_of(Path(trial)) * len(paths) / len(sample) < room * 0.97
        if fits:
            break
    unread = pictures(source, paths, folder, (side, side), **PHOTO)
    written = sorted(folder.iterdir(), key=lambda path: path.stat().st_size)
    room -= size_of(folder)
    left = 0
    # Those of the most bytes go: with them, the fewest.
    while room < 0 and written:
        largest = written.pop()
        room += largest.stat().st_size
        largest.unlink()
        left += 1
    said = f"{len(written)} photos, their middles of {side} pixels"
    return said + (f"; {left} left out, which did not fit" if left else ""), unread


def main() -> None:
    """Pack, and say what takes how much."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("--data", "--val", "--clips", "--screens", "--out"):
        parser.add_argument(name, type=Path, required=True)
    parser.add_argument("--wheels", type=Path, help="folder of packages to take along")
    parser.add_argument("--limit", type=float, default=60, help="MiB in all; 60")
    options = parser.parse_args()
    kit: Path = options.out
    if kit.exists():
        parser.error(f"{kit} exists: name a new folder")
    try:
        data, val, screens = (
            find_images([folder]) for folder in (options.data, options.val, options.screens)
        )
        clips = find_videos(options.clips)
    except OvsharpError as error:
        sys.exit(f"error: {error}")
    limit = int(options.limit * MIB)
    kit.mkdir(parents=True)
    code(kit)
    if options.wheels:
        site(options.wheels, kit)
    (kit / "clips").mkdir()
    for path in clips:
        shutil.copyfile(path, kit / "clips" / name_in(options.clips, path))
    left = pictures(options.screens, screens, kit / "screens", SCREEN, **SHARP)
    left += pictures(options.val, validated(val), kit / "val", (HELD_SIDE, HELD_SIDE), **SHARP)
    said, unread = photos(options.data, data, kit / "photos", limit - size_of(kit))
    for path in sorted(kit.iterdir()):
        print(f"{path.name:12} {size_of(path) / MIB:6.2f} MiB")
    print(f"{'in all':12} {size_of(kit) / MIB:6.2f} MiB: {len(clips)} clips, {said}")
    for why in [*left, *unread]:
        print(f"left out: {why}")
    if size_of(kit) > limit:
        sys.exit(f"error: {kit} is larger than {options.limit:g} MiB: give fewer clips or wheels")


if __name__ == "__main__":
    main()
