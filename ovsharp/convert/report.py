"""What `convert` tells its user: labels and values."""

from __future__ import annotations

from collections.abc import Sequence

from ovsharp.convert.parity import Parity
from ovsharp.convert.prepared import Rows
from ovsharp.convert.ranges import span
from ovsharp.convert.source import Source
from ovsharp.passes import Coding, Pruned
from ovsharp.spec import ModelSpec

_LISTED = 12
"""Names that the report lists before it counts."""


def weights_of(origin: Source) -> Rows:
    """Say which weights of a checkpoint were taken, where there is anything to say."""
    network = origin.network
    if network is None or not (network.unwrapped or network.left_out):
        return []
    where = f"under {'.'.join(network.unwrapped)}" if network.unwrapped else "at the top"
    names = list(dict.fromkeys(network.left_out))
    more = f", ... and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return [("weights", f"{where}; left out: {', '.join(names[:_LISTED]) or 'nothing'}{more}")]


def pruned_of(pruned: Pruned, parameters: int, shown: int) -> Rows:
    """Say what went because it never gave anything."""
    if not pruned.parameters:
        return [("pruned", f"nothing: all {pruned.channels} channels are in use")] if shown else []
    left = parameters - pruned.parameters
    count = pruned.proven + pruned.unproven
    seen = f", {pruned.unproven} were 0 on all of {shown} pictures" if pruned.unproven else ""
    return [
        (
            "pruned",
            f"{count} of {pruned.channels} channels: {pruned.proven} can give nothing (proven)"
            f"{seen}; {parameters:,} -> {left:,} parameters",
        )
    ]


def facts_of(
    spec: ModelSpec, origin: Source, coding: Coding, how: str, folded: Sequence[str], after: int
) -> Rows:
    """Say what was found, and what became of it."""
    if spec.size is not None:
        sizes = f"{spec.size[0]}x{spec.size[1]} only"
    elif spec.minimum == 1:
        sizes = "any size"
    else:
        sizes = f"sides that are multiples of {spec.multiple}, {spec.minimum} or more"
    margin = "the whole picture, never tiled" if spec.margin is None else f"{spec.margin} pixels"
    assumed = origin.network is None and coding.colour == "rgb"
    colour = "rgb (assumed unless given; --bgr if it is not)" if assumed else coding.colour
    normalised = f", mean {spec.mean}, std {spec.std}" if spec.mean or spec.std else ""
    base = ", and its bicubic upscale" if spec.base else ""
    return [
        ("architecture", spec.architecture),
        ("parameters", f"{spec.parameters:,}"),
        ("operations", f"{origin.operations} in {origin.form}, {after} in IR with frames"),
        ("input", f"frame{base}; {sizes}"),
        ("scale", str(spec.scale)),
        ("margin", margin),
        (
            "values",
            f"{span(coding.value_range)} -> {span(coding.output_range)}{normalised} ({how})",
        ),
        ("colour", colour),
        ("folded", "; ".join(folded) or "nothing"),
    ]


def parity_text(parity: Parity, limit: float) -> str:
    """Say how far two models are apart."""
    return (
        f"{parity.difference:.1e} of white (limit {limit:g}); {parity.share:.2%} of the uint8 "
        f"values differ, by at most {parity.levels}"
    )
