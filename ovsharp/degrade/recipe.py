"""A recipe is a line of text: damages in order, each with its parameters.

::

    blur(kernel=5|7|9, sigma=1..2.5) + down_up(scale=2, method=bicubic|bilinear)

`a|b|c` draws one of the values, `a..b` draws evenly between two numbers (whole numbers if
both are whole), and `p=0.5` applies a damage to that share of the images. The text is the
recipe's identity: reports print it, and the same text with the same seed gives the same pixels.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ovsharp.degrade.operations import OPERATIONS, Image
from ovsharp.errors import UsageError

RECIPES: Mapping[str, str] = {
    "clean": "",
    "gla": "blur(kernel=5|7|9, sigma=1..2.5) + down_up(scale=2, method=bicubic|bilinear)",
    "edsr": "down_up(scale=2, method=bicubic|bilinear)",
    "visionarv": "down_up(scale=6, method=bicubic) + blur(kernel=5, sigma=1.1)",
    "dynamic-duo": "down(scale=4, method=bicubic|nearest) + jpeg(quality=5..35) + noise(sigma=0..10, p=0.5)",
    "x2": "down(scale=2, method=area)",
    "x3": "down(scale=3, method=area)",
    "x4": "down(scale=4, method=area)",
}
"""The named recipes: those of the reference systems, and plain antialiased downscales.

visionarv states a 5x5 Gaussian without a sigma; 1.1 is what OpenCV derives for that size.
"""

Value = int | float | str


@dataclass(frozen=True)
class _Choice:
    values: tuple[Value, ...]

    def draw(self, rng: np.random.Generator) -> Value:
        return self.values[int(rng.integers(len(self.values)))]


@dataclass(frozen=True)
class _Range:
    low: int | float
    high: int | float

    def draw(self, rng: np.random.Generator) -> Value:
        if isinstance(self.low, int) and isinstance(self.high, int):
            return int(rng.integers(self.low, self.high + 1))
        return float(rng.uniform(self.low, self.high))


@dataclass(frozen=True)
class _Step:
    name: str
    parameters: tuple[tuple[str, _Choice | _Range], ...]
    probability: float


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
    steps: tuple[_Step, ...]

    @property
    def scale(self) -> int:
        """How many times smaller each side becomes."""
        factors = [
            parameter.values[0]
            for step in self.steps
            if step.name == "down"
            for key, parameter in step.parameters
            if key == "scale" and isinstance(parameter, _Choice)
        ]
        return int(np.prod([int(factor) for factor in factors], initial=1))

    def __call__(self, image: Image, *, seed: int) -> Image:
        """Damage one image.

        Args:
            image: uint8, H x W x 3, BGR.
            seed: any non-negative integer; the same one gives the same pixels.

        Returns:
            uint8, H/scale x W/scale x 3, BGR; a new array.

        Raises:
            UsageError: a parameter out of its range, or an image too small to shrink.
        """
        rng = np.random.default_rng(seed)
        result = image.copy()
        for step in self.steps:
            applied = rng.random() < step.probability
            drawn = {key: parameter.draw(rng) for key, parameter in step.parameters}
            if applied:
                result = OPERATIONS[step.name](result, rng, **drawn)
        return result


_STEP = re.compile(r"(?P<name>\w+)\s*(?:\((?P<arguments>[^()]*)\))?")


def parse(text: str) -> Recipe:
    """Make a recipe from a name in `RECIPES` or from a text in the grammar of this module.

    Raises:
        UsageError: an unknown name, damage or parameter, or a malformed value.
    """
    full = RECIPES.get(text, text)
    steps = tuple(_parse_step(part.strip()) for part in full.split("+")) if full.strip() else ()
    return Recipe(name=text, text=full, steps=steps)


def _parse_step(text: str) -> _Step:
    match = _STEP.fullmatch(text)
    if match is None or match["name"] not in OPERATIONS:
        raise UsageError(
            f"unknown degradation '{text}': expected one of {', '.join(RECIPES)}, "
            f"or damages such as 'blur(sigma=1.5) + jpeg(quality=20)' from {', '.join(OPERATIONS)}"
        )
    known = [
        name
        for name, parameter in inspect.signature(OPERATIONS[match["name"]]).parameters.items()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY
    ]
    parameters: list[tuple[str, _Choice | _Range]] = []
    probability = 1.0
    for argument in filter(None, (part.strip() for part in (match["arguments"] or "").split(","))):
        key, separator, value = (part.strip() for part in argument.partition("="))
        if not separator or key not in [*known, "p"]:
            raise UsageError(
                f"'{argument}' is no parameter of {match['name']}: expected {', '.join(known)} or p, "
                f"written as name=value"
            )
        parsed = _parse_parameter(value)
        if key != "p":
            parameters.append((key, parsed))
            continue
        only = parsed.values[0] if isinstance(parsed, _Choice) and len(parsed.values) == 1 else None
        if isinstance(only, str) or only is None or not 0 <= only <= 1:
            raise UsageError(f"p must be one number between 0 and 1, got '{value}'")
        probability = float(only)
    return _Step(match["name"], tuple(parameters), probability)


def _parse_parameter(text: str) -> _Choice | _Range:
    low, separator, high = text.partition("..")
    if separator:
        ends = (_parse_value(low), _parse_value(high))
        if isinstance(ends[0], str) or isinstance(ends[1], str) or ends[0] > ends[1]:
            raise UsageError(f"'{text}' is no range: expected two numbers, low..high")
        return _Range(ends[0], ends[1])
    return _Choice(tuple(_parse_value(value) for value in text.split("|")))


def _parse_value(text: str) -> Value:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    if not re.fullmatch(r"[a-z_]+", text):
        raise UsageError(f"'{text}' is neither a number nor a name")
    return text
