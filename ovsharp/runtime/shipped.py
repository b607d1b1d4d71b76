"""The models that ovsharp ships, and what a model argument means."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import get_args

from ovsharp.errors import ModelLoadError, UsageError
from ovsharp.spec import Storage

DEFAULT_ROUTER = "call"
"""What `Sharpener()` runs."""
DEFAULT_MODEL = "call-balanced"
"""The one model among those of `DEFAULT_ROUTER` that knows a little of every damage."""


@cache
def shipped_models() -> dict[str, dict[Storage, Path]]:
    """Give the shipped models: name -> storage -> path of the IR's .xml.

    Example:
        >>> DEFAULT_MODEL in shipped_models()
        True
    """
    found: dict[str, dict[Storage, Path]] = {}
    for folder in _folders():
        paths = {storage: folder / f"{folder.name}-{storage}.xml" for storage in get_args(Storage)}
        there = {storage: path for storage, path in paths.items() if path.is_file()}
        if there:
            found[folder.name] = there
    return found


@cache
def shipped_routers() -> dict[str, Path]:
    """Give the shipped routers: name -> path of the IR's .xml.

    Example:
        >>> DEFAULT_ROUTER in shipped_routers()
        True
    """
    paths = {folder.name: folder / f"{folder.name}.xml" for folder in _folders()}
    return {name: path for name, path in paths.items() if path.is_file()}


def find_router(model: str | Path | None) -> Path | None:
    """Find the router that a model argument means; None if it means a single model.

    Args:
        model: None for `DEFAULT_ROUTER`, or the name of a shipped router.
    """
    if isinstance(model, Path):
        return None
    return shipped_routers().get(DEFAULT_ROUTER if model is None else model)


def _folders() -> list[Path]:
    # Package data is found by its path: importing `ovsharp.models` could need torch.
    root = Path(str(files("ovsharp"))) / "models" / "shipped"
    return sorted(root.iterdir()) if root.is_dir() else []


def find_model(model: str | Path | None, precision: str | None = None) -> Path:
    """Find the IR that a model argument means.

    Args:
        model: None for `DEFAULT_MODEL`, the name of a shipped model, or the path of an .xml.
        precision: the execution precision that it will run with (see `resolve_execution`).
            For a shipped model it chooses the file: INT8 for None and `int8...`, FP32 for
            `f32`, else FP16; FP16 and FP32 stand in for each other.

    Raises:
        ModelLoadError: there is no such file and no such shipped model.
        UsageError: the shipped model has no file for this precision, or the name is a router's.
    """
    name = DEFAULT_MODEL if model is None else str(model)
    shipped = shipped_models()
    if find_router(name) is not None and not isinstance(model, Path):
        raise UsageError(
            f"'{name}' chooses among several models and is none itself; name one of "
            f"{', '.join(one for one in shipped if one.startswith(f'{name}-'))}"
        )
    if isinstance(model, Path) or name not in shipped:
        path = Path(name)
        if not path.is_file():
            raise ModelLoadError(
                f"there is no model file {path}; expected an .xml that 'ovsharp convert' wrote, "
                f"or a shipped model: {', '.join(shipped) or 'none in this installation'}"
            )
        return path
    storages = shipped[name]
    wanted: tuple[Storage, ...] = ("fp16", "fp32")
    if precision is None:
        wanted = ("int8", *wanted)
    elif precision == "f32":
        wanted = ("fp32", "fp16")
    elif precision.startswith("int8"):
        wanted = ("int8",)
    for storage in wanted:
        if storage in storages:
            return storages[storage]
    raise UsageError(
        f"the shipped model {name} has no file for precision {precision}; "
        f"it is stored as {', '.join(storages)}"
    )
