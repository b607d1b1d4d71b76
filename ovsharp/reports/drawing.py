"""Lines and texts of charts as inline SVG; their colours come from the page's style sheet."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

WIDTH = 560
"""Of every picture, in its own units; it shrinks with the page."""


def colour(index: int) -> str:
    """Name the style class of the n-th model."""
    return ("f32", "int8", "bf16", "f16", "eager")[index % 5]


@dataclass(frozen=True)
class Axis:
    """Where values stand on a chart.

    Example:
        >>> Axis(0, 10, start=40, end=440)(5)
        240.0
    """

    low: float
    high: float
    start: float
    """Where `low` stands, in pixels."""
    end: float
    """Where `high` stands."""

    def __call__(self, value: float) -> float:
        """Give the place of a value, in pixels."""
        share = (value - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    def ticks(self, form: str) -> dict[float, str]:
        """Give what to write beside it, by place: three to seven numbers in a format."""
        return {self(tick): f"{tick:{form}}" for tick in axis_ticks(self.low, self.high)}


def draw_line(x1: float, y1: float, x2: float, y2: float, kind: str = "axis") -> str:
    """Draw a line of a style class between two points, in pixels."""
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}"/>'


def draw_text(
    x: float, y: float, text: str, *, anchor: str = "middle", kind: str = "", turn: bool = False
) -> str:
    """Write a text, escaped, at a point in pixels; `turn` writes it upwards."""
    turned = f' transform="rotate(-90 {x:.1f} {y:.1f})"' if turn else ""
    named = f' class="{kind}"' if kind else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{named}{turned}>{escape(text)}</text>'
    )


def draw_axes(
    left: float, right: float, top: float, floor: float, ticks: Mapping[float, str]
) -> list[str]:
    """Draw the two axes of a chart, and a line across it for each tick.

    Args:
        left: of the plot, in pixels, as are the others.
        right: likewise.
        top: likewise.
        floor: its lower edge.
        ticks: what is written beside the lines, by their height.
    """
    parts = [draw_line(left, floor, right, floor), draw_line(left, top, left, floor)]
    for y, text in ticks.items():
        parts.append(draw_line(left, y, right, y))
        parts.append(draw_text(left - 6, y + 4, text, anchor="end"))
    return parts


def draw_svg(height: float, parts: list[str]) -> str:
    """Put parts into a picture `WIDTH` pixels wide that shrinks with the page."""
    return f'<svg viewBox="0 0 {WIDTH} {height:.0f}" role="img">{"".join(parts)}</svg>'


def axis_ticks(low: float, high: float) -> list[float]:
    """Round values between two ends, three to seven of them."""
    step = 10 ** math.floor(math.log10(high - low))
    step = next(step * part for part in (1, 0.5, 0.2, 0.1) if (high - low) / (step * part) >= 3)
    return [step * index for index in range(math.ceil(low / step), math.floor(high / step) + 1)]
