"""From a checkpoint to a network that runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ovsharp.errors import UnsupportedModelError
from ovsharp.models.architecture import Architecture, Shapes, shapes_of
from ovsharp.models.checkpoint import not_finite, read_part
from ovsharp.models.custom import build_custom
from ovsharp.models.plain import chain
from ovsharp.models.registry import ARCHITECTURES
from ovsharp.models.reparameterize import collapse

_LISTED = 12
"""Keys that an error message lists before it counts."""

_HOW = (
    "Say what it is with --arch NAME, or give the file of its class with "
    "--arch path/to/model.py:Class, and its arguments with --arch-args '{\"channels\": 64}'."
)


@dataclass(frozen=True)
class Network:
    """A network with its trained weights, and what it works on."""

    module: nn.Module = field(repr=False)
    """On the CPU, float32, in evaluation mode. Takes and gives N x 3 x H x W; where `forward` has
    a second parameter `base`, it takes the bicubic upscale of the picture too."""
    architecture: str
    """A registered name, or `model.py:Class`."""
    arguments: dict[str, Any] = field(default_factory=dict)
    """What its constructor was called with."""
    parameters: int = 0
    collapsed: int = 0
    """Training-time multi-branch blocks that became single convolutions."""
    unwrapped: tuple[str, ...] = ()
    """Names in the file that led to the weights, outermost first."""
    left_out: tuple[str, ...] = ()
    """What else was in the file."""
    degradation: str = ""
    """What the file says that it undoes, as a recipe; empty if it does not say."""
    pixels: int = 0
    """On how many it says that it was trained; 0 if it does not say."""


def load_network(
    path: str | Path,
    *,
    architecture: str | None = None,
    arguments: Mapping[str, Any] | None = None,
    weights: str | None = None,
) -> Network:
    """Read a checkpoint and build the network that it belongs to.

    Without `architecture`, the network is recognised by the names and the shapes of its tensors,
    which must be exactly those of one registered network. They do not always tell what a network
    computes: a layout that several networks share is refused until `architecture` names one.

    Args:
        path: a `.pth`, `.pt`, `.ckpt` or `.safetensors` file; see `read_part` for what is accepted.
        architecture: a registered name, whose arguments are deduced from the shapes; or
            `path/to/model.py:Class`, which runs that file: it must be code that you trust.
        arguments: for its constructor; they override what was deduced.
        weights: which of several sets of weights in the file: `ema`, `generator`, ...

    Raises:
        ModelLoadError: the file is no whole checkpoint that can be opened safely.
        UnsupportedModelError: no registered network has this layout, several have, or the one
            that was named differs: its missing, unexpected and wrongly shaped keys are listed;
            or several sets of weights in the file fit.
        UsageError: an unknown name, no such class, or arguments that it does not take.
    """
    path = Path(path)
    given = dict(arguments or {})
    if architecture is not None and ":" in architecture:
        return _custom(path, architecture, given, weights)
    if architecture is None:

        def fits(tensors: dict[str, torch.Tensor]) -> bool:
            return bool(ARCHITECTURES.candidates(_shapes(tensors)))

        part = read_part(path, fits=fits, choice=weights)
        entry, deduced = _recognised(path, _shapes(part.tensors))
    else:
        entry = ARCHITECTURES.get(architecture)

        def fits(tensors: dict[str, torch.Tensor]) -> bool:
            shapes = _shapes(tensors)
            found = ARCHITECTURES.deduce(entry, shapes)
            return found is not None and ARCHITECTURES.layout(entry, {**found, **given}) == shapes

        part = read_part(path, fits=fits, choice=weights, trusted=True)
        deduced = ARCHITECTURES.deduce(entry, _shapes(part.tensors)) or {}
    used = {**deduced, **given}
    module = ARCHITECTURES.build(entry.name, **used)
    _fill(module, part.tensors, path, entry.name)
    module, collapsed = collapse(module)
    return Network(
        module=module,
        architecture=entry.name,
        arguments=used,
        parameters=_parameters(module),
        collapsed=collapsed,
        unwrapped=part.path,
        left_out=part.left_out,
        degradation=part.degradation,
        pixels=part.pixels,
    )


def _custom(path: Path, location: str, arguments: dict[str, Any], weights: str | None) -> Network:
    module = build_custom(location, arguments).float().cpu()
    expected = shapes_of(module)
    part = read_part(
        path, fits=lambda tensors: _shapes(tensors) == expected, choice=weights, trusted=True
    )
    file, _, name = location.rpartition(":")
    _fill(module, part.tensors, path, name)
    return Network(
        module=module,
        architecture=f"{Path(file).name}:{name}",
        arguments=arguments,
        parameters=_parameters(module),
        unwrapped=part.path,
        left_out=part.left_out,
        degradation=part.degradation,
        pixels=part.pixels,
    )


def _shapes(tensors: Mapping[str, torch.Tensor]) -> dict[str, tuple[int, ...]]:
    return {key: tuple(tensor.shape) for key, tensor in tensors.items()}


def _recognised(path: Path, shapes: Shapes) -> tuple[Architecture, dict[str, Any]]:
    candidates = ARCHITECTURES.candidates(shapes)
    if len(candidates) == 1:
        return candidates[0]
    if candidates:
        readings = "\n".join(f"  --arch {entry.name:16} {entry.summary}" for entry, _ in candidates)
        raise UnsupportedModelError(
            f"{path} could be any of {len(candidates)} networks: its tensors have the same names "
            f"and shapes in all of them, and what they compute differs.\n{_listed(shapes)}\n"
            f"Possible readings:\n{readings}\n{_HOW}"
        )
    raise UnsupportedModelError(
        f"no registered network has the layout of {path}:\n{_listed(shapes)}\n{_hint(shapes)}"
        f"Registered: {', '.join(ARCHITECTURES.names())}.\n{_HOW}"
    )


def _hint(shapes: Shapes) -> str:
    """What the layout resembles, as a line of its own, or nothing."""
    widths = chain(shapes)
    if widths:
        return (
            f"It is a plain chain of convolutions ({'-'.join(map(str, widths))}), which may "
            f"compute f(x), x + f(x) or x - f(x), with any activation: only its code tells.\n"
        )
    for entry in ARCHITECTURES:
        arguments = ARCHITECTURES.deduce(entry, shapes)
        expected = ARCHITECTURES.layout(entry, arguments) if arguments is not None else {}
        if expected:
            return f"It resembles '{entry.name}', but:\n{_differences(expected, shapes)}\n"
    return ""


def _fill(
    module: nn.Module, tensors: dict[str, torch.Tensor], path: Path, architecture: str
) -> None:
    """Put weights into a network; every key and shape must be equal."""
    expected = shapes_of(module)
    shapes = _shapes(tensors)
    if expected != shapes:
        raise UnsupportedModelError(
            f"{path} does not fit '{architecture}':\n{_differences(expected, shapes)}\n"
            f"Check --arch and --arch-args."
        )
    for key, _ in module.named_parameters():
        if not torch.isfinite(tensors[key]).all():
            raise not_finite(path, key)
    module.load_state_dict(tensors)
    module.eval()


def _differences(expected: Shapes, found: Shapes) -> str:
    """Missing, unexpected and wrongly shaped keys, a paragraph for each that is not empty."""
    missing = {key: shape for key, shape in expected.items() if key not in found}
    unexpected = {key: shape for key, shape in found.items() if key not in expected}
    wrong = [
        f"  {key}  {_shape(found[key])} in the file, {_shape(shape)} in the network"
        for key, shape in expected.items()
        if key in found and found[key] != shape
    ]
    parts = []
    if missing:
        parts.append(f"missing in the file ({len(missing)}):\n{_listed(missing)}")
    if unexpected:
        parts.append(f"unexpected in the file ({len(unexpected)}):\n{_listed(unexpected)}")
    if wrong:
        parts.append(f"wrongly shaped ({len(wrong)}):\n{_shortened(wrong)}")
    return "\n".join(parts)


def _listed(shapes: Shapes) -> str:
    return _shortened([f"  {key}  {_shape(shape)}" for key, shape in shapes.items()])


def _shortened(lines: list[str]) -> str:
    more = len(lines) - _LISTED
    return "\n".join(lines[:_LISTED] + ([f"  ... and {more} more"] if more > 0 else []))


def _shape(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape)) or "scalar"


def _parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())
