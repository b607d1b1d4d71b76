"""`Movable`: work whose files may lie elsewhere, and names that are told as they were given."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, TypeGuard, TypeVar

_Self = TypeVar("_Self")


class Movable(Protocol):
    """A piece of work that reads files, and may write some into a folder."""

    @property
    def inputs(self) -> tuple[Path, ...]:
        """All files that it reads."""
        ...

    @property
    def output(self) -> Path | None:
        """The folder that its files go to; None if it writes none."""
        ...

    def moved(self: _Self, inputs: Mapping[Path, Path], output: Path | None) -> _Self:
        """Give the same work with files in other places.

        Args:
            inputs: where some of its inputs lie.
            output: in place of its folder.
        """
        ...


def is_movable(item: Any) -> TypeGuard[Movable]:
    """Say whether it is one. Its class is asked: `inputs` may read files that are not here."""
    return hasattr(type(item), "moved")


def told(value: Any, names: Mapping[str, str]) -> Any:
    """Give a result, or an error, in which files have the names that their owner knows.

    Args:
        value: text, a path, an error, or tuples, lists, mappings and dataclasses of such; anything
            else is left as it is.
        names: path here -> path there.

    Example:
        >>> told((Path("/tmp/x/in.png"), "/tmp/x/in.png is damaged", 3), {"/tmp/x": "photos"})
        (PosixPath('photos/in.png'), 'photos/in.png is damaged', 3)
    """
    if isinstance(value, str):
        for here, there in names.items():
            value = value.replace(here, there)
        return value
    if isinstance(value, Path):
        return Path(told(str(value), names))
    if isinstance(value, tuple | list):
        changed = [told(one, names) for one in value]
        named = hasattr(value, "_fields")  # a NamedTuple takes its fields one by one
        return type(value)(*changed) if named else type(value)(changed)
    if isinstance(value, dict):
        return {told(key, names): told(one, names) for key, one in value.items()}
    if isinstance(value, BaseException):
        return _error(value, names)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {one.name: getattr(value, one.name) for one in dataclasses.fields(value)}
        new = {name: told(one, names) for name, one in fields.items()}
        return dataclasses.replace(value, **new) if new != fields else value
    return value


def _error(error: BaseException, names: Mapping[str, str]) -> BaseException:
    if isinstance(error, OSError) and error.filename is not None:
        error.filename = told(str(error.filename), names)
    else:
        error.args = told(error.args, names)
    return error
