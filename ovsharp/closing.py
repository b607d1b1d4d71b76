"""What is done when a `with` block is left: `Ending` is told how, `Closing` closes."""

from __future__ import annotations

from types import TracebackType
from typing import TypeVar

_Self = TypeVar("_Self", bound="Ending")


class Ending:
    """Something that a `with` block completes, or gives up if it fails: a file that is written."""

    def _leave(self, *, well: bool) -> None:
        raise NotImplementedError

    def __enter__(self: _Self) -> _Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._leave(well=kind is None)


class Closing(Ending):
    """Something that a `with` block closes: a sharpener, a source, a sink."""

    def close(self) -> None:
        """Give everything back. May be called again."""
        raise NotImplementedError

    def _leave(self, *, well: bool) -> None:  # noqa: ARG002
        self.close()
