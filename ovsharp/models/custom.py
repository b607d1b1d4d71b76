"""A user's own network: `--arch path/to/model.py:Class --arch-args '{"channels": 64}'`."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from torch import nn

from ovsharp.errors import UsageError
from ovsharp.models.arguments import accepted

_MODULE = "ovsharp_user_network"


def build_custom(location: str, arguments: Mapping[str, Any]) -> nn.Module:
    """Build a network from a class in a Python file.

    This runs the file: it is the user's own code, which they named themselves. Files beside it
    can be imported by it.

    Args:
        location: `path/to/model.py:Class`.
        arguments: passed to the class by name.

    Raises:
        UsageError: no such file or class, a class that is no `torch.nn.Module`, or one that
            fails to run or to take the arguments.
    """
    file, _, name = location.rpartition(":")
    path = Path(file)
    if path.suffix != ".py" or not path.is_file():
        raise UsageError(
            f"there is no Python file {path}: --arch takes a registered name or "
            f"path/to/model.py:Class"
        )
    module = _imported(path)
    network = getattr(module, name, None)
    if not (isinstance(network, type) and issubclass(network, nn.Module)):
        found = [
            key
            for key, value in vars(module).items()
            if isinstance(value, type)
            and issubclass(value, nn.Module)
            and value.__module__ == _MODULE
        ]
        what = "has no" if network is None else "has something else than a torch.nn.Module as"
        raise UsageError(f"{path} {what} '{name}'; its networks: {', '.join(found) or 'none'}")
    try:
        return network(**arguments)
    except (Exception, SystemExit) as error:
        raise UsageError(
            f"{name}({_shown(arguments)}) failed ({type(error).__name__}: {error}); it takes "
            f"{accepted(network)}: give its arguments with --arch-args"
        ) from error


def _imported(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(_MODULE, path)
    if spec is None or spec.loader is None:
        raise UsageError(f"{path} cannot be imported as Python")
    module = importlib.util.module_from_spec(spec)
    # Dataclasses and pickling look a class up in its module; siblings are found by the path.
    sys.modules[_MODULE] = module
    sys.path.insert(0, str(path.parent.resolve()))
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # a training script may read arguments, and exit
        del sys.modules[_MODULE]
        raise UsageError(
            f"{path} fails to run ({type(error).__name__}: {error}); --arch needs a file that can "
            f"be imported, with the network's class and what it needs"
        ) from error
    finally:
        sys.path.remove(str(path.parent.resolve()))
    return module


def _shown(arguments: Mapping[str, Any]) -> str:
    return ", ".join(f"{key}={value!r}" for key, value in arguments.items())
