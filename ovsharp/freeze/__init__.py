"""What a program needs that is frozen with PyInstaller, which finds this by an entry point."""

from __future__ import annotations

from pathlib import Path


def hook_folders() -> list[str]:
    """Give the folders that hold hooks."""
    return [str(Path(__file__).parent)]
