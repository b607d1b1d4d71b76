"""What evaluations, studies and benchmarks share: pages, drawings, statistics, sizes."""

from ovsharp.reports.drawing import (
    WIDTH,
    Axis,
    axis_ticks,
    colour,
    draw_axes,
    draw_line,
    draw_svg,
    draw_text,
)
from ovsharp.reports.page import LOSSLESS, bullets, cards, encoded, html_page, picture_url
from ovsharp.reports.size import Size
from ovsharp.reports.statistics import Stat, interval_text, p_text, summarise
from ovsharp.reports.tables import add_numbers, add_words

__all__ = [
    "LOSSLESS",
    "WIDTH",
    "Axis",
    "Size",
    "Stat",
    "add_numbers",
    "add_words",
    "axis_ticks",
    "bullets",
    "cards",
    "colour",
    "draw_axes",
    "draw_line",
    "draw_svg",
    "draw_text",
    "encoded",
    "html_page",
    "interval_text",
    "p_text",
    "picture_url",
    "summarise",
]
