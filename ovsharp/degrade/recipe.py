"""A recipe is a line of text: damages in order, each with its parameters.

::

    blur(kernel=5|7|9, sigma=1..2.5) + down_up(scale=2, method=bicubic|bilinear)

`a|b|c` draws one of the values, `a..b` draws evenly between two numbers (whole numbers if
both are whole), and `p=0.5` applies a damage to that share of the images. A named recipe can
stand among the damages: `gla + jpeg(quality=20)`. Square brackets draw one of several chains for
each image, `[blur(sigma=1..2) | h264(crf=30) + noise(sigma=3) | clean]`; a chain written twice is
drawn twice as often. The text is the recipe's identity: reports print it, and the same text with
the same seed gives the same pixels.
"""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ovsharp.degrade.operations import OPERATIONS, Name, Number, Operation
from ovsharp.errors import UsageError
from ovsharp.media import Frame

RECIPES: Mapping[str, str] = {
    "clean": "",
    "gla": "blur(kernel=5|7|9, sigma=1..2.5) + down_up(scale=2, method=bicubic|bilinear)",
    "edsr": "down_up(scale=2, method=bicubic|bilinear)",
    "visionarv": "down_up(scale=6, method=bicubic) + blur(kernel=5, sigma=1.1)",
    "dynamic-duo": (
        "down(scale=4, method=bicubic|nearest) + jpeg(quality=5..35) + noise(sigma=0..10, p=0.5)"
    ),
    "synergy": (
        "down_up(scale=2|3, method=bicubic) + motion_blur(length=3..9, angle=0..180, p=0.5) "
        "+ jpeg(quality=20..60) + noise(sigma=0..8, p=0.5) + lost_blocks(share=0.02, p=0.25)"
    ),
    "call": (
        "[down_up(scale=1.3..2.5, method=bicubic|bilinear|area) "
        "| down_up(scale=2, method=bicubic|bilinear) "
        "| blur(kernel=7|9, sigma=0.7..2.5) + down_up(scale=2, method=bicubic|bilinear, p=0.5) "
        "| defocus(radius=0.7..2) | motion_blur(length=2..7, angle=0..180) | clean | clean] "
        "+ [noise(sigma=1..12) | sensor_noise(shot=0..0.6, read=0..4) | clean | clean | clean] "
        "+ [h264(crf=22..38, scale=1..2) | h264(crf=22..38) | vp8(quantizer=16..50) "
        "| jpeg(quality=12..60) | clean | clean]"
    ),
    "x2": "down(scale=2, method=area)",
    "x3": "down(scale=3, method=area)",
    "x4": "down(scale=4, method=area)",
}
"""The named recipes: those of the reference systems, and plain antialiased downscales.

visionarv states a 5x5 Gaussian without a sigma; 1.1 is what OpenCV derives for that size. synergy
names its damages without figures; these are ours. `call` is ours: a lens or a smaller picture,
then a sensor, then a codec, any of them possibly absent.
"""

Value = int | float | str


@dataclass(frozen=True)
class _Choice:
    values: tuple[Value, ...]

    @property
    def ends(self) -> tuple[Value, ...]:
        return self.values

    def draw(self, rng: np.random.Generator) -> Value:
        return self.values[int(rng.integers(len(self.values)))]


@dataclass(frozen=True)
class _Range:
    low: int | float
    high: int | float

    @property
    def ends(self) -> tuple[Value, ...]:
        return (self.low, self.high)

    def draw(self, rng: np.random.Generator) -> Value:
        if isinstance(self.low, int) and isinstance(self.high, int):
            return int(rng.integers(self.low, self.high + 1))
        return float(rng.uniform(self.low, self.high))


@dataclass(frozen=True)
class _Step:
    name: str
    parameters: tuple[tuple[str, _Choice | _Range], ...]
    probability: float

    def __call__(self, image: Frame, rng: np.random.Generator) -> Frame:
        # What one image draws does not depend on what it skips.
        applied = rng.random() < self.probability
        drawn = {key: parameter.draw(rng) for key, parameter in self.parameters}
        return OPERATIONS[self.name].apply(image, rng, **drawn) if applied else image

    def on_clip(self, frames: list[Frame], rng: np.random.Generator) -> list[Frame]:
        applied = rng.random() < self.probability
        drawn = {key: parameter.draw(rng) for key, parameter in self.parameters}
        operation = OPERATIONS[self.name]
        if not applied:
            return frames
        if operation.clip is not None:
            return operation.clip(frames, rng, **drawn)
        return [operation.apply(frame, rng, **drawn) for frame in frames]


