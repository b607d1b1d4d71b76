"""Packages that only some commands need, or that need more than pip brings."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any

from ovsharp.errors import MissingExtraError

_importing = threading.Lock()


def need(*packages: str, extra: str) -> None:
    """Check that packages of a pip extra can be imported, without importing them.

    Raises:
        MissingExtraError: with the pip command that installs the first one missing.
    """
    for package in packages:
        if find_spec(package) is None:
            raise MissingExtraError(package, extra)


def load(package: str, *, extra: str) -> ModuleType:
    """Import a package of a pip extra, in one thread at a time.

    Two threads that are the first to import PyAV can each hold what the other waits for; Python
    then gives one of them a module that is not whole, and the import fails.

    Raises:
        MissingExtraError: with the pip command that installs it.

    Example:
        >>> load("numpy", extra="convert").__name__
        'numpy'
    """
    need(package, extra=extra)
    with _importing:
        return import_module(package)


def on_first_use(
    room: str, files: Mapping[str, Sequence[str]], *packages: str, extra: str
) -> Callable[[str], Any]:
    """Make the `__getattr__` of a room whose names are imported when they are first used.

    Args:
        room: name of its package.
        files: names by the file of the room that they stand in.
        packages: that these files need.
        extra: pip extra that brings those.
    """
    places = {name: file for file, names in files.items() for name in names}

    def get(name: str) -> Any:
        if name not in places:
            raise AttributeError(f"module '{room}' has no attribute '{name}'")
        need(*packages, extra=extra)
        return getattr(import_module(f"{room}.{places[name]}"), name)

    return get


def display_library(error: ImportError) -> str | None:
    """Say what to install where OpenCV misses a library of a display.

    Args:
        error: what an import has raised.

    Returns:
        A sentence; None if the error is another one.

    Example:
        >>> display_library(ImportError("libGL.so.1: cannot open shared object file"))[:40]
        'OpenCV misses libGL.so.1, as on machines'
    """
    found = re.match(
        r"(lib(?:GL|EGL|OpenGL|glib|gthread|SM|ICE|X|xcb)[\w.+-]*\.so[.\d]*):", str(error)
    )
    if found is None:
        return None
    return (
        f"OpenCV misses {found[1]}, as on machines without a display; exchange it for the one "
        f"that needs none: pip uninstall -y opencv-python, then pip install "
        f"opencv-python-headless; or, for the windows of 'ovsharp camera', install the library "
        f"(Debian: apt install libgl1 libglib2.0-0)"
    )
