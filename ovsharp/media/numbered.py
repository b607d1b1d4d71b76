"""Numbered frames: a folder of images that make a video, written as `folder/%06d.png`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ovsharp.errors import MediaError, UsageError

NUMBERED_ENDINGS = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp")
"""Images that numbered frames may be."""
_NUMBER = re.compile(r"%(?:0([1-9]\d?))?d")


@dataclass(frozen=True)
class Numbered:
    """What stands for numbered frames: a path whose name holds one `%d`, or `%06d` with zeros.

    Example:
        >>> frames = Numbered.of("shots/take_%04d.png")
        >>> frames.named(12).name
        'take_0012.png'
        >>> Numbered.of("shots/take.png") is None
        True
    """

    path: Path
    """With the `%d`."""

    @classmethod
    def of(cls, path: str | Path) -> Numbered | None:
        """Read a path; None where it stands for a single file.

        Raises:
            UsageError: it has several numbers, or stands for no images that frames may be.
        """
        path = Path(path)
        found = _NUMBER.findall(path.name)
        if not found or path.exists():
            return None
        if len(found) > 1:
            raise UsageError(f"{path} has {len(found)} numbers: expected one, as in %06d.png")
        if path.suffix.lower() not in NUMBERED_ENDINGS:
            raise UsageError(
                f"numbered frames cannot be {path.suffix or 'without an ending'}: expected "
                f"{', '.join(NUMBERED_ENDINGS)}"
            )
        return cls(path)

    def named(self, number: int) -> Path:
        """Give the path of a frame."""
        digits = int(_NUMBER.findall(self.path.name)[0] or 0)
        return self.path.with_name(_NUMBER.sub(f"{number:0{digits}}", self.path.name))

    def there(self) -> dict[int, Path]:
        """Find the frames that are there, in order."""
        before, after = _NUMBER.split(self.path.name)[::2]
        form = re.compile(rf"{re.escape(before)}(\d+){re.escape(after)}")
        folder = self.path.parent
        names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
        numbers = sorted(int(match[1]) for name in names if (match := form.fullmatch(name)))
        return {number: path for number in numbers if (path := self.named(number)).name in names}

    @cached_property
    def files(self) -> dict[int, Path]:
        """The frames by their numbers, in order and without a gap.

        Raises:
            MediaError: there are none, or one is missing.
        """
        found = self.there()
        if not found:
            raise MediaError(
                f"there are no frames {self.path}: expected files such as {self.named(1).name}"
            )
        numbers = list(found)
        gap = next((n for n, other in enumerate(numbers, numbers[0]) if n != other), None)
        if gap is not None:
            raise MediaError(
                f"{self.named(gap)} is missing: there are frames from {numbers[0]} to "
                f"{numbers[-1]}; add it, or number them anew"
            )
        return found

    @property
    def first(self) -> int:
        """Number of the first frame that is there."""
        return next(iter(self.files))

    @property
    def spelled(self) -> str:
        """The path as FFmpeg reads it: a % in the name of a folder is one."""
        return f"{str(self.path.parent).replace('%', '%%')}/{self.path.name}"

    @property
    def stamp(self) -> tuple[object, ...]:
        """What tells these frames from others of the same names."""
        facts = [path.stat() for path in self.files.values()]
        return tuple((fact.st_size, fact.st_mtime_ns) for fact in facts)


def numbered_in(folder: Path) -> Numbered | None:
    """Find what the images of a folder are numbered by, for a hint; None where they are not.

    Example:
        >>> numbered_in(Path("nowhere")) is None
        True
    """
    files = sorted(folder.iterdir()) if folder.is_dir() else []
    for file in files:
        match = re.fullmatch(r"([^%]*?)(\d+)", file.stem)
        if match and file.suffix.lower() in NUMBERED_ENDINGS:
            form = f"%0{len(match[2])}d" if match[2].startswith("0") else "%d"
            frames = Numbered(file.with_name(f"{match[1]}{form}{file.suffix}"))
            if len(frames.there()) > 1:
                return frames
    return None
