"""Which numbers are black and white for a network that does not say: found by looking.

A drawn picture is fed under each reading of the value range. Sharpeners and upscalers change a
picture little: under the right reading the answer resembles the picture, enlarged by the bicubic
resampler where the network enlarges; under a wrong one it is black, white or noise.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ovsharp.convert.options import Options
from ovsharp.convert.pictures import drawn
from ovsharp.convert.probe import enlarged, network_inputs
from ovsharp.errors import UnsupportedModelError, UsageError
from ovsharp.passes import Body, Coding, Frames, Network, clamped
from ovsharp.quality import psnr
from ovsharp.spec import Colour

RANGES = ((0.0, 1.0), (-1.0, 1.0), (0.0, 255.0))
"""The value ranges that are tried, the most common first."""

_LAYOUT = {"DepthToSpace", "Reshape", "Transpose"}

LIKENESS = 15.0
"""PSNR in dB between answer and picture under which no reading counts as right."""
LEAD = 3.0
"""Lead in dB that the best reading must have over the next one that gives another picture."""
HANDICAP = 20 * math.log10(2)
EQUAL = 40.0
"""PSNR in dB over which two readings give the same picture: then the more common one is taken."""


@dataclass(frozen=True)
class Reading:
    """One way to read a network, and how much its answer resembles the picture then."""

    coding: Coding
    likeness: float
    """PSNR in dB, less a handicap: the same error is half as many levels of -1..1 as of 0..1."""
    answer: Frames

    @property
    def text(self) -> str:
        """Input and output range, e.g. `0..255 -> 0..1`."""
        normalised = " normalised" if self.coding.normalised_output else ""
        return f"{span(self.coding.value_range)} -> {span(self.coding.output_range)}{normalised}"


def span(bounds: tuple[float, float]) -> str:
    """Write a range, e.g. `0..1`."""
    return f"{bounds[0]:g}..{bounds[1]:g}"


def find_coding(
    body: Body,
    network: Network,
    options: Options,
    *,
    known: Coding | None = None,
    sure: bool = False,
) -> tuple[Coding, str]:
    """Find out how a network reads and writes pictures.

    Args:
        body: what the network takes.
        network: runs it.
        options: what the user says; goes before everything else.
        known: what the network's architecture says, if anything.
        sure: whether that is a fact or only the usual case.

    Returns:
        The coding, and in words how it was found.

    Raises:
        UnsupportedModelError: the value range was not given, and trying it left a doubt.
        UsageError: a colour order for a network of luma.
    """
    start = known or Coding()
    start = dataclasses.replace(
        start,
        colour=_colour(body, options, start),
        mean=start.mean if options.mean is None else options.mean,
        std=start.std if options.std is None else options.std,
    )
    inputs = _inputs(options, start, sure=sure)
    outputs = _outputs(options, start, body, sure=sure)
    normalised = bool(start.mean or start.std) and options.output_range is None
    readings = read_ranges(
        body, network, start, inputs, outputs, (True, False) if normalised else (False,)
    )
    if len(readings) == 1:
        return readings[0].coding, "given" if options.value_range else "of the architecture"
    best = decided(readings)
    listing = ", ".join(f"{reading.text}: {reading.likeness:.1f} dB" for reading in readings[:3])
    if best is not None:
        return best.coding, f"probed: {listing}"
    if options.value_range is None and known is None:
        raise UnsupportedModelError(
            f"the model does not tell its value range, and trying the usual ones leaves a doubt "
            f"(likeness of the answer to the picture: {listing}); give --input-range 0,1 or -1,1 "
            f"or 0,255, and --output-range if it differs"
        )
    value_range = options.value_range or start.value_range
    output_range = outputs[0] if len(outputs) == 1 else value_range
    coding = dataclasses.replace(
        start, value_range=value_range, output_range=output_range, normalised_output=normalised
    )
    return coding, f"assumed; trying it leaves a doubt: {listing}"


def _colour(body: Body, options: Options, known: Coding) -> Colour:
    if body.channels == 3:
        return options.colour or known.colour
    if options.colour is not None:
        raise UsageError(f"the model takes luma alone: it has no {options.colour} colour order")
    return "luma"


def _inputs(options: Options, known: Coding, *, sure: bool) -> Sequence[tuple[float, float]]:
    if options.value_range is not None:
        return [options.value_range]
    return [known.value_range] if sure else RANGES


def _outputs(
    options: Options, known: Coding, body: Body, *, sure: bool
) -> Sequence[tuple[float, float]]:
    if options.output_range is not None:
        return [options.output_range]
    if sure:
        return [options.value_range or known.output_range]
    bounds = output_bounds(body)
    if bounds is not None:
        return [bounds]
    given = options.value_range
    return RANGES if given is None or given in RANGES else [given, *RANGES]


def read_ranges(
    body: Body,
    network: Network,
    coding: Coding,
    inputs: Sequence[tuple[float, float]],
    outputs: Sequence[tuple[float, float]],
    normalised: Sequence[bool] = (False,),
) -> list[Reading]:
    """Try readings of a network's input and output, best first.

    Args:
        body: what the network takes.
        network: runs it.
        coding: what is known: mean, std, colour.
        inputs: input ranges to try.
        outputs: output ranges to try.
        normalised: whether the output, too, has mean and std applied.
    """
    frames = drawn(*body.trial)
    base = enlarged(frames, body.scale)
    readings = []
    for value_range in inputs:
        tried = dataclasses.replace(coding, value_range=value_range)
        values = network(network_inputs(body, tried, frames))
        for is_normalised in normalised:
            for output_range in outputs:
                read = dataclasses.replace(
                    tried, output_range=output_range, normalised_output=is_normalised
                )
                levels = np.nan_to_num(read.decode(values, base))
                answer = np.clip(np.rint(levels), 0, 255).astype(np.uint8)
                likeness = psnr(answer[0], base[0]) - (HANDICAP if output_range[0] < 0 else 0)
                readings.append(Reading(read, likeness, answer))
    # Stable: among equals the more common comes first.
    return sorted(readings, key=lambda reading: -reading.likeness)


def output_bounds(body: Body) -> tuple[float, float] | None:
    """Give the range that the last operation holds the output in, if it is a usual one."""
    output = body.model.get_results()[0].input_value(0)
    while output.get_node().get_type_name() in _LAYOUT:
        output = output.get_node().input_value(0)
    _, bounds = clamped(output)
    if output.get_node().get_type_name() == "Sigmoid":
        # A tanh says less: it also ends networks of 0..1.
        bounds = (0.0, 1.0)
    return next((usual for usual in RANGES if usual == bounds), None)


def decided(readings: Sequence[Reading]) -> Reading | None:
    """Give the reading that is right beyond doubt, or None."""
    best = readings[0]
    same = [reading for reading in readings if _equal(reading, best)]
    others = [reading for reading in readings if not _equal(reading, best)]
    lead = best.likeness - others[0].likeness if others else math.inf
    if best.likeness < LIKENESS or lead < LEAD:
        return None
    if best.coding.value_range == RANGES[-1] and others and others[0].likeness >= LIKENESS:
        # Biases meant for 0..1 all but vanish in 0..255: any network that adds a correction to
        # its input resembles it more there. Only where no other reading is a picture is it true.
        return None
    return min(same, key=_rarity)


def _equal(reading: Reading, other: Reading) -> bool:
    return psnr(reading.answer[0], other.answer[0]) >= EQUAL


def _rarity(reading: Reading) -> tuple[bool, int, int]:
    coding = reading.coding
    order = {bounds: number for number, bounds in enumerate(RANGES)}
    return (
        coding.value_range != coding.output_range,
        order.get(coding.value_range, 0),
        order.get(coding.output_range, 0),
    )
