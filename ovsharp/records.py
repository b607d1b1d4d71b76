"""Dataclasses out of JSON: every value is checked against the type of its field."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from types import UnionType
from typing import Any, ClassVar, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from ovsharp.errors import UsageError

_Record = TypeVar("_Record", bound="Record")

MALFORMED = (
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    # For numbers and nestings that nobody wrote in good faith.
    OverflowError,
    RecursionError,
)
"""What `json.loads` and `decode` raise for a text that is not what it should be."""


def decode(value: Any, kind: Any) -> Any:
    """Turn a value out of JSON into one of this kind.

    Args:
        value: as `json.loads` gives it.
        kind: a dataclass, or the type of one of its fields: a plain type, `X | None`, `Literal`,
            `Any`, a tuple, or a dictionary with string keys.

    Raises:
        TypeError: the value is of another kind.
        ValueError: a tuple of another length.
        KeyError: a field that the dataclass does not have.

    Example:
        >>> decode([1, 2], tuple[float, ...])
        (1.0, 2.0)
    """
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):  # X | None
        return None if value is None else decode(value, arguments[0])
    if origin is tuple and isinstance(value, list):
        kinds = arguments[:1] * len(value) if arguments[-1] is Ellipsis else arguments
        return tuple(decode(item, kind) for item, kind in zip(value, kinds, strict=True))
    if origin is dict and isinstance(value, dict):
        return {key: decode(item, arguments[1]) for key, item in value.items()}
    if dataclasses.is_dataclass(kind) and isinstance(value, dict):
        hints = get_type_hints(kind)
        build: Any = kind
        return build(**{key: decode(item, hints[key]) for key, item in value.items()})
    if kind is float and type(value) is int:
        return float(value)
    if kind is Any or type(value) is kind or (origin is Literal and value in arguments):
        return value
    raise TypeError(f"expected {kind}, got {value!r:.40}")


@dataclass(frozen=True)
class Record:
    """Base of a dataclass that is written as a file of JSON, and read again.

    A class says in its head the number of its layout, which changes when old files cannot be read
    any more, what its users call the file, and which verb writes it.

    Example:
        >>> @dataclass(frozen=True)
        ... class Vote(Record, schema=1, file="vote.json", verb="study"):
        ...     score: int
        >>> Vote.from_json(Vote(5).to_json())
        Vote(score=5)
    """

    _schema: ClassVar[int]
    _file: ClassVar[str]
    _verb: ClassVar[str]

    def __init_subclass__(cls, *, schema: int, file: str, verb: str) -> None:
        """Keep what the class says of itself."""
        super().__init_subclass__()
        cls._schema, cls._file, cls._verb = schema, file, verb

    def to_json(self) -> str:
        """Give all fields, and the schema's number, as JSON."""
        values = {"schema": self._schema, **dataclasses.asdict(self)}
        return json.dumps(values, indent=1, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls: type[_Record], text: str) -> _Record:
        """Read what `to_json` wrote.

        Raises:
            UsageError: not such a text, or one of another schema.
        """
        try:
            values = json.loads(text)
            found = values.pop("schema")
            if found == cls._schema:
                record: _Record = decode(values, cls)
                return record
        except MALFORMED as error:
            raise UsageError(
                f"this is no {cls._file} that 'ovsharp {cls._verb}' wrote ({error})"
            ) from error
        raise UsageError(
            f"this {cls._file} that 'ovsharp {cls._verb}' wrote has schema {found} and this "
            f"ovsharp reads {cls._schema}; run 'ovsharp {cls._verb}' again"
        )


@dataclass(frozen=True)
class Skipped:
    """An image that was left out, as records tell it."""

    image: str
    reason: str
