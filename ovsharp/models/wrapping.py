"""What training programs put around weights, and how it is taken off.

A checkpoint is a tree: entries in entries, and names that begin alike inside one set of weights
(`student.conv.weight`, `teacher.conv.weight`). Each node that holds tensors is a `Part`. Which one
is the network is decided by what a network needs: the first part on each branch that fits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from ovsharp.errors import UnsupportedModelError, UsageError

WRAPPERS = (
    *("params_ema", "params", "student", "student_sd", "student_state_dict", "model_state_dict"),
    *("state_dict", "model", "net", "network", "weights", "module", "model_weights"),
    *("ema", "ema_model", "model_ema", "ema_state_dict", "state_dict_ema", "shadow"),
    *("generator", "generator_ema", "generator_state_dict", "net_g", "netG", "g_ema"),
)
"""Names that training programs store a network under, as entries or as beginnings of keys."""

_ASIDE = ("teacher", "discriminator", "loss", "criterion", "percept", "vgg", "lpips", "metric")
"""Words in the names of what is trained beside a network, or judges it."""
_ASIDE_NAMES = ("net_d", "netD", "disc", "D", "optimizer", "scheduler")

_PREFERRED = ("params_ema", "params")
"""BasicSR writes both, and its own inference takes the first."""

_COUNTERS = ("total_ops", "total_params")
"""Buffers that thop leaves in every module of a network that it has counted."""

_MAX_DEPTH = 4
"""Wrappers in wrappers that are taken off; a pickle may well contain itself."""

Tensors = dict[str, torch.Tensor]
Fits = Callable[[Tensors], bool]


@dataclass(frozen=True)
class Part:
    """One set of tensors in a file."""

    path: tuple[str, ...]
    """The names that lead to it, outermost first."""
    tensors: Tensors
    parts: tuple[Part, ...] = ()
    """What its keys divide into by their first names."""
    aside: bool = False
    """Whether its name says that it is no student: a teacher, a discriminator, a loss."""
    whole: bool = True
    """Whether what lies beside it, under other names, is known to be no part of the network."""
    wrapped: bool = False
    """Whether something says that its first names are wrappers: a teacher beside it, a program."""
    left_out: tuple[str, ...] = ()
    """What lies beside it in the file."""
    degradation: str = ""
    """What the file says that its network undoes, as `ovsharp train` writes it."""
    pixels: int = 0
    """On how many the file says that it was trained; 0 if it does not say."""

    @property
    def name(self) -> str:
        """What an option may call it, e.g. `state_dict.student`; empty for the file itself."""
        return ".".join(self.path)


def parts_of(content: Any) -> tuple[Part, ...]:
    """Find the sets of weights in what `torch.load` gives, outermost first.

    Example:
        >>> state = {"model": {"a": torch.zeros(1)}, "ema": {"a": torch.ones(1)}, "epoch": 3}
        >>> [(part.name, part.left_out) for part in parts_of(state)]
        [('model', ('ema', 'epoch')), ('ema', ('model', 'epoch'))]
    """
    if not isinstance(content, Mapping):
        return ()
    return tuple(_parts(content, (), (), "pytorch-lightning_version" in content, set()))


def choose(
    parts: Sequence[Part], fits: Fits | None, *, choice: str | None, file: str, trusted: bool
) -> Part:
    """Pick the weights of one network.

    Args:
        parts: of a file; at least one.
        fits: whether tensors are those of a network that is known; None if any will do.
        choice: what the user calls it: a name on its path, or the whole of it.
        file: name of the file, for messages.
        trusted: whether `fits` knows the one network that is meant. If not, a part is taken only
            where all that lies beside it is known to be no part of the network.

    Returns:
        The part that fits; if none does, the first one.

    Raises:
        UnsupportedModelError: several fit, and their values differ.
        UsageError: no part has the name that was chosen.
    """
    pool = [part for part in parts if not part.aside] or list(parts)
    if choice is not None:
        pool = list(_called(parts, choice))
        if not pool:
            names = ", ".join(dict.fromkeys(part.name for part in _all(parts) if part.name))
            raise UsageError(
                f"{file} has no weights '{choice}': it holds {names or 'one set without a name'}"
            )
    free = trusted or choice is not None
    found = [part for one in pool for part in _fitting(one, fits or _anything, free=free)]
    found = _different(found)
    if len(found) > 1:
        short = [_short(part, found) for part in found]
        raise UnsupportedModelError(
            f"{file} holds {len(found)} sets of weights that fit, and their values differ: "
            f"{', '.join(short)}; choose one with --weights {short[0]} or --weights {short[1]}"
        )
    return _unwrapped(found[0] if found else pool[0]) if fits is None else (found or pool)[0]


def _parts(
    content: Mapping[Any, Any],
    path: tuple[str, ...],
    left_out: tuple[str, ...],
    lightning: bool,
    seen: set[int],
) -> Iterator[Part]:
    """Yield the parts of one mapping; its own tensors only where no wrapper is in it."""
    if id(content) in seen or len(path) > _MAX_DEPTH:
        return
    seen.add(id(content))
    inner: dict[str, list[Part]] = {}
    for key, value in content.items():
        if isinstance(value, Mapping) and "param_groups" not in value:
            beside = (*left_out, *(str(other) for other in content if other != key))
            found = _parts(value, (*path, str(key)), beside, lightning, seen)
            inner[str(key)] = list(found)
    wrappers = [part for key, found in inner.items() if key in WRAPPERS for part in found]
    asides = [part for key, found in inner.items() if _is_aside(key) for part in found]
    tensors = {str(key): one for key, one in content.items() if isinstance(one, torch.Tensor)}
    if wrappers:
        yield from wrappers + asides
    elif tensors:
        others = tuple(str(key) for key, one in content.items() if str(key) not in tensors)
        yield _part(path, tensors, (*left_out, *others), lightning=lightning)
        yield from asides
    else:
        yield from (part for found in inner.values() for part in found)


def _part(
    path: tuple[str, ...],
    tensors: Tensors,
    left_out: tuple[str, ...],
    *,
    lightning: bool = False,
    whole: bool = True,
    depth: int = 0,
) -> Part:
    tensors, counters = _cleaned(tensors)
    left_out = (*left_out, *counters)
    parts: list[Part] = []
    groups: dict[str, Tensors] = {}
    for key, tensor in tensors.items():
        first, _, rest = key.partition(".")
        groups.setdefault(first, {})[rest] = tensor
    known = {first: first in WRAPPERS or _is_aside(first) for first in groups}
    for first, group in groups.items():
        if "" in group or depth == _MAX_DEPTH or not (known[first] or len(groups) == 1):
            continue
        parts.append(
            _part(
                (*path, first),
                group,
                (*left_out, *(f"{other}.*" for other in groups if other != first)),
                lightning=lightning,
                whole=whole and (len(groups) == 1 or all(known.values())),
                depth=depth + 1,
            )
        )
    aside = any(map(_is_aside, path))
    wrapped = lightning or any(part.aside for part in parts) != aside
    return Part(path, tensors, tuple(parts), aside, whole, wrapped, left_out)


def _cleaned(tensors: Tensors) -> tuple[Tensors, tuple[str, ...]]:
    """Take off what says nothing of the network; give what was counted beside its weights, too."""
    # torch.compile marks the compiled part, which may be any submodule; DataParallel the root.
    tensors = {key.replace("_orig_mod.", ""): tensor for key, tensor in tensors.items()}
    counters = [
        key
        for key, tensor in tensors.items()
        if key.rpartition(".")[2] in _COUNTERS and tensor.numel() == 1
    ]
    if len(counters) < len(tensors):
        tensors = {key: tensor for key, tensor in tensors.items() if key not in counters}
    left_out = dict.fromkeys(key.rpartition(".")[2] for key in counters)
    rest = {key: tensor for key, tensor in tensors.items() if key != "n_averaged"}
    if len(rest) < len(tensors) and rest and all(key.startswith("module.") for key in rest):
        tensors = rest
        left_out["n_averaged"] = None
    while all(key.startswith("module.") for key in tensors):
        tensors = {key.removeprefix("module."): tensor for key, tensor in tensors.items()}
    return tensors, tuple(left_out)


def _is_aside(name: str) -> bool:
    return name in _ASIDE_NAMES or any(word in name.lower() for word in _ASIDE)


def _anything(_: Tensors) -> bool:
    return True


def _fitting(part: Part, fits: Fits, *, free: bool) -> Iterator[Part]:
    if fits(part.tensors):
        yield part
        return
    for inner in part.parts:
        if free or (inner.whole and not inner.aside):
            yield from _fitting(inner, fits, free=free)


def _unwrapped(part: Part) -> Part:
    """Without a network to compare with: go in where something says that there are wrappers."""
    inner = [one for one in part.parts if one.whole and not one.aside]
    return _unwrapped(inner[0]) if part.wrapped and len(inner) == 1 else part


def _different(parts: Sequence[Part]) -> list[Part]:
    """Leave out what is equal to a part before it, and what a program itself does not prefer."""
    kept: list[Part] = []
    for part in parts:
        if not any(_equal(part.tensors, other.tensors) for other in kept):
            kept.append(part)
    if {part.path[-1:] for part in kept} == {(name,) for name in _PREFERRED}:
        return [part for part in kept if part.path[-1] == _PREFERRED[0]][:1]
    return kept


def _equal(first: Tensors, second: Tensors) -> bool:
    return first.keys() == second.keys() and all(
        torch.equal(tensor, second[key]) for key, tensor in first.items()
    )


def _all(parts: Sequence[Part]) -> Iterator[Part]:
    for part in parts:
        yield part
        yield from _all(part.parts)


def _called(parts: Sequence[Part], choice: str) -> Iterator[Part]:
    """Yield the outermost parts of a name."""
    for part in parts:
        if choice in part.path or choice == part.name:
            yield part
        else:
            yield from _called(part.parts, choice)


def _short(part: Part, parts: Sequence[Part]) -> str:
    """Give the outermost name that no other part answers to: `ema`, not the `module` in it."""
    for name in part.path:
        if not any(name in other.path for other in parts if other is not part):
            return name
    return part.name
