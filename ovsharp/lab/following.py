"""The lines that a step prints for the one after it, complete: each works as it is printed."""

from __future__ import annotations

from pathlib import Path
from shlex import quote

_PHOTOS = "photos.txt"
"""In the folder of a training: the photos that it saw, for who calibrates its student."""


def remember_photos(run: Path, photos: Path) -> None:
    """Note in the folder of a training which photos it saw.

    Raises:
        OSError: the folder cannot be written.
    """
    from ovsharp.files import staged

    with staged(run) as staging:
        (staging / _PHOTOS).write_text(str(photos.resolve()), encoding="utf-8")


def photos_of(weights: Path) -> Path | None:
    """Give the photos that weights were trained on; None if nobody noted them, or they are gone."""
    try:
        photos = Path((weights.parent / _PHOTOS).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return None
    return photos if photos.is_dir() else None


def convert_line(weights: Path) -> str:
    """Give the line that makes files for OpenVINO of a checkpoint, beside it.

    Example:
        >>> convert_line(Path("my student.pth"))
        "ovsharp convert 'my student.pth'"
    """
    return f"ovsharp convert {quote(str(weights))}"


def quantize_line(photos: Path, model: Path) -> str:
    """Give the line that makes an INT8 model of a float one, beside it."""
    return f"ovsharp quantize --calib {quote(str(photos))} --model {quote(str(model))}"


def bench_line(*models: Path) -> str:
    """Give the line that measures models beside each other."""
    return f"ovsharp bench {' '.join(f'--model {quote(str(model))}' for model in models)}"


def ship_line(weights: Path, photos: Path, folder: Path) -> str:
    """Give the line that does all of it at once."""
    return (
        f"ovsharp ship {quote(str(weights))} --calib {quote(str(photos))} -o {quote(str(folder))}"
    )


def image_line(model: Path, photo: Path, to: Path) -> str:
    """Give the line that shows a model at work."""
    return f"ovsharp image {quote(str(photo))} -o {quote(str(to))} --model {quote(str(model))}"
