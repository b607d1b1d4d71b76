"""Sizes of one design: the same network, smaller for speed or larger for the picture."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Literal, get_args

from ovsharp.errors import UsageError
from ovsharp.runtime.shipped import DEFAULT_ROUTER, find_router, shipped_models

Quality = Literal["fast", "balanced", "best"]
"""What is asked for, smallest first."""
QUALITIES: tuple[Quality, ...] = get_args(Quality)
USUAL: Quality = "balanced"

ENDINGS: Mapping[Quality, str] = MappingProxyType(
    {"fast": "-fast", "balanced": "-balanced", "best": "-quality"}
)
"""Of the names of models. `call-codec`, one of several for different damages, is the balanced one
of `call-codec-fast` and `call-codec-quality`, as `call-balanced` is of `call-fast`."""


def of_size(model: str, quality: Quality) -> str:
    """Give the name of the shipped model of the same design in another size.

    Returns:
        A name; empty where no such model is shipped.

    Example:
        >>> of_size("sharp-balanced", "best"), of_size("sharp-gla", "fast")
        ('sharp-quality', '')
    """
    shipped = shipped_models()
    stem = next((model.removesuffix(end) for end in ENDINGS.values() if model.endswith(end)), model)
    names = (f"{stem}{ENDINGS[quality]}", *((stem,) if quality == USUAL else ()))
    return next((name for name in names if name in shipped), "")


def family(model: str | Path | None) -> tuple[str, ...]:
    """Give the names of all sizes of a model, best pictures first.

    Args:
        model: name of a shipped model, or of a router, whose family is that of its model for
            everything; None for `call`.

    Raises:
        UsageError: the model has one size only.

    Example:
        >>> family("sharp-fast")
        ('sharp-quality', 'sharp-balanced', 'sharp-fast')
    """
    routed = find_router(model) is not None
    name = f"{model or DEFAULT_ROUTER}{ENDINGS[USUAL]}" if routed else str(model)
    members = tuple(one for size in reversed(QUALITIES) if (one := of_size(name, size)))
    if isinstance(model, Path) or name not in members or len(members) == 1:
        known = [one for one in shipped_models() if one.endswith(ENDINGS[USUAL])]
        raise UsageError(
            f"'{model}' has no other sizes to choose among; leave the model out, or name one of "
            f"{', '.join(known) or 'none in this installation'}"
        )
    return members


def sized(model: str | Path | None, quality: Quality) -> str:
    """Give the name of the model that an argument means, in a size.

    Args:
        model: as for `Sharpener`, but no router.
        quality: the size.

    Raises:
        UsageError: the model has no such size.
    """
    found = "" if model is None or isinstance(model, Path) else of_size(model, quality)
    if not found:
        raise UsageError(
            f"{model} is not there as '{quality}': leave the quality out, or name another model"
        )
    return found


def routed(models: tuple[str, ...], quality: Quality) -> tuple[str, ...]:
    """Give the names, in a size, of the models that a router chooses among.

    Args:
        models: their names, that for everything first.
        quality: the size. `best` takes a model as it is where no larger one is shipped.

    Raises:
        UsageError: `fast` is not there for all of them.

    Example:
        >>> routed(("sharp-balanced", "sharp-gla"), "best")
        ('sharp-quality', 'sharp-gla')
    """
    names = [of_size(model, quality) for model in models]
    if quality == "fast" and not all(names):
        general = models[0].removesuffix(ENDINGS[USUAL])
        raise UsageError(
            f"the models of {general} are not all there as '{quality}'; "
            f"{general}{ENDINGS[quality]} is one for everything"
        )
    return tuple(name or model for name, model in zip(names, models, strict=True))
