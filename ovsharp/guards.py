"""How work on what a stranger made is done: `cluster.guarded` in commands, here by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from ovsharp.progress import Progress

Result = TypeVar("Result")


class Guard(Protocol):
    """Does a task for its caller, with limits or without."""

    def __call__(
        self,
        task: Callable[..., Result],
        *arguments: Any,
        what: str,
        progress: Progress,
        **options: Any,
    ) -> Result:
        """Do a task and give its result.

        Args:
            task: a function of a module; its arguments and its result can be pickled, and it
                takes `progress`.
            arguments: of the task.
            what: it works on, for messages.
            progress: told of every step.
            options: of the task, by name.

        Raises:
            ModelLoadError: a limit was exceeded.
            Exception: what the task raises.
        """
        ...


def unguarded(
    task: Callable[..., Result],
    *arguments: Any,
    what: str,  # noqa: ARG001 - as every guard
    progress: Progress,
    **options: Any,
) -> Result:
    """Do a task in this process, without limits.

    Example:
        >>> unguarded(lambda number, progress: number + 1, 2, what="2", progress=print)
        3
    """
    return task(*arguments, progress=progress, **options)
