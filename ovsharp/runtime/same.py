"""`origin`: what results depend on besides the work itself, and whether a machine has the same."""

from __future__ import annotations

import hashlib
import os
import platform
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

import cv2
import PIL

from ovsharp.engine import package_versions, used_isa
from ovsharp.errors import UsageError
from ovsharp.runtime.router import model_files
from ovsharp.runtime.sharpener import Sharpener
from ovsharp.runtime.shipped import shipped_models, shipped_routers
from ovsharp.runtime.sizes import Quality
from ovsharp.version import __version__

_PACKAGES = ("openvino", "numpy", "av")


@lru_cache(maxsize=8)
def origin(
    models: tuple[str | None, ...] = (),
    device: str = "CPU",
    precision: str | None = None,
    quality: Quality | None = None,
    *,
    coding: bool = True,
) -> str:
    """Name everything on this machine that results depend on, besides the job.

    Args:
        models: names and files, as `Sharpener` takes them.
        device: what they run on.
        precision: likewise.
        quality: likewise.
        coding: whether videos are coded: encoders cut a picture by the number of cores.

    Raises:
        OvsharpError: as `Sharpener`.

    Example:
        >>> origin(("call-fast",)) == origin(("call-fast",)), origin() == origin(("call-fast",))
        (True, False)
    """
    facts = [used_isa()]
    content = hashlib.sha256()
    for model in models:
        for path in model_files(model, precision, quality):
            content.update(path.read_bytes())
        with Sharpener(
            model, device=device, precision=precision, quality=quality, threads=1
        ) as sharpener:
            facts.append(sharpener.execution.label)
    if coding:
        facts.append(f"{_cores()} cores")
    versions = package_versions()
    facts += [f"{name} {versions[name]}" for name in _PACKAGES if versions[name]]
    facts += [f"opencv {cv2.__version__}", f"pillow {PIL.__version__}", f"ovsharp {__version__}"]
    if models:
        facts.append(f"models {content.hexdigest()[:12]}")
    return ", ".join(dict.fromkeys(facts))


def given_files(models: Iterable[str | None], precision: str | None = None) -> tuple[Path, ...]:
    """Give the files of those models that are no shipped ones: a worker has to be given them.

    Example:
        >>> given_files(["call", None])
        ()
    """
    shipped = {None, *shipped_models(), *shipped_routers()}
    own = [model for model in models if model not in shipped]
    return tuple(path for model in own for path in model_files(model, precision))


def check_origin(wanted: str, here: str) -> None:
    """Refuse to work where results would differ.

    Args:
        wanted: `origin` of where the work is split.
        here: of this machine.

    Raises:
        UsageError: they differ.
    """
    if here != wanted:
        raise UsageError(
            f"{platform.node()} would make other pixels than the machine that splits the work: it "
            f"has {here}, and that has {wanted}; use machines of one kind, with the same packages"
        )


def _cores() -> int | None:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
