"""Files that are complete or absent."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

_LFS = b"version https://git-lfs.github.com/spec/"


@contextmanager
def staged(folder: Path) -> Iterator[Path]:
    """Give a temporary folder whose files are moved into `folder` when the block succeeds.

    When the block raises (Ctrl-C included), nothing is left behind: not the temporary folder,
    and not `folder` itself where this call had to make it. What a process that was killed has left
    there is cleared away by the next that writes there. Files in `folder` of the same name
    are replaced one by one in alphabetical order, each atomically.

    Args:
        folder: made, with its parents, if it does not exist.

    Raises:
        OSError: `folder` cannot be made or written. One that does not say which file it concerns,
            as of a full disk, gets the name of the last one.
    """
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with scratch(folder) as staging:
            try:
                yield staging
                for path in sorted(staging.iterdir()):
                    os.replace(path, folder / path.name)
            except OSError as error:
                # Of a failed write, Python does not say to which file: to the last one.
                if error.filename is None and error.errno is not None:
                    written = staging.iterdir()
                    last = max(written, key=lambda file: file.stat().st_mtime, default=folder)
                    error.filename = str(folder / last.name)
                raise
    except BaseException:
        for path in made:
            with suppress(OSError):  # never made, or no longer empty
                path.rmdir()
        raise


@contextmanager
def scratch(parent: Path | None = None) -> Iterator[Path]:
    """Give a temporary folder that goes with the block.

    What a process that was killed has left is cleared away by the next that comes to `parent`.

    Args:
        parent: exists; None for the system's place for temporary files.

    Raises:
        OSError: `parent` cannot be written.

    Example:
        >>> with scratch() as folder:
        ...     folder.is_dir()
        True
        >>> folder.exists()
        False
    """
    where, prefix = (
        (Path(tempfile.gettempdir()), "ovsharp-") if parent is None else (parent, ".ovsharp-")
    )
    folder = _own_path(where, prefix, f"@{platform.node()}")
    try:  # before it is made: Ctrl-C may come in between
        folder.mkdir(mode=0o700)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def own_folder(parent: Path, prefix: str, mark: str = "") -> Path:
    """Make a temporary folder that tells in its name which process it belongs to.

    Those of processes that have ended are removed, once for each parent.

    Args:
        parent: exists.
        prefix: of the name.
        mark: behind the number of the process, where others than this machine write to `parent`.

    Raises:
        OSError: `parent` cannot be written.
    """
    folder = _own_path(parent, prefix, mark)
    folder.mkdir(mode=0o700)
    return folder


def _own_path(parent: Path, prefix: str, mark: str) -> Path:
    _clear(parent, prefix, mark)
    return parent / f"{prefix}{os.getpid()}{mark}-{secrets.token_hex(8)}"


@cache
def _clear(parent: Path, prefix: str, mark: str) -> None:
    import psutil

    for left in parent.glob(f"{prefix}*"):
        named = re.fullmatch(rf"{re.escape(prefix)}(\d+){re.escape(mark)}-.+", left.name)
        if named is None or left.is_symlink() or not left.is_dir():
            continue
        mine = not hasattr(os, "getuid") or left.stat().st_uid == os.getuid()
        if mine and not psutil.pid_exists(int(named[1])):
            shutil.rmtree(left, ignore_errors=True)


@contextmanager
def kept_if_filled(folder: Path) -> Iterator[None]:
    """Make a folder, with its parents; take away again what this made and nothing was put into.

    Raises:
        OSError: the folder cannot be made.
    """
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    finally:
        for path in made:
            with suppress(OSError):  # never made, or no longer empty
                path.rmdir()


def append(path: Path, content: bytes) -> None:
    """Add bytes to the end of a file: all of them, or none.

    Args:
        path: made, if it does not exist; not its folder.
        content: is added as it is.

    Raises:
        OSError: it cannot be written, or the disk is full; it names the file.
    """
    made = not path.exists()
    with path.open("ab", buffering=0) as file:
        end = file.tell()
        rest = memoryview(content)
        try:
            while rest:  # a disk that becomes full takes a part of them first
                rest = rest[file.write(rest) :]
        except BaseException as error:
            file.truncate(end)
            if made:
                path.unlink(missing_ok=True)
            if isinstance(error, OSError):
                error.filename = str(path)
            raise


def settle(path: Path) -> None:
    """Wait until a file, its name too, is on the disk: it survives a loss of power from then on.

    Raises:
        OSError: it cannot be written.
    """
    places = (path, path.parent) if os.name != "nt" else (path,)  # Windows opens no folders
    for place in places:
        descriptor = os.open(place, os.O_RDONLY if place.is_dir() else os.O_RDWR)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def failed_download(head: bytes) -> str | None:
    """Recognise what is left where the download of a model failed.

    Args:
        head: the first bytes of the file.

    Returns:
        What it is and what to do, to follow its path in a sentence; None if it is neither a Git
        LFS pointer nor a web page.

    Example:
        >>> failed_download(b"<html><body>Please sign in")[:15]
        'is an HTML page'
    """
    if head.startswith(_LFS):
        return (
            "is a Git LFS pointer, not the file itself: fetch it with 'git lfs pull' in its "
            "repository"
        )
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith((b"<!doctype html", b"<html")):
        return (
            "is an HTML page, not a model: the download gave a web page (a login, an error or a "
            "preview); download the file itself"
        )
    return None


def sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file's bytes.

    Raises:
        OSError: the file cannot be read.
    """
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
