"""Arguments of a network's constructor: as the user writes them, and as a message shows them."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from typing import Any

from ovsharp.errors import UsageError


def parse_arguments(text: str | None) -> dict[str, Any]:
    """Read the JSON object of `--arch-args`.

    Raises:
        UsageError: not a JSON object.

    Example:
        >>> parse_arguments('{"channels": 64}')
        {'channels': 64}
        >>> parse_arguments(None)
        {}
    """
    if text is None:
        return {}
    try:
        arguments = json.loads(text)
    except json.JSONDecodeError as error:
        raise UsageError(
            f"--arch-args is not JSON ({error}): expected an object such as '{{\"channels\": 64}}'"
        ) from error
    if not isinstance(arguments, dict):
        raise UsageError(
            f"--arch-args must be a JSON object such as '{{\"channels\": 64}}', got {text}"
        )
    return arguments


def accepted(network: Callable[..., Any]) -> str:
    """Give the arguments that a constructor takes, with their defaults.

    Example:
        >>> def build(channels: int, depth: int = 3) -> None: ...
        >>> accepted(build)
        'channels, depth=3'
    """
    parameters = inspect.signature(network).parameters.values()
    shown = (str(parameter.replace(annotation=parameter.empty)) for parameter in parameters)
    return ", ".join(shown) or "no arguments"