@dataclass(frozen=True)
class _OneOf:
    chains: tuple[tuple[_Step, ...], ...]

    def __call__(self, image: Frame, rng: np.random.Generator) -> Frame:
        for step in self.chains[int(rng.integers(len(self.chains)))]:
            image = step(image, rng)
        return image

    def on_clip(self, frames: list[Frame], rng: np.random.Generator) -> list[Frame]:
        for step in self.chains[int(rng.integers(len(self.chains)))]:
            frames = step.on_clip(frames, rng)
        return frames


@dataclass(frozen=True)
class Recipe:
    """A parsed recipe. Make one with `parse`.

    Example:
        >>> import numpy as np
        >>> from ovsharp.degrade import parse
        >>> sharp = np.zeros((32, 32, 3), np.uint8)
        >>> parse("x4")(sharp, seed=7).shape
        (8, 8, 3)
    """

    name: str
    """The name or the text that it was made from."""
    text: str
    """The full text, in the grammar of this module; empty for `clean`."""
    steps: tuple[_Step | _OneOf, ...]

    @property
    def scale(self) -> int:
        """How many times smaller each side becomes."""
        return math.prod(_scale(step) for step in self.steps)

    def __call__(self, image: Frame, *, seed: int) -> Frame:
        """Damage one image.

        Args:
            image: uint8, H x W x 3, BGR.
            seed: any non-negative integer; the same one gives the same pixels.

        Returns:
            uint8, H/scale x W/scale x 3, BGR; a new array.

        Raises:
            UsageError: no such image, or one too small to shrink.
        """
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
            raise UsageError(
                f"expected an image of uint8, height x width x 3, got {image.dtype} {image.shape}"
            )
        rng = np.random.default_rng(seed)
        result = image.copy()
        for step in self.steps:
            result = step(result, rng)
        return result

    def on_clip(self, frames: Sequence[Frame], *, seed: int) -> list[Frame]:
        """Damage consecutive frames, as one call would: one drawing of everything for all.

        Video codecs code the frames one after the other; noise is new in each.

        Args:
            frames: uint8, H x W x 3, BGR, of one size.
            seed: any non-negative integer; the same one gives the same pixels.

        Returns:
            As many frames, H/scale x W/scale x 3.

        Raises:
            UsageError: an image too small to shrink.
            MissingExtraError: a video codec without PyAV.

        Example:
            >>> import numpy as np
            >>> clip = [np.zeros((64, 64, 3), np.uint8)] * 3
            >>> len(parse("h264(kbps=300, scale=2)").on_clip(clip, seed=1))
            3
        """
        rng = np.random.default_rng(seed)
        result = list(frames)
        for step in self.steps:
            result = step.on_clip(result, rng)
        return result


_STEP = re.compile(r"(?P<name>\w+)\s*(?:\((?P<arguments>[^()]*)\))?")


def parse(text: str) -> Recipe:
    """Make a recipe from a name in `RECIPES` or from a text in the grammar of this module.

    Raises:
        UsageError: an unknown name, damage or parameter, or a value that is malformed or out of
            its range.

    Example:
        >>> parse("gla + jpeg(quality=5..35, p=0.5)").text
        'blur(kernel=5|7|9, sigma=1..2.5) + down_up(scale=2, method=bicubic|bilinear) + \
jpeg(quality=5..35, p=0.5)'
    """
    full = " + ".join(filter(None, (RECIPES.get(part, part) for part in _parts(text))))
    return Recipe(name=text.strip(), text=full, steps=_parse_chain(full))


def _parts(text: str) -> list[str]:
    """Split a chain at each + outside brackets."""
    parts = [part.strip() for part in re.split(r"\+(?![^\[]*\])", text)] if text.strip() else []
    if "" in parts:
        raise UsageError(f"'{text}' has a + with no damage beside it")
    return parts


