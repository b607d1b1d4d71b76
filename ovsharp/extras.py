"""Packages that only some commands need."""

from __future__ import annotations

from importlib.util import find_spec

from ovsharp.errors import MissingExtraError


def need(*packages: str, extra: str) -> None:
    """Check that packages of a pip extra can be imported, without importing them.

    Raises:
        MissingExtraError: with the pip command that installs the first one missing.
    """
    for package in packages:
        if find_spec(package) is None:
            raise MissingExtraError(package, extra)
