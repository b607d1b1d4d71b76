"""`Followed`: a number of a session that is its sharpener's until it is set."""

from __future__ import annotations

from typing import overload

from ovsharp.errors import UsageError


class Followed:
    """An attribute from 0 to `most`: `usual` where nobody has set it, neither object nor owner.

    The owner is what the object has as `_owner`: another one of the kind, or None.

    Raises:
        UsageError: it is set to less or to more.

    Example:
        >>> class Call:
        ...     strength = Followed(usual=1.0, most=1.5)
        ...     def __init__(self, owner=None):
        ...         self._owner = owner
        >>> first = Call()
        >>> second = Call(first)
        >>> first.strength = 0.5
        >>> first.strength, second.strength
        (0.5, 0.5)
    """

    def __init__(self, usual: float, most: float) -> None:
        self._usual, self._most = usual, most

    def __set_name__(self, kind: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, session: None, kind: type) -> Followed: ...
    @overload
    def __get__(self, session: object, kind: type) -> float: ...
    def __get__(self, session: object | None, kind: type) -> Followed | float:
        if session is None:
            return self
        own: float | None = vars(session).get(self._name)
        owner: object | None = vars(session)["_owner"]
        if own is None and owner is not None:
            return self.__get__(owner, kind)
        return self._usual if own is None else own

    def __set__(self, session: object, value: float) -> None:
        if not 0 <= value <= self._most:
            raise UsageError(f"{self._name} must be from 0 to {self._most:g}, got {value}")
        vars(session)[self._name] = value