def _parse_chain(text: str) -> tuple[_Step | _OneOf, ...]:
    return tuple(
        _parse_one_of(part) if part.startswith("[") else _parse_step(part) for part in _parts(text)
    )


def _parse_one_of(text: str) -> _OneOf:
    if not text.endswith("]") or set("[]") & set(text[1:-1]):
        raise UsageError(
            f"'{text}': expected chains in one pair of square brackets, as in "
            f"[blur(sigma=2) | noise(sigma=5) + jpeg(quality=20)]"
        )
    chains = []
    for chain in re.split(r"\|(?![^()]*\))", text[1:-1]):
        if not chain.strip():
            raise UsageError(f"'{text}' has a | with no damage beside it; write clean for none")
        named = filter(None, (RECIPES.get(part, part) for part in _parts(chain)))
        steps = tuple(_parse_step(part) for whole in named for part in _parts(whole))
        if any(OPERATIONS[step.name].resizes for step in steps):
            raise UsageError(f"'{chain.strip()}' changes the size: that must not be left to chance")
        chains.append(steps)
    return _OneOf(tuple(chains))


def _parse_step(text: str) -> _Step:
    match = _STEP.fullmatch(text)
    if match is None or match["name"] not in OPERATIONS:
        raise UsageError(
            f"unknown degradation '{text}': expected one of {', '.join(RECIPES)}, "
            f"or damages such as 'blur(sigma=1.5) + jpeg(quality=20)' from {', '.join(OPERATIONS)}"
        )
    name = match["name"]
    drawn: dict[str, _Choice | _Range] = {}
    for argument in filter(None, (part.strip() for part in (match["arguments"] or "").split(","))):
        key, separator, value = (part.strip() for part in argument.partition("="))
        known = [*OPERATIONS[name].parameters, "p"]
        if not separator or key not in known or key in drawn:
            raise UsageError(
                f"'{argument}' is no parameter of {name}, or its second one of that name: "
                f"expected {', '.join(known)}, each once, written as name=value"
            )
        drawn[key] = _parse_parameter(value)
        _check(OPERATIONS[name], key, drawn[key], argument)
    probability = drawn.pop("p", None)
    share = float(probability.values[0]) if isinstance(probability, _Choice) else 1.0
    return _Step(name, tuple(drawn.items()), share)


_P = Number(0, 1, whole=False)


def _check(operation: Operation, key: str, drawn: _Choice | _Range, argument: str) -> None:
    expected: Number | Name = _P if key == "p" else operation.parameters[key]
    if not all(expected.accepts(value) for value in drawn.ends):
        raise UsageError(f"'{argument}' is out of range: {key} is {expected.description}")
    if isinstance(drawn, _Range) and isinstance(expected, Number) and expected.odd:
        raise UsageError(f"'{argument}': {key} is {expected.description}, listed as in 5|7|9")
    fixed = key == "p" or (operation.resizes and isinstance(expected, Number))
    if fixed and (isinstance(drawn, _Range) or len(drawn.values) > 1):
        raise UsageError(f"'{argument}': {key} must be one number, the same for every image")
    if key == "p" and operation.resizes:
        raise UsageError(f"'{argument}': what changes the size is done to every image or to none")


def _scale(step: _Step | _OneOf) -> int:
    """How many times smaller a step makes each side."""
    if isinstance(step, _OneOf) or not OPERATIONS[step.name].resizes:
        return 1
    default = inspect.signature(OPERATIONS[step.name].apply).parameters["scale"].default
    drawn = dict(step.parameters).get("scale", _Choice((default,)))
    return int(drawn.ends[0])


def _parse_parameter(text: str) -> _Choice | _Range:
    low, separator, high = text.partition("..")
    if not separator:
        return _Choice(tuple(_parse_value(value.strip()) for value in text.split("|")))
    ends = (_parse_value(low), _parse_value(high))
    if isinstance(ends[0], str) or isinstance(ends[1], str) or ends[0] > ends[1]:
        raise UsageError(f"'{text}' is no range: expected two numbers, low..high")
    return _Range(ends[0], ends[1])


def _parse_value(text: str) -> Value:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    if not re.fullmatch(r"[a-z_]+", text):
        raise UsageError(f"'{text}' is neither a number nor a name")
    return text
